import PcapNG
import Records

/// What the packet block of a converted traffic record does not hold by itself: the fields of its one-line comment. It
/// says first where the word comes from.
struct TrafficComment {
    private static let actions: [(TrafficRecord.Action, StaticString)] = [
        (.sent, "sent"), (.received, "received"), (.connected, "connected"), (.accepted, "accepted"),
        (.disconnected, "disconnected"), (.other, "other"),
    ]

    static func write(
        _ record: TrafficRecord, isSource: Bool, isCaptured: Bool, origin: EvidenceKind,
        to line: inout PacketCommentWriter
    ) {
        line.removeAll()
        line.field("ORIGIN", data: origin.rawValue)
        line.field("AT", record.position)
        if let word = actions.first(where: { $0.0 == record.action })?.1 { line.field("ACTION", word) }
        line.field("SIDE", isSource ? "source" : "destination")
        if !record.isOriented { line.field("ORIENTED", "no") }
        if let pid = record.pid { line.field("PID", UInt64(pid)) }
        if let thread = record.thread { line.field("TID", UInt64(thread)) }
        if let length = record.payloadLength { line.field("LEN", UInt64(length)) }
        if let id = record.packetID { line.field("ID", id) }
        if record.time == nil { line.field("TIME", "none") }
        line.field("HEADERS", isCaptured ? "captured" : "made")
    }

    /// The record of a packet with this comment; nil where the line is malformed or contradicts the packet.
    static func read(
        _ line: RawSpan, _ packet: IPPacket, block: PacketBlock, host: UInt16
    ) -> TrafficRecord? {
        var scanner = PacketCommentScanner(line)
        var record = TrafficRecord(
            time: block.time, action: .other, transport: packet.transport, localAddress: packet.source,
            remoteAddress: packet.destination, localPort: packet.sourcePort, remotePort: packet.destinationPort,
            pid: nil, position: 0, host: host)
        var seen: Set<UInt64> = []
        while scanner.next() {
            guard seen.insert(scanner.key).inserted || scanner.key == 0, set(&record, scanner, packet) else {
                return nil
            }
        }
        // Option 8 says the same for other programs; a block in which the two differ was tampered with.
        guard !scanner.isMalformed, record.position != 0, (record.pid ?? 0) == block.processID else { return nil }
        return record
    }

    private static func set(
        _ record: inout TrafficRecord, _ scanner: borrowing PacketCommentScanner, _ packet: IPPacket
    ) -> Bool {
        if scanner.isNamed("AT") { return assign(scanner.number(), &record.position) }
        if scanner.isNamed("ACTION") {
            return assign(actions.first { scanner.isWord($0.1) }?.0, &record.action)
        }
        if scanner.isNamed("SIDE") {
            guard scanner.isWord("destination") else { return scanner.isWord("source") }
            record.localAddress = packet.destination
            record.remoteAddress = packet.source
            record.localPort = packet.destinationPort
            record.remotePort = packet.sourcePort
            return true
        }
        if scanner.isNamed("ORIENTED") {
            record.isOriented = false
            return scanner.isWord("no")
        }
        if scanner.isNamed("PID") { return assign(scanner.number(), &record.pid) }
        if scanner.isNamed("TID") { return assign(scanner.number(), &record.thread) }
        if scanner.isNamed("LEN") { return assign(scanner.number(), &record.payloadLength) }
        if scanner.isNamed("ID") { return assign(scanner.number(), &record.packetID) }
        if scanner.isNamed("TIME") {
            record.time = nil
            return scanner.isWord("none")
        }
        if scanner.isNamed("HEADERS") {
            if scanner.isWord("captured") { record.packet = packet }
            return scanner.isWord("captured") || scanner.isWord("made")
        }
        return true
    }

    private static func assign<Value>(_ value: Value?, _ field: inout Value) -> Bool {
        guard let value else { return false }
        field = value
        return true
    }

    private static func assign<Value>(_ value: Value?, _ field: inout Value?) -> Bool {
        field = value
        return value != nil
    }
}
