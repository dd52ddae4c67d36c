import Correlation
public import PcapNG
public import Records
public import SystemPackage
import TextEscaping

/// Writes captured packets, unchanged and in order, as a pcapng that names their senders: flags, option 8, a process
/// event block for every process before its first packet, and a one-line comment.
///
/// tcpdump and tshark read the result like any capture. The descriptor is not closed here.
public struct AnnotatedCaptureWriter: ~Copyable {
    /// libpcap wants one snap length for the whole file, and interfaces may appear that were not known at its begin:
    /// this is the largest it accepts for the common link types, so no packet is longer.
    private static let snapLength: UInt32 = 262_144

    private var writer: BlockWriter
    private var interfaces: [WrittenInterface] = []
    private var processes = DescribedProcesses()
    private var line = PacketCommentWriter()
    private let start: Timestamp
    /// Set where every frame gets one.
    private var pktap: PktapHeader?

    private struct WrittenInterface {
        var name: String?
        var linkType: UInt16
        var packets: UInt64 = 0
    }

    /// What a capture says of a packet, whatever its protocol.
    public struct Frame: Hashable, Sendable {
        /// When it was captured.
        public var time: Timestamp
        /// Index into the run's list of capture interfaces.
        public var interface: UInt16
        /// Which way it crossed the interface, where known.
        public var direction: Direction
        /// The packet id of the pcapng it was read from, where there is one.
        public var packetID: UInt64?
        /// Its length before it was cut to the snap length.
        public var originalLength: Int

        /// A frame.
        public init(
            time: Timestamp, interface: UInt16 = 0, direction: Direction = .unknown, packetID: UInt64? = nil,
            originalLength: Int
        ) {
            self.time = time
            self.interface = interface
            self.direction = direction
            self.packetID = packetID
            self.originalLength = originalLength
        }
    }

    /// Begins a file: its header and the interfaces that are known are written at once.
    ///
    /// - Parameters:
    ///   - descriptor: a file or a pipe, open for writing.
    ///   - toolVersion: as in `whosent 0.1.0`.
    ///   - operatingSystem: where the capture was made, where known.
    ///   - coverage: what the evidence covers that the senders are taken from; one a machine.
    ///   - interfaces: the run's capture interfaces so far.
    ///   - pktap: puts LINKTYPE_PKTAP's header, which names the sender, before every frame.
    public init(
        descriptor: FileDescriptor, toolVersion: String, operatingSystem: String?, coverage: [Coverage],
        interfaces: [CaptureInterface], pktap: Bool = false
    ) throws(BlockWriterError) {
        writer = BlockWriter(descriptor)
        if pktap { self.pktap = PktapHeader() }
        // Several machines' coverage cannot be said to be one's.
        let stated =
            coverage.count == 1
            ? coverage[0] : Coverage(start: coverage.map(\.start).min() ?? Timestamp(nanoseconds: 0))
        start = stated.start
        let portions = CoverageComment.portions(stated.interfaces)
        writer.blocks.section(
            SectionHeader(operatingSystem: operatingSystem, application: "whosent \(toolVersion)"),
            comments: [
                CoverageComment.header(
                    kind: "annotatedCapture", clock: "", stated, interfaces: portions.first ?? [])
            ])
        describe(interfaces)
        try writer.flush()
    }

    /// Writes a packet.
    ///
    /// - Parameters:
    ///   - frame: what the capture says of it.
    ///   - bytes: the captured bytes.
    ///   - packet: what is said of its sender; nil for what is neither UDP nor ICMP.
    ///   - interfaces: the run's capture interfaces, with `frame`'s among them; new ones are described here.
    public mutating func write(
        _ frame: Frame, _ bytes: RawSpan, _ packet: ReportedPacket?, interfaces: [CaptureInterface]
    ) throws(BlockWriterError) {
        if interfaces.count > self.interfaces.count { describe(interfaces) }
        precondition(Int(frame.interface) < self.interfaces.count, "a packet of an interface that was never described")
        var block = PacketBlock(
            interface: Int(frame.interface), time: frame.time, originalLength: frame.originalLength)
        switch frame.direction {
        case .egress: block.flags = PacketBlock.outbound
        case .ingress: block.flags = PacketBlock.inbound
        case .unknown: break
        }
        block.packetID = frame.packetID
        line.removeAll()
        if let packet {
            annotate(packet, &block)
            PacketAnnotation.write(packet, to: &line)
        }
        append(block, bytes, packet)
        self.interfaces[Int(frame.interface)].packets += 1
        try writer.flushIfFull()
    }

    private mutating func append(_ block: PacketBlock, _ bytes: RawSpan, _ packet: ReportedPacket?) {
        let comment = line.bytes
        guard pktap != nil else { return writer.blocks.packet(block, bytes, comment: comment.rawSpan) }
        let interface = interfaces[block.interface]
        let family: PktapHeader.Family =
            switch packet?.packet.ip.source.version {
            case nil: .unspecified
            case .v4?: .ipv4
            case .v6?: .ipv6
            }
        pktap?.describe(
            linkType: interface.linkType, interface: packet?.interfaceName ?? interface.name, flags: block.flags,
            family: family)
        let sender = packet.flatMap(PacketAnnotation.sender)
        pktap?.setProcess(sender.map { (id: $0.process.pid, name: packet?.process?.name ?? "") })
        var block = block
        block.originalLength += PktapHeader.length
        let room = Int(Self.snapLength) - PktapHeader.length
        writer.blocks.packet(
            block, header: pktap?.bytes ?? [], bytes.extracting(first: room), comment: comment.rawSpan)
    }

    /// Writes out what waits: to be called at least as often as the file should be current.
    public mutating func flush() throws(BlockWriterError) { try writer.flush() }

    /// Closes the capture with the statistics of its interfaces.
    ///
    /// - Parameters:
    ///   - stop: when the capture ended.
    ///   - counts: what a live capture counted, found by the interface's name.
    ///   - lost: what was lost, by kind.
    ///   - known: the run's capture interfaces: those without a packet are described too.
    public mutating func finish(
        stop: Timestamp, counts: [RunSummary.InterfaceCounts], lost: [LossInterval.Kind: UInt64],
        interfaces known: [CaptureInterface] = []
    ) throws(BlockWriterError) {
        if known.count > interfaces.count { describe(known) }
        for (index, interface) in interfaces.enumerated() {
            let counted = counts.first { $0.name == interface.name }
            var statistics = InterfaceStatistics(interface: index, time: stop)
            statistics.start = start < stop ? start : nil
            statistics.end = stop
            statistics.received = max(counted?.received ?? 0, interface.packets)
            statistics.dropped = counted?.dropped ?? (index == 0 ? lost[.capture] : nil) ?? 0
            writer.blocks.statistics(statistics, comments: index == 0 ? [Self.losses(lost)] : [])
        }
        try writer.flush()
    }

    /// Describes the interfaces from the first one that is new.
    private mutating func describe(_ interfaces: [CaptureInterface]) {
        for interface in interfaces.dropFirst(self.interfaces.count) {
            let own = InterfaceDescription.writtenLinkType(interface.linkType, at: self.interfaces.count)
            writer.blocks.interface(
                InterfaceDescription(
                    linkType: pktap == nil ? own : PktapHeader.linkType, snapLength: Self.snapLength,
                    name: interface.name))
            self.interfaces.append(WrittenInterface(name: interface.name, linkType: interface.linkType))
        }
    }

    /// Names the sender in the block's own options, and describes it where that was not done yet.
    private mutating func annotate(_ packet: ReportedPacket, _ block: inout PacketBlock) {
        guard let sender = PacketAnnotation.sender(of: packet) else { return }
        block.processID = sender.process.pid
        block.threadID = sender.thread
        guard let description = packet.process else { return }
        let known = processes.index(
            sender.process, imageVersion: sender.imageVersion, host: sender.host, variant: Self.variant(description))
        block.processIndex = known ?? describe(description, sender)
    }

    private mutating func describe(_ description: ProcessDescription, _ sender: Sender) -> UInt32 {
        let comment = ProcessComment(
            process: sender.process, imageVersion: sender.imageVersion, time: sender.time, description: description)
        let index = writer.blocks.processEvent(
            processID: sender.process.pid, name: description.name, path: description.executable,
            comments: comment.encoded)
        processes.insert(
            sender.process, imageVersion: sender.imageVersion, host: sender.host, variant: Self.variant(description),
            index: index)
        return index
    }

    /// What may become known, or change, while a process runs one image.
    private static func variant(_ description: ProcessDescription) -> UInt8 {
        let state: UInt8 =
            switch description.image {
            case nil: 0
            case .deleted: 1
            case .memfd: 2
            case .replaced: 3
            }
        return state << 1 | (description.sha256 == nil ? 0 : 1)
    }

    private static func losses(_ lost: [LossInterval.Kind: UInt64]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("lost") { json in
                for kind in LossInterval.Kind.allCases {
                    json.key(kind.rawValue)
                    json.value(lost[kind] ?? 0)
                }
            }
        }
        return json.bytes
    }
}
