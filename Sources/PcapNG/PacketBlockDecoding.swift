/// Where the bytes and options of a packet block stand in the block's body.
///
/// It and the packet are set in place: making new ones for each block would cost more than reading it.
struct PacketPlaces {
    private(set) var bytes = 0..<0
    private(set) var options = 0
    /// Where the first comment stands; empty where there is none.
    private(set) var comment = 0..<0
    /// What is wrong with it that does not keep it from being used.
    private(set) var problem: BlockFlaw?

    /// Takes an enhanced packet block.
    @inline(__always)
    mutating func enhanced(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription], _ packet: inout PacketBlock
    ) throws(BlockProblem) {
        try take(body, order, interfaces, &packet, interface: Int(body.load(UInt32.self, at: 0, order)))
    }

    /// Takes the obsolete packet block: a shorter interface number makes room for a drop count.
    mutating func obsolete(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription], _ packet: inout PacketBlock
    ) throws(BlockProblem) {
        try take(body, order, interfaces, &packet, interface: Int(body.load(UInt16.self, at: 0, order)))
        let drops = body.load(UInt16.self, at: 2, order)
        if drops != .max { packet.dropCount = UInt64(drops) }
    }

    /// Takes a simple packet block: no time, no interface, no captured length. That follows from the snap length.
    mutating func simple(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription], _ packet: inout PacketBlock
    ) throws(BlockProblem) {
        guard body.byteCount >= 4 else { throw BlockProblem(what: "a simple packet block is too short") }
        guard let interface = interfaces.first else { throw .undescribed("a packet", 0, of: 0) }
        let original = Int(body.load(UInt32.self, at: 0, order))
        let captured = interface.snapLength == 0 ? original : min(original, Int(interface.snapLength))
        guard captured <= body.byteCount - 4 else {
            throw BlockProblem(
                what: "a simple packet block should hold \(captured) bytes, it has \(body.byteCount - 4)")
        }
        self = PacketPlaces()
        packet = PacketBlock(interface: 0, time: nil, originalLength: original)
        bytes = 4..<4 + captured
        options = body.byteCount
    }

    /// A head of 20 bytes, the packet, its options: the same in the enhanced and the obsolete block.
    @inline(__always)
    private mutating func take(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription], _ packet: inout PacketBlock,
        interface index: Int
    ) throws(BlockProblem) {
        guard body.byteCount >= 20 else { throw BlockProblem(what: "a packet block is too short") }
        guard index < interfaces.count else { throw .undescribed("a packet", index, of: interfaces.count) }
        let captured = Int(body.load(UInt32.self, at: 12, order))
        let original = Int(body.load(UInt32.self, at: 16, order))
        guard captured <= body.byteCount - 20 else {
            throw BlockProblem(
                what: "a packet states \(captured) captured bytes, its block holds \(body.byteCount - 20)")
        }
        // Not the description as a whole: its texts would be counted for every packet.
        let time = InterfaceDescription.time(
            body.ticks(at: 4, order), interfaces[index].resolution, offset: interfaces[index].timestampOffset)
        packet = PacketBlock(interface: index, time: time, originalLength: max(original, captured))
        bytes = 20..<20 + captured
        options = min(20 + (captured + 3) & ~3, body.byteCount)
        comment = 0..<0
        problem = nil
        if order != .little || !readUsualOptions(body, &packet) { readOptions(body, order, &packet) }
        if original < captured, problem == nil {
            problem = .capturedBeyondOriginal(captured: captured, original: original)
        }
    }

    /// Reads the options that send records have: a comment, flags, process and thread, and the process's block, in the order
    /// in which they are written here. They are most of an evidence file, and looking for each option anew would take half
    /// of what reading a block takes.
    ///
    /// - Returns: false, with nothing changed, where the options are any others.
    @inline(__always)
    private mutating func readUsualOptions(_ body: RawSpan, _ packet: inout PacketBlock) -> Bool {
        let head = body.load(UInt32.self, at: options, .little)
        let begin = options &+ 4
        let end = begin &+ Int(head >> 16)
        let rest = begin &+ (end &- begin &+ 3) & ~3
        guard head & 0xFFFF == UInt32(OptionCode.comment), rest &+ 32 == body.byteCount,
            body.load(UInt32.self, at: rest, .little) == 4 << 16 | UInt32(OptionCode.Packet.flags),
            body.load(UInt32.self, at: rest &+ 8, .little) == 8 << 16 | UInt32(OptionCode.Packet.processAndThread),
            body.load(UInt32.self, at: rest &+ 20, .little) == 4 << 16 | UInt32(OptionCode.Packet.processIndex),
            body.load(UInt32.self, at: rest &+ 28, .little) == UInt32(OptionCode.end)
        else { return false }
        comment = begin..<end
        packet.flags = body.load(UInt32.self, at: rest &+ 4, .little)
        packet.processID = body.load(UInt32.self, at: rest &+ 12, .little)
        packet.threadID = body.load(UInt32.self, at: rest &+ 16, .little)
        packet.processIndex = body.load(UInt32.self, at: rest &+ 24, .little)
        return true
    }

    @inline(__always)
    private mutating func readOptions(_ body: RawSpan, _ order: ByteOrder, _ packet: inout PacketBlock) {
        var cursor = OptionCursor(at: options, order: order)
        var hasComment = false
        while let option = cursor.next(in: body) {
            let at = option.value.lowerBound
            let count = option.value.count
            switch option.code {
            case OptionCode.comment where !hasComment:
                comment = option.value
                hasComment = true
            case OptionCode.Packet.flags where count == 4: packet.flags = body.load(UInt32.self, at: at, order)
            case OptionCode.Packet.processAndThread where count == 8:
                packet.processID = body.load(UInt32.self, at: at, order)
                packet.threadID = body.load(UInt32.self, at: at + 4, order)
            case OptionCode.Packet.processIndex where count == 4:
                packet.processIndex = body.load(UInt32.self, at: at, order)
            case OptionCode.Packet.dropCount where count == 8:
                packet.dropCount = body.load(UInt64.self, at: at, order)
            case OptionCode.Packet.packetID where count == 8: packet.packetID = body.load(UInt64.self, at: at, order)
            case OptionCode.Packet.queue where count == 4: packet.queue = body.load(UInt32.self, at: at, order)
            case OptionCode.Packet.effectiveProcessIndex where count == 4:
                packet.effectiveProcessIndex = body.load(UInt32.self, at: at, order)
            default: break
            }
        }
        problem = cursor.problem
    }
}
