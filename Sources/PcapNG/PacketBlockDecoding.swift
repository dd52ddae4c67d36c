/// A packet block taken apart: what it says, and where its bytes and options stand in the block's body.
struct DecodedPacket {
    var packet: PacketBlock
    var bytes: Range<Int>
    var options: Int
    /// What is wrong with it that does not keep it from being used.
    var problem: String?

    /// An enhanced packet block.
    static func enhanced(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription]
    ) throws(BlockProblem) -> DecodedPacket {
        try DecodedPacket(body, order, interfaces, interface: Int(body.load(UInt32.self, at: 0, order)))
    }

    /// The obsolete packet block: a shorter interface number makes room for a drop count.
    static func obsolete(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription]
    ) throws(BlockProblem) -> DecodedPacket {
        var decoded = try DecodedPacket(body, order, interfaces, interface: Int(body.load(UInt16.self, at: 0, order)))
        let drops = body.load(UInt16.self, at: 2, order)
        if drops != .max { decoded.packet.dropCount = UInt64(drops) }
        return decoded
    }

    /// A simple packet block: no time, no interface, no captured length. That follows from the snap length.
    static func simple(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription]
    ) throws(BlockProblem) -> DecodedPacket {
        guard body.byteCount >= 4 else { throw BlockProblem(what: "a simple packet block is too short") }
        guard let interface = interfaces.first else { throw .undescribed("a packet", 0, of: 0) }
        let original = Int(body.load(UInt32.self, at: 0, order))
        let captured = interface.snapLength == 0 ? original : min(original, Int(interface.snapLength))
        guard captured <= body.byteCount - 4 else {
            throw BlockProblem(
                what: "a simple packet block should hold \(captured) bytes, it has \(body.byteCount - 4)")
        }
        return DecodedPacket(
            packet: PacketBlock(interface: 0, time: nil, originalLength: original), bytes: 4..<4 + captured,
            options: body.byteCount)
    }

    private init(packet: PacketBlock, bytes: Range<Int>, options: Int) {
        self.packet = packet
        self.bytes = bytes
        self.options = options
    }

    /// A head of 20 bytes, the packet, its options: the same in the enhanced and the obsolete block.
    private init(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription], interface index: Int
    ) throws(BlockProblem) {
        guard body.byteCount >= 20 else { throw BlockProblem(what: "a packet block is too short") }
        guard index < interfaces.count else { throw .undescribed("a packet", index, of: interfaces.count) }
        let captured = Int(body.load(UInt32.self, at: 12, order))
        let original = Int(body.load(UInt32.self, at: 16, order))
        guard captured <= body.byteCount - 20 else {
            throw BlockProblem(
                what: "a packet states \(captured) captured bytes, its block holds \(body.byteCount - 20)")
        }
        packet = PacketBlock(
            interface: index, time: interfaces[index].time(ticks: body.ticks(at: 4, order)),
            originalLength: max(original, captured))
        bytes = 20..<20 + captured
        options = min(20 + (captured + 3) & ~3, body.byteCount)
        if options < body.byteCount { readOptions(body, order) }
        if original < captured, problem == nil {
            problem = "a packet states \(captured) captured of only \(original) original bytes"
        }
    }

    private mutating func readOptions(_ body: RawSpan, _ order: ByteOrder) {
        var cursor = OptionCursor(at: options, order: order)
        while let option = cursor.next(in: body) {
            let at = option.value.lowerBound
            switch (option.code, option.value.count) {
            case (OptionCode.Packet.flags, 4): packet.flags = body.load(UInt32.self, at: at, order)
            case (OptionCode.Packet.dropCount, 8): packet.dropCount = body.load(UInt64.self, at: at, order)
            case (OptionCode.Packet.packetID, 8): packet.packetID = body.load(UInt64.self, at: at, order)
            case (OptionCode.Packet.queue, 4): packet.queue = body.load(UInt32.self, at: at, order)
            case (OptionCode.Packet.processAndThread, 8):
                packet.processID = body.load(UInt32.self, at: at, order)
                packet.threadID = body.load(UInt32.self, at: at + 4, order)
            case (OptionCode.Packet.processIndex, 4): packet.processIndex = body.load(UInt32.self, at: at, order)
            case (OptionCode.Packet.effectiveProcessIndex, 4):
                packet.effectiveProcessIndex = body.load(UInt32.self, at: at, order)
            default: break
            }
        }
        problem = cursor.problem
    }
}
