/// The exit statuses that scripts rely on (sysexits.h where it has one).
enum ExitStatus {
    /// Done; also when interrupted, or when the reader of standard output went away.
    static let done: Int32 = 0
    /// Failed for a reason of its own.
    static let failed: Int32 = 1
    /// The command line is wrong.
    static let usage: Int32 = 64
    /// Nothing usable in the input.
    static let noUsableInput: Int32 = 65
    /// An input or interface is missing or unreadable.
    static let noInput: Int32 = 66
    /// The kernel lacks a feature.
    static let kernelLacksFeature: Int32 = 69
    /// Reading or writing failed.
    static let inputOutput: Int32 = 74
    /// Not permitted.
    static let notPermitted: Int32 = 77
}

/// A failure that ends a command: a sentence for the user and the status for scripts.
struct CommandFailure: Error, CustomStringConvertible {
    /// What to exit with.
    let status: Int32
    /// What to say.
    let description: String

    init(_ status: Int32, _ description: String) {
        self.status = status
        self.description = description
    }
}
