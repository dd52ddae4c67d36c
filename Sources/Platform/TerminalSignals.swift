internal import Glibc

/// What a terminal tells a program that draws on it, collected as ``Interruption`` collects the end.
public struct TerminalSignals: Sendable {
    /// What was told.
    public enum Event: Sendable {
        /// SIGTSTP: the program is to be suspended.
        case suspend
        /// SIGCONT: it goes on, and the terminal may be another job's work by now.
        case resume
        /// SIGWINCH: the terminal has another size.
        case resize
    }

    private static let collected = [SIGTSTP, SIGCONT, SIGWINCH]
    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in collected { unsafe sigaddset(&set, signal) }
        return set
    }

    /// Blocks the signals; call before any thread is started.
    public init() {
        var set = Self.set
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// The next pending signal, without waiting; nil if there is none.
    public func next() -> Event? {
        var set = Self.set
        var immediately = timespec(tv_sec: 0, tv_nsec: 0)
        switch unsafe sigtimedwait(&set, nil, &immediately) {
        case SIGTSTP: return .suspend
        case SIGCONT: return .resume
        case SIGWINCH: return .resize
        default: return nil
        }
    }

    /// Stops this process as if nobody had blocked SIGTSTP; returns when it goes on.
    public func suspendProcess() {
        // ncurses has a handler of its own, which would draw.
        _ = signal(SIGTSTP, SIG_DFL)
        kill(getpid(), SIGTSTP)
        var suspending = sigset_t()
        unsafe sigemptyset(&suspending)
        unsafe sigaddset(&suspending, SIGTSTP)
        unsafe pthread_sigmask(SIG_UNBLOCK, &suspending, nil)
        unsafe pthread_sigmask(SIG_BLOCK, &suspending, nil)
    }

    /// Gives the calling thread back to the usual effect of the signals.
    public func end() {
        var set = Self.set
        _ = signal(SIGTSTP, SIG_DFL)
        _ = signal(SIGWINCH, SIG_DFL)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
