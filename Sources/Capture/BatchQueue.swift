internal import Glibc
internal import Synchronization

/// Batches on their way from one thread to another, first in, first out.
@safe
final class BatchQueue: Sendable {
    private struct State {
        var batches: [FrameBatch] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Counts the batches, and one more for the end.
    private let semaphore: SemaphoreAddress

    @safe private struct SemaphoreAddress: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<sem_t>
    }

    init() {
        let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        unsafe sem_init(pointer, 0, 0)
        unsafe semaphore = SemaphoreAddress(pointer: pointer)
    }

    deinit {
        unsafe sem_destroy(semaphore.pointer)
        unsafe semaphore.pointer.deallocate()
    }

    func put(_ batch: FrameBatch) {
        state.withLock { $0.batches.append(batch) }
        unsafe sem_post(semaphore.pointer)
    }

    /// Waits for the next batch; nil once the queue is closed.
    func take() -> FrameBatch? {
        while unsafe sem_wait(semaphore.pointer) != 0 {}
        return state.withLock { $0.isClosed || $0.batches.isEmpty ? nil : $0.batches.removeFirst() }
    }

    /// Nobody is to wait here any more.
    func close() {
        state.withLock { $0.isClosed = true }
        unsafe sem_post(semaphore.pointer)
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }
}
