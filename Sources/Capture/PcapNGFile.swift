internal import PacketDecoding
internal import PcapNG
internal import Records

/// A pcapng file, read by ``BlockReader``: libpcap hands out no packet ids and flags, and refuses mixed link types.
@safe
final class PcapNGFile {
    /// The type of a section header block, which is the same in both byte orders.
    static let magic: [UInt8] = [0x0A, 0x0D, 0x0D, 0x0A]

    /// The interfaces of all sections so far.
    private(set) var interfaces: [CaptureInterface] = []
    /// What was found by the reader, then here, then by the decompressor.
    var damage: [Damage] { reader.damage + findings + (input.failure.map { [$0] } ?? []) }

    private var reader: BlockReader
    private let input: CaptureInput
    private var findings: [Damage] = []
    /// Index of the current section's first interface in ``interfaces``.
    private var sectionBase = 0
    private var hasUntimedPackets = false
    /// A section that is usable follows none that is not: what the reader calls its end stays the end.
    private var ended = false

    /// Opens what `input` holds.
    init(_ input: CaptureInput) throws(CaptureError) {
        self.input = input
        reader = BlockReader(CaptureInputSource(input: input), file: input.name)
        // The first block decides whether there is anything to read.
        guard case .section? = nextEvent() else {
            let what = damage.first?.what ?? "it ends within its section header"
            throw CaptureError(
                code: .damaged, operation: "pcapng", description: "\(input.name) holds nothing usable: \(what).")
        }
    }

    /// Goes to the next packet.
    ///
    /// - Returns: its bytes, valid until the next call; nil at the end.
    func advance(_ frame: inout CapturedFrame) -> UnsafeRawBufferPointer? {
        while let event = nextEvent() {
            switch event {
            case .section: sectionBase = interfaces.count
            case .interface(let index): describe(reader.interfaces[index])
            case .packet(let packet): return unsafe deliver(packet, &frame)
            case .processEvent, .statistics, .other: continue
            }
        }
        return nil
    }

    private func deliver(_ packet: PacketBlock, _ frame: inout CapturedFrame) -> UnsafeRawBufferPointer {
        let bytes = unsafe Self.packetBytes(of: reader)
        if packet.time == nil { noteUntimed() }
        frame.time = packet.time ?? Timestamp(nanoseconds: 0)
        frame.frame += 1
        frame.interface = sectionBase + packet.interface
        frame.linkType = interfaces[frame.interface].linkType
        frame.originalLength = packet.originalLength
        frame.capturedLength = bytes.count
        frame.direction = packet.direction
        frame.packetID = packet.packetID
        return unsafe bytes
    }

    /// The reader's buffer stays where it is until its next block.
    private static func packetBytes(of reader: borrowing BlockReader) -> UnsafeRawBufferPointer {
        unsafe reader.packetBytes.withUnsafeBytes { unsafe $0 }
    }

    private func describe(_ interface: InterfaceDescription) {
        interfaces.append(
            CaptureInterface(name: interface.name, linkType: interface.linkType, snapLength: interface.snapLength))
        guard !LinkType.isSupported(interface.linkType) else { return }
        note(
            "interface \(interfaces.count - 1) has \(LinkType.name(of: interface.linkType)), whose frames cannot be decoded"
        )
    }

    private func noteUntimed() {
        guard !hasUntimedPackets else { return }
        hasUntimedPackets = true
        note("packets from here on have no time stamp (simple packet blocks); they are shown at the epoch")
    }

    private func note(_ what: String) {
        guard findings.count < Self.findingLimit else { return }
        findings.append(Damage(file: input.name, offset: reader.blockOffset, what: what))
    }

    /// A file can describe thousands of interfaces.
    private static let findingLimit = 100

    private func nextEvent() -> BlockReader.Event? {
        guard !ended else { return nil }
        do throws(ByteSourceError) {
            if let event = try reader.next() { return event }
        } catch {
            note("the file cannot be read any further: \(error)")
        }
        ended = true
        return nil
    }
}
