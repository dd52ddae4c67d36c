internal import Glibc
internal import Synchronization

/// Batches of captured frames on their way.
typealias BatchQueue = Handover<FrameBatch>

/// Values on their way from one thread to another, first in, first out.
@safe
public final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Counts the values, and one more for the end.
    private let semaphore: SemaphoreAddress

    @safe private struct SemaphoreAddress: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<sem_t>
    }

    /// Nothing is on its way.
    public init() {
        let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        unsafe sem_init(pointer, 0, 0)
        unsafe semaphore = SemaphoreAddress(pointer: pointer)
    }

    deinit {
        unsafe sem_destroy(semaphore.pointer)
        unsafe semaphore.pointer.deallocate()
    }

    /// Hands over a value.
    public func put(_ value: Value) {
        state.withLock { $0.values.append(value) }
        unsafe sem_post(semaphore.pointer)
    }

    /// Waits for the next value; nil once this is closed.
    public func take() -> Value? {
        while unsafe sem_wait(semaphore.pointer) != 0 {}
        return state.withLock { $0.isClosed || $0.values.isEmpty ? nil : $0.values.removeFirst() }
    }

    /// Nobody is to wait here any more.
    public func close() {
        state.withLock { $0.isClosed = true }
        unsafe sem_post(semaphore.pointer)
    }

    /// Nobody waits here any more.
    public var isClosed: Bool { state.withLock { $0.isClosed } }
}
