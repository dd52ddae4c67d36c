import PacketDecoding
public import PcapNG
public import Records
import SystemPackage
import TextEscaping

/// Reads evidence, of whatever kind that is known, into the records that correlation takes.
///
/// What is readable of a damaged file is delivered; the damage is named in ``damage``, and where records may be missing
/// because of it ``coverage`` has a loss interval, so that their absence proves nothing.
public final class EvidenceReader {
    /// What kind of evidence it is.
    public let kind: EvidenceKind
    /// The recording broke off before its summary: known once ``next()`` has returned nil.
    public private(set) var endedWithoutSummary = false

    private let file: String
    private let host: UInt16
    private let owner: DescriptorOwner?
    private var blocks: BlockReader
    private var spans: CoveredSpans
    private var findings: [Damage] = []
    private var pending: [EvidenceRecord] = []
    private var roles: [EvidenceInterface?] = []
    private var counted = EvidenceTotals()
    private var annotated = AnnotatedPackets()
    private var isFinished = false
    private var hasSummary = false

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - host: the number that its records get.
    public convenience init(path: String, host: UInt16) throws(EvidenceError) {
        guard path != "-" else {
            try self.init(DescriptorSource(.standardInput), file: "standard input", host: host, owner: nil)
            return
        }
        let name = LosslessEscape.text(path)
        let owner: DescriptorOwner
        do {
            owner = DescriptorOwner(try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec]))
        } catch {
            throw .unreadable(name, error as? Errno ?? .ioError)
        }
        try self.init(DescriptorSource(owner.descriptor), file: name, host: host, owner: owner)
    }

    /// Reads from a source, such as a decompressor.
    ///
    /// - Parameters:
    ///   - source: the evidence's bytes.
    ///   - file: how it is called in messages (lossless escape).
    ///   - host: the number that its records get.
    public convenience init(source: any ByteSource, file: String, host: UInt16) throws(EvidenceError) {
        try self.init(source, file: file, host: host, owner: nil)
    }

    private init(
        _ source: any ByteSource, file: String, host: UInt16, owner: DescriptorOwner?
    ) throws(EvidenceError) {
        let opened = try OpenedEvidence(source, file: file)
        self.file = file
        self.host = host
        self.owner = owner
        kind = opened.kind
        spans = CoveredSpans(opened.coverage, kind: opened.kind)
        let announced = opened.interfaceCount
        blocks = opened.blocks
        // Interfaces that the header had no room for stand before the first record: whoever asks for the coverage
        // before reading records has to see them.
        while spans.coverage.interfaces.count < announced, pending.isEmpty {
            guard let record = try read() else { break }
            if case .coverageChanged = record { continue }
            pending.append(record)
        }
    }

    /// What the evidence covers: from the file's header at first; losses, interfaces that came later and `stop` are
    /// complete once ``next()`` has returned nil.
    public var coverage: Coverage { spans.coverage }

    /// What was found wrong so far.
    public var damage: [Damage] { (blocks.damage + findings).sorted { $0.offset < $1.offset } }

    /// The next record; nil at the end.
    public func next() throws(EvidenceError) -> EvidenceRecord? {
        if let record = pending.popLast() { return record }
        return try read()
    }

    private func read() throws(EvidenceError) -> EvidenceRecord? {
        while !isFinished {
            let event: BlockReader.Event?
            do throws(ByteSourceError) {
                event = try blocks.next()
            } catch {
                finish()
                throw .readFailed(file, error)
            }
            guard let event else {
                finish()
                return nil
            }
            spans.note(damageCount: blocks.damageCount)
            if let record = record(of: event) { return record }
        }
        return nil
    }

    private func record(of event: BlockReader.Event) -> EvidenceRecord? {
        switch event {
        case .interface(let index):
            let name = blocks.interfaces[index].name
            roles.append(
                name == EvidenceInterface.send.name ? .send : name == EvidenceInterface.wire.name ? .wire : nil)
            return nil
        case .packet(let packet): return record(of: packet)
        case .processEvent(let process): return .process(record(of: process))
        case .statistics(let statistics): return record(of: statistics)
        case .other: return nil
        case .section:
            note("a second section begins here: only the first one is read")
            finish()
            return nil
        }
    }

    /// Ends the reading: what is known of the coverage now is all that will be.
    private func finish() {
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

    private func note(_ what: String) {
        if findings.count < 100 { findings.append(Damage(file: file, offset: blocks.blockOffset, what: what)) }
    }
}

// Blocks.
extension EvidenceReader {
    private func record(of packet: PacketBlock) -> EvidenceRecord? {
        guard let time = packet.time else {
            note("a packet has no time stamp; it is left out")
            return .lost(spans.lose(1, at: nil))
        }
        // What a damaged place before this record may have held is lost at most until now.
        if let loss = spans.reached(time) { pending.append(.lost(loss)) }
        if kind == .annotatedCapture { return annotatedRecord(of: packet, time) }
        switch packet.interface < roles.count ? roles[packet.interface] : nil {
        case .send: return sendRecord(of: packet, time)
        case .wire: return wireRecord(of: packet, time)
        case nil: return leaveOut("a packet stands on an interface that evidence does not have", at: time)
        }
    }

    private func sendRecord(of packet: PacketBlock, _ time: Timestamp) -> EvidenceRecord {
        counted.sends += 1
        guard let ip = decodeIP(blocks.packetBytes, originalLength: packet.originalLength) else {
            return leaveOut("a send record holds no IP header", at: time)
        }
        guard packet.processID != 0 else { return leaveOut("a send record names no process", at: time) }
        var record = SendRecord(
            time: time, packet: ip, process: ProcessKey(pid: packet.processID, startTime: 0), thread: packet.threadID,
            host: host)
        guard SendComment.read(blocks.comment, into: &record) else {
            return leaveOut("a send record's comment is malformed", at: time)
        }
        return .send(record)
    }

    private func wireRecord(of packet: PacketBlock, _ time: Timestamp) -> EvidenceRecord {
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

    private func annotatedRecord(of packet: PacketBlock, _ time: Timestamp) -> EvidenceRecord? {
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

    private func leaveOut(_ what: String, at time: Timestamp) -> EvidenceRecord {
        note("\(what); the record is left out")
        return .lost(spans.lose(1, at: time))
    }

    private func record(of block: ProcessEventBlock) -> ProcessRecord {
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

    private func record(of statistics: InterfaceStatistics) -> EvidenceRecord? {
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
            return .coverageChanged
        }
        guard let end = SummaryComment.readEnd(json) else { return nil }
        return close(end.stop, end.totals)
    }

    private func close(_ stop: Timestamp, _ totals: EvidenceTotals) -> EvidenceRecord {
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
