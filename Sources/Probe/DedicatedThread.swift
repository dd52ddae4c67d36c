internal import Glibc

/// Runs work that changes its thread for good, as entering another network namespace does, on a thread of its own.
enum DedicatedThread {
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Waits for `body` to return; false where no thread could be made.
    static func run(_ body: () -> Void) -> Bool {
        // The caller waits, so the closure does not outlive it.
        withoutActuallyEscaping(body) { body in
            let work = Work(body)
            var thread = pthread_t()
            let context = unsafe Unmanaged.passUnretained(work).toOpaque()
            let started = unsafe pthread_create(
                &thread, nil,
                { argument in
                    if let argument = unsafe argument {
                        unsafe Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body()
                    }
                    return nil
                }, context)
            guard started == 0 else { return false }
            withExtendedLifetime(work) { _ = pthread_join(thread, nil) }
            return true
        }
    }
}
