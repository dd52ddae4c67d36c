import PcapNG
public import SystemPackage

/// Why evidence could not be read.
public struct EvidenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; a command's exit code follows from it.
    public enum Code: Hashable, Sendable {
        /// The file is missing or may not be read (exit 66).
        case unreadable(Errno)
        /// It was opened, but reading failed midway (exit 74).
        case readFailed(Errno)
        /// It is no evidence that is known, or nothing of it can be used (exit 65).
        case notEvidence
    }

    /// What kind of failure it is.
    public var code: Code
    /// The file, as the user named it.
    public var file: String
    /// A sentence that says what is wrong and what would be right.
    public var description: String

    /// An error.
    public init(code: Code, file: String, description: String) {
        self.code = code
        self.file = file
        self.description = description
    }

    static func unreadable(_ file: String, _ errno: Errno) -> EvidenceError {
        let what =
            switch errno {
            case .isDirectory: "\(file) is a directory, not an evidence file"
            case .noSuchFileOrDirectory: "\(file) does not exist"
            case .permissionDenied: "\(file) may not be read by this user"
            default: "\(file) cannot be read: \(errno)"
            }
        return EvidenceError(code: .unreadable(errno), file: file, description: what)
    }

    static func readFailed(_ file: String, _ error: ByteSourceError) -> EvidenceError {
        EvidenceError(
            code: .readFailed(error.errno), file: file, description: "reading \(file) failed: \(error.errno)")
    }

    static func notEvidence(_ file: String, _ what: String) -> EvidenceError {
        EvidenceError(
            code: .notEvidence, file: file,
            description:
                "\(file) \(what); evidence is what `whosent record -w` writes, and more that `whosent help join` names")
    }
}
