import Capture
import Platform
import Synchronization

/// Fills batches on a thread of its own, ahead of whoever uses them.
///
/// What fills them is used by one thread at a time: by the filling one while there is one, and by the other one before it
/// starts and after it has handed over the last batch. The handover orders what they do.
final class FillingThread<Batch: Sendable>: Sendable {
    /// A batch on its way. Its lists go back and forth with it and are filled again.
    private final class Box: Sendable {
        let batch: Mutex<Batch>
        init(_ batch: Batch) { self.batch = Mutex(batch) }
    }

    private let fill: @Sendable (inout Batch) -> Bool
    private let free = Handover<Box>()
    private let filled = Handover<Box>()
    private let ended = Handover<Bool>()
    /// Used batches that are not given back yet.
    private let used = Mutex<[Box]>([])
    private let group: Int

    /// - Parameters:
    ///   - group: so many used batches are given back at once: waking a thread takes microseconds where processors are
    ///     virtual, and each that waits for single batches would be woken for every one.
    ///   - fill: fills a batch, and says whether that was the last one.
    init(group: Int, _ fill: @escaping @Sendable (inout Batch) -> Bool) {
        self.group = group
        self.fill = fill
    }

    /// Starts the thread; false where none can be made.
    ///
    /// - Parameter empty: a batch, of which as many are made as two groups have; one more is in use.
    func start(_ empty: Batch) -> Bool {
        for _ in 0..<2 * group { free.put(Box(empty)) }
        return DetachedThread.start { self.run() }
    }

    private func run() {
        while let box = free.take() {
            let isLast = box.batch.withLock { fill(&$0) }
            filled.put(box)
            if isLast { break }
        }
        ended.put(true)
    }

    /// Waits for the next batch and gives the used one back.
    func take(_ batch: inout Batch) {
        guard let box = filled.take() else { return }
        box.batch.withLock { swap(&$0, &batch) }
        used.withLock { used in
            used.append(box)
            guard used.count == group else { return }
            for box in used { free.put(box) }
            used.removeAll(keepingCapacity: true)
        }
    }

    /// Ends the thread, wherever it is, and waits for that; it is near.
    func stop() {
        free.close()
        _ = ended.take()
    }
}
