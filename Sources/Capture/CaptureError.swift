internal import SystemPackage
internal import TextEscaping

/// Why a capture could not be opened or read any further.
public struct CaptureError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; the commands choose their exit code by it.
    public enum Code: Sendable, CaseIterable {
        /// There is no such file.
        case missing
        /// The file is there but cannot be read: permissions, a directory.
        case unreadable
        /// The file is empty or of another kind.
        case notACapture
        /// The file is a capture of which nothing can be used.
        case damaged
        /// Frames of this link type cannot be decoded.
        case unsupportedLinkType
        /// Capturing needs a privilege that the process does not have.
        case notPermitted
        /// There is no such interface.
        case noSuchInterface
        /// The interface is there but not up.
        case interfaceDown
        /// The interface went away while it was captured.
        case interfaceGone
        /// The pcap-filter expression does not compile.
        case badFilter
        /// Reading failed for another reason.
        case io
    }

    /// What kind of failure it is.
    public var code: Code
    /// What was tried, as the call's name: `open`, `pcap_activate`.
    public var operation: String
    /// The system's error number, where there is one.
    public var errno: CInt?
    /// A full sentence that says what is wrong and how to mend it.
    public var description: String

    /// An error.
    public init(code: Code, operation: String, errno: CInt? = nil, description: String) {
        self.code = code
        self.operation = operation
        self.errno = errno
        self.description = description
    }
}

extension CaptureError {
    /// A failed open or read of the file that is named so in messages.
    static func opening(_ name: String, operation: String = "open", _ error: Errno) -> CaptureError {
        let (code, sentence): (Code, String) =
            switch error {
            case .noSuchFileOrDirectory: (.missing, "\(name) does not exist; check its path.")
            case .notDirectory: (.missing, "\(name) does not exist: a part of its path is not a directory.")
            case .isDirectory: (.unreadable, "\(name) is a directory; name a capture file in it.")
            case .permissionDenied, .notPermitted:
                (.unreadable, "\(name) may not be read by this user; change its permissions or run as its owner.")
            default: (.unreadable, "\(name) cannot be read: \(error).")
            }
        return CaptureError(code: code, operation: operation, errno: error.rawValue, description: sentence)
    }
}
