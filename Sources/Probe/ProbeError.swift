internal import Glibc

/// Why the kernel's records cannot be had.
public struct ProbeError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure, which decides the exit status.
    public enum Code: Sendable {
        /// A privilege is missing.
        case notPermitted
        /// The kernel, or the way it is set up, lacks something.
        case kernelLacksFeature
        /// The named interface does not exist.
        case noSuchInterface
        /// The named network namespace does not exist.
        case noSuchNamespace
        /// A system call failed that should not.
        case io
    }

    /// The kind of failure.
    public let code: Code
    /// What was being done, in the kernel's or libbpf's terms.
    public let operation: String
    /// The `errno` value, 0 where none belongs to it.
    public let errno: CInt
    /// A full sentence that says what is wrong and how to mend it.
    public let description: String

    init(_ code: Code, _ operation: String, errno: CInt = 0, _ sentence: String) {
        self.code = code
        self.operation = operation
        self.errno = errno
        self.description = sentence
    }

    /// A failed call whose meaning follows from its `errno`.
    static func failed(_ operation: String, errno: CInt) -> ProbeError {
        switch errno {
        case EPERM, EACCES:
            ProbeError(
                .notPermitted, operation, errno: errno,
                "\(operation) was refused: run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.")
        case ENOSYS, EOPNOTSUPP, ENOTSUP:
            ProbeError(
                .kernelLacksFeature, operation, errno: errno,
                "\(operation) is not supported by this kernel: Linux 5.10 or later with CONFIG_BPF_SYSCALL and "
                    + "CONFIG_DEBUG_INFO_BTF is needed.")
        case ENOMEM:
            ProbeError(
                .io, operation, errno: errno, "\(operation) failed for lack of memory: free memory, or raise the limit."
            )
        default:
            ProbeError(.io, operation, errno: errno, "\(operation) failed: \(message(errno)).")
        }
    }

    /// The C library's text for an error number.
    static func message(_ errno: CInt) -> String {
        unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
    }
}

/// Turns the C library's convention (-1 and `errno`) into a thrown error.
func checked(_ operation: String, _ result: CInt) throws(ProbeError) -> CInt {
    guard result >= 0 else { throw .failed(operation, errno: errno) }
    return result
}

/// Turns libbpf's convention (a negative `errno`) into a thrown error.
func checkedLibbpf(_ operation: String, _ result: CInt) throws(ProbeError) {
    guard result >= 0 else { throw .failed(operation, errno: -result) }
}
