internal import Glibc

/// Signals as something to ask for, never as something that happens in the middle of work.
///
/// They are blocked in every thread and collected with sigtimedwait: no handler runs, so nothing needs to be
/// async-signal-safe, and what was begun is finished before the command ends.
public struct Interruption {
    /// What a signal asks for.
    public enum Event: Sendable {
        /// SIGINT, SIGTERM or SIGHUP: finish and exit.
        case stop
        /// SIGCHLD: a child changed state.
        case child
    }

    private var collected = sigset_t()

    /// Blocks the signals; call before any thread is started.
    public init() {
        unsafe sigemptyset(&collected)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] { unsafe sigaddset(&collected, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &collected, nil)
        // A closed pipe is an error of write(2) here, not a reason to die in the middle of a block.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// A signal that asks for the end is pending. It is not taken: ``next()`` still gives it.
    public static var isStopPending: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return [SIGINT, SIGTERM, SIGHUP].contains { unsafe sigismember(&pending, $0) == 1 }
    }

    /// The next pending signal, without waiting; nil if there is none.
    public mutating func next() -> Event? {
        var immediately = timespec(tv_sec: 0, tv_nsec: 0)
        switch unsafe sigtimedwait(&collected, nil, &immediately) {
        case SIGINT, SIGTERM, SIGHUP: return .stop
        case SIGCHLD: return .child
        default: return nil
        }
    }
}
