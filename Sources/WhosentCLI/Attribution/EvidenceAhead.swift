import Capture
import Evidence
import Platform
import Records
import Synchronization

/// An evidence file, read ahead on a thread of its own where there is a processor for it.
///
/// The records are the same in the same order, so the thread shows in nothing but the time that it takes.
final class EvidenceAhead: Sendable {
    private let reading: EvidenceReading
    private let mayHaveThread: Bool
    /// Nil before the first batch.
    private let hasThread = Mutex<Bool?>(nil)

    /// - Parameters:
    ///   - reader: is used here alone from now on.
    ///   - mayHaveThread: a pipe is read without one all the same: whoever reads it may have to be stopped while it waits.
    init(_ reader: EvidenceReader, mayHaveThread: Bool) {
        self.mayHaveThread = mayHaveThread && reader.progress != nil
        reading = EvidenceReading(reader)
    }

    deinit {
        if hasThread.withLock({ $0 == true }) { reading.stop() }
    }

    /// Takes the next records into a batch.
    ///
    /// The thread starts with the first of them and not before: a process that wants no signals in its threads has said so by
    /// then.
    func read(into batch: inout EvidenceBatch) {
        let isAhead = hasThread.withLock { known in
            let isAhead = known ?? (mayHaveThread && reading.start())
            known = isAhead
            return isAhead
        }
        if isAhead { reading.take(&batch) } else { reading.read(into: &batch) }
    }

    /// See ``EvidenceReader/coverage``; only before the first batch, and after the last.
    var coverage: Coverage { reading.coverage }
    /// The same of ``EvidenceReader/damage``.
    var damage: [Damage] { reading.damage }
}

/// What both threads know.
///
/// The reader is used by one of them at a time: by the reading thread while there is one, and by the other one before it
/// begins and after it has handed over the last batch. The handover orders what they do.
private final class EvidenceReading: @unchecked Sendable {
    /// A batch on its way. Its lists go back and forth with it and are filled again.
    private final class Box: Sendable {
        let batch = Mutex(EvidenceBatch())
    }

    /// How many batches are on their way or wait to be filled; one more is in use.
    private static let boxes = 3

    private let reader: EvidenceReader
    private let free = Handover<Box>()
    private let filled = Handover<Box>()
    private let ended = Handover<Bool>()

    init(_ reader: EvidenceReader) { self.reader = reader }

    var coverage: Coverage { reader.coverage }
    var damage: [Damage] { reader.damage }

    func read(into batch: inout EvidenceBatch) { reader.read(into: &batch) }

    /// False where no thread can be made.
    func start() -> Bool {
        for _ in 0..<Self.boxes { free.put(Box()) }
        return DetachedThread.start { self.readAhead() }
    }

    private func readAhead() {
        while let box = free.take() {
            let isLast = box.batch.withLock { batch in
                read(into: &batch)
                return batch.end != nil
            }
            filled.put(box)
            if isLast { break }
        }
        ended.put(true)
    }

    /// Waits for the next batch and gives the used one back.
    func take(_ batch: inout EvidenceBatch) {
        guard let box = filled.take() else { return }
        box.batch.withLock { swap(&$0, &batch) }
        free.put(box)
    }

    /// Ends the reading, wherever it is, and waits for that; it is near.
    func stop() {
        free.close()
        _ = ended.take()
    }
}
