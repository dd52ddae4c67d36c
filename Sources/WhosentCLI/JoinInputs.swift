import Capture
import Evidence
import TextEscaping

/// The files that `join` was given, and the ways to mix them up.
struct JoinInputs {
    let captures: [String]
    let evidence: [String]

    /// What to say where no evidence was named; nil where some was.
    var missingEvidence: String? {
        guard evidence.isEmpty else { return nil }
        if let file = captures.first(where: Self.isEvidence) {
            return "\(LosslessEscape.text(file)) is evidence: put --evidence before it"
        }
        return "join needs --evidence FILE, which `whosent record -w FILE` makes while the capture runs; "
            + "classify does without"
    }

    /// What to say where a capture was named as evidence and evidence as a capture; nil where that is not so.
    var swapped: CommandFailure? {
        guard let packets = evidence.first(where: { !Self.isEvidence($0) && Self.isCapture($0) }),
            let records = captures.first(where: Self.isEvidence)
        else { return nil }
        let (capture, proof) = (LosslessEscape.text(packets), LosslessEscape.text(records))
        return CommandFailure(
            ExitStatus.noUsableInput,
            "\(proof) is the evidence and \(capture) the capture: whosent join \(capture) --evidence \(proof)")
    }

    /// Standard input can be read only once, so nothing is said of it.
    private static func isEvidence(_ path: String) -> Bool {
        path != "-" && (try? EvidenceReader(path: path, host: 0))?.kind == .recording
    }

    private static func isCapture(_ path: String) -> Bool { path != "-" && (try? CaptureFeed(paths: [path])) != nil }
}
