import Records

/// Tuples that this machine translates, by the tuple they leave with. Bounded: when it is full, what was last seen
/// longest ago goes.
struct Translations: Sendable {
    private struct Entry {
        var before: UntranslatedTuple
        var first: Timestamp
        var last: Timestamp
    }

    private var entries: [FlowTuple: [Entry]] = [:]
    private let capacity: Int
    /// Translations let go that may still be in use.
    var letGo = LetGo()

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    var isEmpty: Bool { entries.isEmpty }

    mutating func note(_ packet: IPPacket, before: UntranslatedTuple, time: Timestamp) {
        let tuple = FlowTuple(packet)
        if entries.count >= capacity, entries[tuple] == nil { letGo(before: time) }
        var known = entries[tuple, default: []]
        if let index = known.firstIndex(where: { $0.before == before }) {
            known[index].first = min(known[index].first, time)
            known[index].last = max(known[index].last, time)
        } else {
            // A port is given to another flow after a while: the latest few are kept.
            if known.count == 4 { known.removeFirst() }
            known.append(Entry(before: before, first: time, last: time))
        }
        entries[tuple] = known
    }

    /// The tuples before translation of a packet that left around `time`: more than one where a port changed hands.
    func before(_ packet: IPPacket, at time: Timestamp, lookahead: Int64) -> [UntranslatedTuple] {
        (entries[FlowTuple(packet)] ?? []).filter {
            time >= $0.first.advanced(by: -lookahead) && time <= $0.last.advanced(by: ForwardedFlows.lifetime)
        }.map(\.before)
    }

    private mutating func letGo(before time: Timestamp) {
        let limit = time.advanced(by: -4 * ForwardedFlows.lifetime)
        entries = entries.filter { $0.value.contains { $0.last >= limit } }
        guard entries.count >= capacity else { return }
        letGo.note(UInt64(entries.count), from: limit, to: time)
        entries.removeAll(keepingCapacity: true)
    }
}

extension IPPacket {
    /// The packet as it was before a translation.
    func translated(back before: UntranslatedTuple) -> IPPacket {
        var inner = self
        inner.source = before.source
        inner.destination = before.destination
        inner.sourcePort = before.sourcePort
        // An echo's second number is its sequence, which no translation touches.
        if transport == .udp { inner.destinationPort = before.destinationPort }
        return inner
    }
}

extension UntranslatedTuple {
    /// The tuple of a packet.
    init(_ packet: IPPacket) {
        self.init(
            source: packet.source, destination: packet.destination, sourcePort: packet.sourcePort,
            destinationPort: packet.transport == .udp ? packet.destinationPort : 0)
    }
}
