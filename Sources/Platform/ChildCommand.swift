internal import Glibc
public import SystemPackage

/// The command after `--`: started when everything is attached, and waited for.
public struct ChildCommand: Sendable {
    private let pid: pid_t

    /// Starts the command with the caller's standard streams; `words` holds at least the command.
    ///
    /// The child gets back the signal mask and the SIGPIPE that this process changed for itself.
    public init(_ words: [String]) throws(Errno) {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigaddset(&defaults, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var arguments = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawnp(&pid, words[0], nil, &attributes, arguments, environ)
        guard code == 0 else { throw Errno(rawValue: code) }
        self.pid = pid
    }

    /// The exit status if the command has ended (128 + n for signal n), without waiting.
    public func poll() -> Int32? {
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    /// Asks the command to end, and after two seconds makes it.
    public func terminate() {
        kill(pid, SIGTERM)
        let patience = monotonicClock() + 2_000_000_000
        while monotonicClock() < patience {
            if poll() != nil { return }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        _ = unsafe waitpid(pid, &status, 0)
    }
}
