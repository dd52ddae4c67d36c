import PacketDecoding
import PcapNG
import Records
import TextEscaping

/// Reads what ``ConvertedEvidenceWriter`` wrote.
final class ConvertedEvidence: RecordStream {
    let kind: EvidenceKind
    let isConverted = true
    let clock: EvidenceClock
    private(set) var coverage = Coverage.none
    private(set) var endedWithoutSummary = false

    private let file: String
    private let host: UInt16
    private var blocks: BlockReader
    private var findings: [Damage] = []
    private var seenDamage = 0
    private var listing: Listing?
    private var pending: EvidenceRecord?
    private var counted: UInt64 = 0
    private var hasSummary = false
    private var isFinished = false

    init(_ opened: consuming OpenedEvidence, file: String, host: UInt16) {
        kind = opened.kind
        coverage.host = opened.coverage.host
        clock =
            opened.clock
            ?? EvidenceClock(relation: .foreign, resolution: 1_000_000_000, description: "the header does not say")
        blocks = opened.blocks
        self.file = file
        self.host = host
    }

    var damage: [Damage] { (blocks.damage + findings).sorted { $0.offset < $1.offset } }
    var packetBytes: [UInt8] { blocks.packetCopy }

    func next() throws(EvidenceError) -> EvidenceRecord? {
        if let record = pending {
            pending = nil
            return record
        }
        while !isFinished {
            let event: BlockReader.Event?
            do throws(ByteSourceError) {
                event = try blocks.next()
            } catch {
                throw .readFailed(file, error)
            }
            let found = event.flatMap(record)
            if event == nil { finish() }
            guard blocks.damageCount > seenDamage else {
                if let found { return found }
                continue
            }
            pending = found
            let count = blocks.damageCount - seenDamage
            seenDamage = blocks.damageCount
            return lose(UInt64(count))
        }
        return nil
    }

    private func finish() {
        isFinished = true
        endedWithoutSummary = !hasSummary
        if !hasSummary { note("the file ends without a summary: it was broken off") }
    }

    private func record(of event: BlockReader.Event) -> EvidenceRecord? {
        switch event {
        case .packet(let packet):
            counted += 1
            guard let ip = decodeIP(blocks.packetBytes, originalLength: packet.originalLength),
                let record = TrafficComment.read(blocks.comment, ip, block: packet, host: host)
            else { return leaveOut("a packet's comment is malformed or contradicts its block") }
            return .traffic(record)
        case .processEvent(let process):
            guard
                let sighting = ConvertedComment.readSighting(
                    blocks.comments(), pid: process.processID, listing: listing, host: host)
            else { return leaveOut("a process block's comments are malformed") }
            return .sighting(sighting)
        case .statistics: return statistics()
        case .section:
            note("a second section begins here: only the first one is read")
            finish()
            return nil
        case .interface, .other: return nil
        }
    }

    private func statistics() -> EvidenceRecord? {
        let comment = blocks.commentCopy
        guard !comment.isEmpty else { return nil }
        guard let json = JSONValue(comment) else {
            return leaveOut("a statistics block's comment is malformed")
        }
        if let loss = SummaryComment.readLoss(json) {
            coverage.add(loss, limit: 1000)
            return .lost(loss)
        }
        if let found = ConvertedComment.readListing(json) {
            listing = found
            return .listing(found)
        }
        if let socket = ConvertedComment.readSocket(json, listing: listing, host: host) { return .socket(socket) }
        guard let end = SummaryComment.readEnd(json) else {
            return leaveOut("a statistics block's comment says nothing that is known")
        }
        hasSummary = true
        guard end.totals.sends > counted else { return nil }
        note("the summary counts \(end.totals.sends) packets, the file holds \(counted)")
        return lose(end.totals.sends - counted)
    }

    private func leaveOut(_ what: String) -> EvidenceRecord {
        note("\(what); the record is left out")
        return lose(1)
    }

    private func lose(_ count: UInt64) -> EvidenceRecord {
        let loss = LossInterval(kind: .send, count: count, start: .distantPast, stop: .distantFuture)
        coverage.add(loss, limit: 1000)
        return .lost(loss)
    }

    private func note(_ what: String) {
        if findings.count < 100 { findings.append(Damage(file: file, offset: blocks.blockOffset, what: what)) }
    }
}
