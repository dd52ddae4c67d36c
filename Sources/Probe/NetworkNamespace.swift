internal import CLinux
internal import Glibc
internal import TextEscaping

/// Network namespaces as users name them: by the names of ip-netns(8), or by a path such as /proc/123/ns/net.
public enum NetworkNamespace {
    private static let folder = "/run/netns"

    /// The names that there are, sorted.
    public static var names: [String] { directoryEntries(ofPath: folder).sorted() }

    /// Where the namespace of a name is; a name with a slash is a path already.
    static func path(of name: String) -> String { name.contains("/") ? name : "\(folder)/\(name)" }

    /// Makes the calling thread, and what it starts from now on, part of the namespace.
    ///
    /// Called on a process's first thread before any other is started, it is as if the process had been started there,
    /// but for what is mounted: `ip netns exec` also shows the namespace's own /sys and its /etc/netns files.
    ///
    /// - Throws: `.noSuchNamespace`, or `.notPermitted` without CAP_SYS_ADMIN.
    public static func enter(_ name: String) throws(ProbeError) {
        let path = path(of: name)
        // A named pipe would make the caller wait.
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw refused(name, "open", errno) }
        let descriptor = OwnedDescriptor(number)
        guard setns(descriptor.number, CLONE_NEWNET) == 0 else { throw refused(name, "setns", errno) }
    }

    private static func refused(_ name: String, _ operation: String, _ error: CInt) -> ProbeError {
        let shown = LosslessEscape.text(name)
        switch error {
        case EPERM, EACCES:
            return ProbeError(
                .notPermitted, operation, errno: error,
                "Entering the network namespace \(shown) needs CAP_SYS_ADMIN; run as root (sudo).")
        case EINVAL:
            return ProbeError(
                .noSuchNamespace, operation, errno: error,
                "\(LosslessEscape.text(path(of: name))) is no network namespace.")
        case ENOENT, ENOTDIR, ESRCH:
            let known = names.map { LosslessEscape.text($0) }.joined(separator: ", ")
            return ProbeError(
                .noSuchNamespace, operation, errno: error,
                "There is no network namespace \(shown); "
                    + (known.isEmpty ? "`ip netns` lists none" : "there are \(known)")
                    + ", and that of a process is /proc/PID/ns/net.")
        default:
            return ProbeError(
                .io, operation, errno: error,
                "The network namespace \(shown) cannot be entered: \(ProbeError.message(error)).")
        }
    }
}
