import Capture
import Evidence
import Probe

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
        case .noSuchInterface: ExitStatus.noInput
        case .io: ExitStatus.inputOutput
        }
    }
}
