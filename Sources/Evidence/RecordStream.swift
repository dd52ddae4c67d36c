import PcapNG
import Records

/// An open evidence file of some kind: what ``EvidenceReader`` reads from.
protocol RecordStream: AnyObject {
    var kind: EvidenceKind { get }
    /// It is a pcapng of this tool into which evidence of `kind` was converted.
    var isConverted: Bool { get }
    var clock: EvidenceClock { get }
    var coverage: Coverage { get }
    var endedWithoutSummary: Bool { get }
    var damage: [Damage] { get }
    /// The kernel of the machine, where the file says it (lossless escape).
    var kernel: String? { get }
    /// The packet of the record that was returned last, from its IP header on; empty where the evidence holds none.
    var packetBytes: [UInt8] { get }

    /// The next record in file order; nil at the end.
    func next() throws(EvidenceError) -> EvidenceRecord?
    /// The next records in file order, into an empty batch: one at least, and no more than can be had without waiting.
    func read(into batch: inout EvidenceBatch)
}

extension RecordStream {
    func read(into batch: inout EvidenceBatch) {
        do throws(EvidenceError) {
            if let record = try next() { batch.append(record) } else { batch.end = .complete }
        } catch { batch.end = .failed(error) }
    }

    var packetBytes: [UInt8] { [] }
    var kernel: String? { nil }
}

extension BlockReader {
    /// Copies, for readers that are classes: a span cannot leave a class's property.
    var packetCopy: [UInt8] { packetBytes.array }
    var commentCopy: [UInt8] { comment.array }
}

/// Evidence of this tool's own.
final class OwnEvidence: RecordStream {
    private var stream: EvidenceStream
    let kernel: String?

    init(_ opened: consuming OpenedEvidence, file: String, host: UInt16) throws(EvidenceError) {
        kernel = opened.blocks.section.operatingSystem
        stream = EvidenceStream(opened, file: file, host: host)
        try stream.readAnnouncedInterfaces()
    }

    let isConverted = false
    let clock = EvidenceClock(relation: .captures, resolution: 1, description: "the machine's wall clock, 1 ns")
    var kind: EvidenceKind { stream.kind }
    var coverage: Coverage { stream.coverage }
    var endedWithoutSummary: Bool { stream.endedWithoutSummary }
    var damage: [Damage] { stream.damage }

    func next() throws(EvidenceError) -> EvidenceRecord? { try stream.next() }
    func read(into batch: inout EvidenceBatch) { stream.read(into: &batch) }
}
