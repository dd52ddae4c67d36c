public import PcapNG
public import Records
public import SystemPackage
import TextEscaping

/// Writes evidence as a pcapng: send records on interface 0, wire records on interface 1, processes as process event
/// blocks, losses and the summary as interface statistics.
///
/// Whole blocks reach the descriptor at a time, so that whatever ends the program leaves a readable file. The
/// descriptor is not closed here.
public struct EvidenceWriter: ~Copyable {
    /// The records written so far, and what was lost.
    public private(set) var totals = EvidenceTotals()

    private var writer: BlockWriter
    private let snapLength: Int
    private let start: Timestamp
    private var processes = DescribedProcesses()
    private var interfaceNames: [InterfaceKey: String] = [:]
    private var comments = SendCommentCache()
    /// Senders come in bursts: from the third packet on its block is a copy with another time and other bytes.
    private var lastSending: Sending?
    private var lastPacket: RepeatablePacket?
    private var line = PacketCommentWriter()
    private var json = JSONWriter()

    private struct InterfaceKey: Hashable {
        var namespace: UInt32
        var index: UInt32
    }

    /// All that a packet's block says besides its time and its bytes.
    private struct Sending: Equatable {
        var comment: SendComment
        var pid: UInt32
        var thread: UInt32
        var processIndex: UInt32?
        var captured: Int
        var originalLength: Int
    }

    /// Begins a file: its header is written at once.
    ///
    /// - Parameters:
    ///   - descriptor: a file or a pipe, open for writing.
    ///   - header: what the file says of itself.
    ///   - snapLength: how many bytes of a packet are kept, counted from the IP header.
    public init(
        descriptor: FileDescriptor, header: EvidenceHeader, snapLength: UInt32
    ) throws(BlockWriterError) {
        writer = BlockWriter(descriptor)
        self.snapLength = Int(snapLength)
        start = header.coverage.start
        let portions = CoverageComment.portions(header.coverage.interfaces)
        writer.blocks.section(
            SectionHeader(
                hardware: header.hardware, operatingSystem: header.kernel,
                application: "whosent \(header.toolVersion)"),
            comments: [
                CoverageComment.header(
                    kind: EvidenceKind.recording.rawValue, clock: header.clock, header.coverage,
                    interfaces: portions.first ?? [])
            ])
        for interface in [EvidenceInterface.send, .wire] {
            writer.blocks.interface(
                InterfaceDescription(
                    linkType: InterfaceDescription.writtenLinkType(EvidenceInterface.linkType, at: interface.rawValue),
                    snapLength: snapLength, name: interface.name))
        }
        remember(header.coverage.interfaces)
        write(portions.dropFirst(), time: start)
        try writer.flush()
    }

    /// Whether ``process(key:imageVersion:description:time:renewing:)`` was called for this image lately. The answer may be no
    /// for one that was described long ago: the memory of it is bounded, and describing it again does no harm.
    public mutating func describes(_ key: ProcessKey, imageVersion: UInt32) -> Bool {
        processes.index(key, imageVersion: imageVersion) != nil
    }

    /// Writes who a process is: before the first record that names it, and again when its image changes. Nothing is
    /// written where the same image was described already.
    ///
    /// - Parameters:
    ///   - key: the process.
    ///   - imageVersion: which image it runs; see ``ProcessRecord/imageVersion``.
    ///   - description: the process as reports show it, with the chain of its parents.
    ///   - time: when this was so. A description of the same moment takes the place of the one before.
    ///   - renewing: more is known of the image than was described, or something changed: it is written again.
    public mutating func process(
        key: ProcessKey, imageVersion: UInt32, description: ProcessDescription, time: Timestamp, renewing: Bool = false
    ) throws(BlockWriterError) {
        guard renewing || processes.index(key, imageVersion: imageVersion) == nil else { return }
        let comment = ProcessComment(
            process: key, imageVersion: imageVersion, time: time, description: description)
        let index = writer.blocks.processEvent(
            processID: key.pid, name: description.name, path: description.executable, comments: comment.encoded)
        processes.insert(key, imageVersion: imageVersion, index: index)
        try writer.flushIfFull()
    }

    /// Writes who sent a packet.
    ///
    /// - Parameters:
    ///   - record: the record; its `packet` is not written, it is decoded from the bytes again.
    ///   - bytes: the packet from its IP header on, as far as it was recorded.
    ///   - originalLength: the packet's whole length.
    public mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int) throws(BlockWriterError) {
        let kept = bytes.extracting(first: snapLength)
        let sending = Sending(
            comment: SendComment(record), pid: record.process.pid, thread: record.thread,
            processIndex: processes.index(record.process, imageVersion: record.imageVersion), captured: kept.byteCount,
            originalLength: max(originalLength, bytes.byteCount))
        if sending != lastSending {
            append(sending, time: record.time, kept)
            lastSending = sending
            lastPacket = nil
        } else if let lastPacket {
            writer.blocks.packet(lastPacket, time: record.time, kept)
        } else {
            let start = writer.blocks.bytes.count
            append(sending, time: record.time, kept)
            lastPacket = writer.blocks.repeatablePacket(from: start, captured: kept.byteCount)
        }
        totals.sends += 1
        try writer.flushIfFull()
    }

    /// Writes a packet that no process here sent.
    ///
    /// - Parameters:
    ///   - record: the record; its `packet` is not written, it is decoded from the bytes again.
    ///   - bytes: the packet from its IP header on, as far as it was recorded.
    ///   - originalLength: the packet's whole length.
    public mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int) throws(BlockWriterError) {
        let packet = block(on: .wire, time: record.time, originalLength: max(originalLength, bytes.byteCount))
        WireComment.write(record, bytes: bytes, originalLength: originalLength, to: &json)
        let kept = bytes.extracting(first: snapLength)
        let comment = json.bytes
        writer.blocks.packet(packet, kept, comment: comment.rawSpan)
        totals.wires += 1
        try writer.flushIfFull()
    }

    /// Writes that records were lost; at once, so that a file that breaks off does not hide it.
    public mutating func lost(_ loss: LossInterval) throws(BlockWriterError) {
        totals.lost[loss.kind, default: 0] += loss.count
        let statistics = statistics(of: loss.kind == .wire ? .wire : .send, time: loss.stop)
        writer.blocks.statistics(statistics, comments: [SummaryComment.loss(loss)])
        try writer.flush()
    }

    /// Writes who holds the TUN and TAP devices.
    public mutating func tunnels(_ scan: TunnelScan) throws(BlockWriterError) {
        let statistics = statistics(of: .wire, time: scan.time)
        writer.blocks.statistics(statistics, comments: [TunnelComment.encode(scan)])
        try writer.flushIfFull()
    }

    /// Writes interfaces that appeared since the file began, or have addresses that they did not have then.
    public mutating func interfaces(_ interfaces: [HostInterface], time: Timestamp) throws(BlockWriterError) {
        remember(interfaces)
        write(CoverageComment.portions(interfaces)[...], time: time)
        try writer.flushIfFull()
    }

    /// Writes out what waits: to be called at least as often as the file should be current.
    public mutating func flush() throws(BlockWriterError) { try writer.flush() }

    /// Closes the recording with its summary.
    ///
    /// - Parameters:
    ///   - stop: until when every send was recorded.
    ///   - lost: what the kernel counted as lost in the whole run, where that is more than ``lost(_:)`` was told.
    public mutating func finish(stop: Timestamp, lost: [LossInterval.Kind: UInt64] = [:]) throws(BlockWriterError) {
        totals.lost.merge(lost) { told, counted in max(told, counted) }
        for interface in [EvidenceInterface.wire, .send] {
            var statistics = statistics(of: interface, time: stop)
            statistics.start = start
            statistics.end = stop
            // The send interface's comes last and carries the summary: a file cut before it has none.
            let comments = interface == .send ? [SummaryComment.end(stop: stop, totals)] : []
            writer.blocks.statistics(statistics, comments: comments)
        }
        try writer.flush()
    }

    private mutating func append(_ sending: Sending, time: Timestamp, _ kept: RawSpan) {
        var packet = block(on: .send, time: time, originalLength: sending.originalLength)
        packet.processID = sending.pid
        packet.threadID = sending.thread
        packet.processIndex = sending.processIndex
        let name = interfaceNames[
            InterfaceKey(namespace: sending.comment.namespace, index: sending.comment.interface)]
        let comment = comments.line(for: sending.comment, { $0.write(interfaceName: name, to: &$1) }, &line)
        writer.blocks.packet(packet, kept, comment: comment.rawSpan)
    }

    private func block(on interface: EvidenceInterface, time: Timestamp, originalLength: Int) -> PacketBlock {
        var packet = PacketBlock(interface: interface.rawValue, time: time, originalLength: originalLength)
        packet.flags = PacketBlock.outbound
        return packet
    }

    /// The counters of an interface: received is written and lost together, dropped what was lost.
    private func statistics(of interface: EvidenceInterface, time: Timestamp) -> InterfaceStatistics {
        var statistics = InterfaceStatistics(interface: interface.rawValue, time: time)
        let lost =
            switch interface {
            case .send: totals.lost.filter { $0.key != .wire }.values.reduce(0, &+)
            case .wire: totals.lost[.wire] ?? 0
            }
        statistics.received = (interface == .send ? totals.sends : totals.wires) &+ lost
        statistics.dropped = lost
        return statistics
    }

    private mutating func remember(_ interfaces: [HostInterface]) {
        comments.removeAll()
        lastSending = nil
        for interface in interfaces {
            interfaceNames[InterfaceKey(namespace: interface.namespace, index: interface.index)] = interface.name
        }
    }

    private mutating func write(_ portions: ArraySlice<[HostInterface]>, time: Timestamp) {
        for portion in portions {
            let statistics = statistics(of: .send, time: time)
            writer.blocks.statistics(statistics, comments: [CoverageComment.interfaces(portion)])
        }
    }
}
