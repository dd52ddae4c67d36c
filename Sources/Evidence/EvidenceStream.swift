import PacketDecoding
import PcapNG
import Records
import TextEscaping

/// The reading itself. A structure, because the compiler then checks exclusive access once and not the runtime at each
/// of a record's many steps.
struct EvidenceStream: ~Copyable {
    let kind: EvidenceKind
    private(set) var endedWithoutSummary = false

    private let file: String
    private let host: UInt16
    private var blocks: BlockReader
    private var spans: CoveredSpans
    private var findings: [Damage] = []
    private var pending: [EvidenceRecord] = []
    private var roles: [EvidenceInterface?] = []
    private var counted = EvidenceTotals()
    private var annotated = AnnotatedPackets()
    private var comments = SendCommentTemplates()
    private var isFinished = false
    private var hasSummary = false

    /// How many interfaces the header announces.
    private let announced: Int

    init(_ opened: consuming OpenedEvidence, file: String, host: UInt16) {
        self.file = file
        self.host = host
        kind = opened.kind
        announced = opened.interfaceCount
        spans = CoveredSpans(opened.coverage, kind: opened.kind)
        blocks = opened.blocks
    }

    /// Reads the interfaces that the header had no room for. They stand before the first record: whoever asks for the
    /// coverage before reading records has to see them.
    mutating func readAnnouncedInterfaces() throws(EvidenceError) {
        while spans.coverage.interfaces.count < announced, pending.isEmpty {
            guard let record = try read() else { break }
            if case .coverageChanged = record { continue }
            pending.append(record)
        }
    }

    var coverage: Coverage { spans.coverage }

    var damage: [Damage] { (blocks.damage + findings).sorted { $0.offset < $1.offset } }

    mutating func next() throws(EvidenceError) -> EvidenceRecord? {
        if let record = pending.popLast() { return record }
        return try read()
    }

    /// Takes what can be had without waiting, and one record at least.
    mutating func read(into batch: inout EvidenceBatch) {
        do throws(EvidenceError) {
            while batch.count < EvidenceBatch.limit {
                if let record = pending.popLast() {
                    batch.append(record)
                } else if try !append(to: &batch) {
                    if isFinished { batch.end = .complete }
                    return
                }
            }
        } catch { batch.end = .failed(error) }
    }

    /// - Returns: false at the end, and where the batch has a record and for the next one the source has to be waited for.
    @inline(__always)
    private mutating func append(to batch: inout EvidenceBatch) throws(EvidenceError) -> Bool {
        // What waits to be told follows the next record.
        while !isFinished, batch.count == 0 || !pending.isEmpty || blocks.hasBlockReady {
            guard let block = try advance() else { return false }
            if block == .packet, appendSend(to: &batch) { return true }
            if let record = record(of: block) {
                batch.append(record)
                return true
            }
        }
        return false
    }

    private mutating func read() throws(EvidenceError) -> EvidenceRecord? {
        while !isFinished {
            guard let block = try advance() else { return nil }
            if let record = record(of: block) { return record }
        }
        return nil
    }

    /// Goes to the next block; nil at the end.
    @inline(__always)
    private mutating func advance() throws(EvidenceError) -> BlockReader.Kind? {
        do throws(ByteSourceError) {
            if let kind = try blocks.advance() {
                spans.note(damageCount: blocks.damageCount)
                return kind
            }
        } catch {
            finish()
            throw .readFailed(file, error)
        }
        finish()
        return nil
    }

    private mutating func record(of block: BlockReader.Kind) -> EvidenceRecord? {
        switch block {
        case .interface:
            let name = blocks.interfaces.last?.name
            roles.append(
                name == EvidenceInterface.send.name ? .send : name == EvidenceInterface.wire.name ? .wire : nil)
            return nil
        case .packet: return record(of: blocks.packet)
        case .processEvent: return .process(record(of: blocks.processEvent))
        case .statistics: return record(of: blocks.statistics)
        case .other: return nil
        case .section:
            note("a second section begins here: only the first one is read")
            finish()
            return nil
        }
    }

    /// Ends the reading: what is known of the coverage now is all that will be.
    private mutating func finish() {
        guard !isFinished else { return }
        isFinished = true
        endedWithoutSummary = !hasSummary
        if kind == .annotatedCapture, !hasSummary {
            note("the capture ended without its statistics: it was broken off")
        } else if !hasSummary {
            let stop = spans.breakOff()
            note("the recording ended without a summary: it was broken off, and covers nothing after \(stop)")
        }
    }

    private mutating func note(_ what: String) {
        if findings.count < 100 { findings.append(Damage(file: file, offset: blocks.blockOffset, what: what)) }
    }
}

// Blocks.
extension EvidenceStream {
    /// Takes a send record from where it lies; false where the packet is anything else.
    @inline(__always)
    private mutating func appendSend(to batch: inout EvidenceBatch) -> Bool {
        guard kind == .recording, role(of: blocks.packet) == .send, let time = blocks.packet.time else { return false }
        if let loss = spans.reached(time) { pending.append(.lost(loss)) }
        do throws(UnusableRecord) {
            batch.sends.append(try sendRecord(at: time))
        } catch {
            batch.append(leaveOut(error.what, at: time))
        }
        return true
    }

    @inline(__always)
    private func role(of packet: PacketBlock) -> EvidenceInterface? {
        packet.interface < roles.count ? roles[packet.interface] : nil
    }

    private mutating func record(of packet: PacketBlock) -> EvidenceRecord? {
        guard let time = packet.time else {
            note("a packet has no time stamp; it is left out")
            return .lost(spans.lose(1, at: nil))
        }
        // What a damaged place before this record may have held is lost at most until now.
        if let loss = spans.reached(time) { pending.append(.lost(loss)) }
        if kind == .annotatedCapture { return annotatedRecord(of: packet, time) }
        switch role(of: packet) {
        case .send:
            do throws(UnusableRecord) { return .send(try sendRecord(at: time)) } catch {
                return leaveOut(error.what, at: time)
            }
        case .wire: return wireRecord(of: packet, time)
        case nil: return leaveOut("a packet stands on an interface that evidence does not have", at: time)
        }
    }

    /// The record of the current packet.
    @inline(__always)
    private mutating func sendRecord(at time: Timestamp) throws(UnusableRecord) -> SendRecord {
        counted.sends += 1
        guard let ip = decodeIP(blocks.packetBytes, originalLength: blocks.packet.originalLength) else {
            throw UnusableRecord(what: "a send record holds no IP header")
        }
        let pid = blocks.packet.processID
        let thread = blocks.packet.threadID
        guard pid != 0 else { throw UnusableRecord(what: "a send record names no process") }
        guard comments.read(blocks.comment, thread: thread) else {
            throw UnusableRecord(what: "a send record's comment is malformed")
        }
        return comments.record(time: time, packet: ip, pid: pid, thread: thread, host: host)
    }

    private mutating func wireRecord(of packet: PacketBlock, _ time: Timestamp) -> EvidenceRecord {
        counted.wires += 1
        guard let ip = decodeIP(blocks.packetBytes, originalLength: packet.originalLength) else {
            return leaveOut("a wire record holds no IP header", at: time)
        }
        var record = WireRecord(time: time, packet: ip, origin: .kernel, host: host)
        guard WireComment.read(blocks.comment, into: &record) else {
            return leaveOut("a wire record's comment is malformed", at: time)
        }
        return .wire(record)
    }

    private mutating func annotatedRecord(of packet: PacketBlock, _ time: Timestamp) -> EvidenceRecord? {
        let finding = annotated.record(
            packet, blocks.packetBytes, comment: blocks.comment,
            linkType: blocks.interfaces[packet.interface].linkType, time: time, host: host)
        switch finding {
        case .send(let record):
            counted.sends += 1
            return .send(record)
        case .wire(let record):
            counted.wires += 1
            return .wire(record)
        case .nothing: return nil
        case .malformed: return leaveOut("a packet's comment is malformed or contradicts its process", at: time)
        }
    }

    private mutating func leaveOut(_ what: StaticString, at time: Timestamp) -> EvidenceRecord {
        note("\(what); the record is left out")
        return .lost(spans.lose(1, at: time))
    }

    private mutating func record(of block: ProcessEventBlock) -> ProcessRecord {
        var comment = ProcessComment(comments: blocks.comments())
        if let found = comment, found.process.pid != block.processID {
            note(
                "a process block of process \(block.processID) describes process \(found.process.pid); only its name is used"
            )
            comment = nil
        }
        var description = comment?.description ?? ProcessDescription(pid: block.processID)
        description.name = description.name ?? blocks.text(OptionCode.ProcessEvent.name)
        description.executable = description.executable ?? blocks.text(OptionCode.ProcessEvent.path)
        let key = comment?.process ?? ProcessKey(pid: block.processID, startTime: 0)
        let version = comment?.imageVersion ?? 0
        if kind == .annotatedCapture { annotated.note(key, imageVersion: version) }
        var record = ProcessRecord(
            event: .snapshot, time: comment?.time ?? spans.lastTime ?? coverage.start, process: key,
            imageVersion: version, description: description, host: host)
        record.name = TaskName(LosslessEscape.bytes(description.name ?? ""))
        record.executable = description.executable
        record.arguments = description.arguments
        record.user = description.user.flatMap { UInt32($0.id) }
        record.group = description.group.flatMap { UInt32($0.id) }
        record.innerPID = description.innerPID
        return record
    }

    private mutating func record(of statistics: InterfaceStatistics) -> EvidenceRecord? {
        guard kind == .recording else {
            // An annotated capture ends with its statistics.
            hasSummary = true
            return nil
        }
        guard !blocks.comment.isEmpty else { return nil }
        if let loss = spans.reached(statistics.time) { pending.append(.lost(loss)) }
        guard let json = JSONValue(blocks.comment.array) else {
            note("a statistics block's comment is malformed: a loss may be missing")
            return .lost(spans.lose(1, at: statistics.time))
        }
        if let loss = SummaryComment.readLoss(json) {
            counted.lost[loss.kind, default: 0] &+= loss.count
            spans.add(loss)
            return .lost(loss)
        }
        if let interfaces = CoverageComment.readInterfaces(json) {
            spans.add(interfaces)
            return .coverageChanged(coverage)
        }
        if let scan = TunnelComment.decode(json, host: host) { return .tunnels(scan) }
        guard let end = SummaryComment.readEnd(json) else { return nil }
        return close(end.stop, end.totals)
    }

    private mutating func close(_ stop: Timestamp, _ totals: EvidenceTotals) -> EvidenceRecord {
        hasSummary = true
        spans.close(stop)
        for (kind, count) in totals.lost where count > counted.lost[kind] ?? 0 {
            let loss = LossInterval(
                kind: kind, count: count - (counted.lost[kind] ?? 0), start: coverage.start, stop: stop)
            spans.add(loss)
            pending.append(.lost(loss))
        }
        if totals.sends > counted.sends || totals.wires > counted.wires {
            note(
                "the summary counts \(totals.sends) send and \(totals.wires) wire records, the file holds "
                    + "\(counted.sends) and \(counted.wires)")
            let missing = max(totals.sends &- counted.sends, 1)
            let loss = LossInterval(kind: .send, count: missing, start: coverage.start, stop: stop)
            spans.add(loss)
            pending.append(.lost(loss))
        }
        return .end(totals)
    }
}

/// Why a record cannot be used.
private struct UnusableRecord: Error {
    var what: StaticString
}
