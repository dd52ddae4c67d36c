import Capture
import Evidence
import PcapNG
import Probe
import Records
import SystemPackage
import TextEscaping

extension CaptureError {
    /// The status that scripts get for this failure.
    var exitStatus: Int32 {
        switch code {
        case .missing, .unreadable, .noSuchInterface, .interfaceDown, .interfaceGone: ExitStatus.noInput
        case .notACapture, .damaged, .unsupportedLinkType: ExitStatus.noUsableInput
        case .notPermitted: ExitStatus.notPermitted
        case .badFilter: ExitStatus.usage
        case .io: ExitStatus.inputOutput
        }
    }
}

extension ProbeError {
    /// The status that scripts get for this failure.
    var exitStatus: Int32 {
        switch code {
        case .notPermitted: ExitStatus.notPermitted
        case .kernelLacksFeature: ExitStatus.kernelLacksFeature
        case .noSuchInterface, .noSuchNamespace: ExitStatus.noInput
        case .io: ExitStatus.inputOutput
        }
    }
}

extension EvidenceError {
    /// The status that scripts get for this failure.
    var exitStatus: Int32 {
        switch code {
        case .unreadable: ExitStatus.noInput
        default: ExitStatus.noUsableInput
        }
    }
}

extension BlockWriterError {
    /// A reader that went away ends a command as if it had been told to stop.
    var failure: CommandFailure {
        CommandFailure(errno == .brokenPipe ? ExitStatus.done : ExitStatus.inputOutput, description)
    }
}

extension Probe {
    /// What this machine's evidence covers from `start` on.
    func coverage(from start: Timestamp, filter: String, interface: String?) -> Coverage {
        Coverage(
            host: host.name, bootID: host.bootID, start: start, filter: LosslessEscape.text(filter),
            onlyInterface: interface.map { LosslessEscape.text($0) }, interfaces: hostInterfaces())
    }
}
