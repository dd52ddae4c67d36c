import Capture
import Evidence
import Platform
import Records
import Synchronization

/// An evidence file, read ahead on a thread of its own where there is a processor for it.
///
/// The records are the same in the same order, so the thread shows in nothing but the time that it takes.
final class EvidenceAhead: Sendable {
    /// See ``FillingThread/init(group:_:)``.
    private static let group = 3

    private let reading: EvidenceReading
    private let thread: FillingThread<EvidenceBatch>
    private let mayHaveThread: Bool
    /// Nil before the first batch.
    private let hasThread = Mutex<Bool?>(nil)

    /// - Parameters:
    ///   - reader: is used here alone from now on.
    ///   - mayHaveThread: a pipe is read without one all the same: whoever reads it may have to be stopped while it waits.
    init(_ reader: EvidenceReader, mayHaveThread: Bool) {
        self.mayHaveThread = mayHaveThread && reader.progress != nil
        let reading = EvidenceReading(reader)
        self.reading = reading
        thread = FillingThread(group: Self.group) { reading.read(into: &$0) }
    }

    deinit {
        if hasThread.withLock({ $0 == true }) { thread.stop() }
    }

    /// Takes the next records into a batch.
    ///
    /// The thread starts with the first of them and not before: a process that wants no signals in its threads has said so by
    /// then.
    func read(into batch: inout EvidenceBatch) {
        let isAhead = hasThread.withLock { known in
            let isAhead = known ?? (mayHaveThread && thread.start(EvidenceBatch()))
            known = isAhead
            return isAhead
        }
        if isAhead { thread.take(&batch) } else { _ = reading.read(into: &batch) }
    }

    /// See ``EvidenceReader/coverage``; only before the first batch, and after the last.
    var coverage: Coverage { reading.coverage }
    /// The same of ``EvidenceReader/damage``.
    var damage: [Damage] { reading.damage }
}

/// The reader, which one thread uses at a time: see ``FillingThread``.
private final class EvidenceReading: @unchecked Sendable {
    private let reader: EvidenceReader

    init(_ reader: EvidenceReader) { self.reader = reader }

    var coverage: Coverage { reader.coverage }
    var damage: [Damage] { reader.damage }

    /// True for the last batch.
    func read(into batch: inout EvidenceBatch) -> Bool {
        reader.read(into: &batch)
        return batch.end != nil
    }
}
