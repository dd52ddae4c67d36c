public import PcapNG
import Records
public import SystemPackage

/// Writes evidence of another tool as a pcapng of this one, which is read back with the same records and the same trust:
/// the header names the kind it was converted from, and every record says so and where it stood.
///
/// Of packets that the evidence does not hold, headers are made up from what it says.
public final class ConvertedEvidenceWriter {
    private static let snapLength = 128
    static let interfaceName = "whosent-converted"

    private let reader: EvidenceReader
    private var writer: BlockWriter
    private let toolVersion: String
    private let withoutArguments: Bool
    private var line = PacketCommentWriter()
    private var hasBegun = false
    private var totals = EvidenceTotals()
    private var lastTime = Timestamp(nanoseconds: 0)

    /// A writer for what `reader` reads.
    ///
    /// - Parameters:
    ///   - descriptor: a file or a pipe, open for writing; it is not closed here.
    ///   - reader: evidence of another tool, at its begin.
    ///   - toolVersion: goes to the header.
    ///   - withoutArguments: leaves command lines out.
    public init(
        descriptor: FileDescriptor, from reader: EvidenceReader, toolVersion: String, withoutArguments: Bool = false
    ) {
        writer = BlockWriter(descriptor)
        self.reader = reader
        self.toolVersion = toolVersion
        self.withoutArguments = withoutArguments
    }

    /// Writes the record that the reader returned last.
    public func write(_ record: EvidenceRecord) throws(BlockWriterError) {
        begin()
        switch record {
        case .traffic(let traffic): write(traffic)
        case .sighting(var sighting):
            if withoutArguments { sighting.commandLine = nil }
            // A comment holds 64 KiB; what does not fit would make the whole record unreadable.
            if let line = sighting.commandLine, line.utf8.count > 20_000 { sighting.commandLine = nil }
            writer.blocks.processEvent(
                processID: sighting.pid, name: sighting.imageName, path: sighting.executable,
                comments: ConvertedComment.sighting(sighting))
        case .listing(let listing): note(ConvertedComment.listing(listing))
        case .socket(let socket): note(ConvertedComment.socket(socket))
        case .lost(let loss):
            totals.lost[loss.kind, default: 0] &+= loss.count
            note(SummaryComment.loss(loss))
        case .send, .wire, .process, .tunnels, .coverageChanged, .end: break
        }
        try writer.flushIfFull()
    }

    /// Closes the file with its summary.
    public func finish() throws(BlockWriterError) {
        begin()
        note(SummaryComment.end(stop: lastTime, totals))
        try writer.flush()
    }

    /// The header waits for the first record: until then the clock may not be known.
    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        var coverage = reader.coverage
        coverage.start = Timestamp(nanoseconds: 0)
        writer.blocks.section(
            SectionHeader(application: "whosent \(toolVersion)"),
            comments: [
                CoverageComment.header(
                    kind: reader.kind.rawValue, clock: reader.clock.description, coverage, interfaces: []),
                ConvertedComment.clock(reader.clock),
            ])
        writer.blocks.interface(
            InterfaceDescription(
                linkType: EvidenceInterface.linkType, snapLength: UInt32(Self.snapLength), name: Self.interfaceName))
    }

    private func write(_ record: TrafficRecord) {
        let (bytes, length, isSource) = packet(of: record)
        var block = PacketBlock(interface: 0, time: record.time ?? Timestamp(nanoseconds: 0), originalLength: length)
        block.flags =
            record.action == .sent ? PacketBlock.outbound : record.action == .received ? PacketBlock.inbound : nil
        block.packetID = record.packetID
        block.processID = record.pid ?? 0
        block.threadID = record.thread ?? 0
        TrafficComment.write(
            record, isSource: isSource, isCaptured: record.packet != nil, origin: reader.kind, to: &line)
        let comment = line.bytes
        writer.blocks.packet(block, bytes.rawSpan, comment: comment.rawSpan)
        totals.sends += 1
        lastTime = max(lastTime, record.time ?? lastTime)
    }

    /// The packet as far as it is known, and whether the process's side is its source.
    private func packet(of record: TrafficRecord) -> (bytes: [UInt8], originalLength: Int, isSource: Bool) {
        guard let packet = record.packet else {
            let isSource = record.action == .sent || record.action == .connected
            let (bytes, length) = SynthesizedHeaders.bytes(of: record, isSource: isSource)
            return (bytes, length, isSource)
        }
        let isSource = record.localAddress == packet.source && record.localPort == packet.sourcePort
        let bytes = Array(reader.packetBytes.prefix(Self.snapLength))
        return (bytes, max(Int(packet.totalLength), bytes.count), isSource)
    }

    private func note(_ comment: [UInt8]) {
        writer.blocks.statistics(InterfaceStatistics(interface: 0, time: lastTime), comments: [comment])
    }
}
