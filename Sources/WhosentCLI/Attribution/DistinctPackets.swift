import Records

/// Tells a packet that is seen for the first time from its copy at another interface.
///
/// A direct-mapped table of the identities of the last second, so it is bounded and a lookup is one comparison. Packets
/// that share a place push each other out and then count as distinct: at very high rates the count is an upper bound.
struct DistinctPackets {
    private struct Entry {
        var packet: IPPacket
        var time: Timestamp
        var capture: UInt16
        var interface: UInt16
        var interfaceIndex: UInt32
        var direction: Direction
    }

    private static let window: Int64 = 1_000_000_000
    private var entries: [Entry?] = Array(repeating: nil, count: 1 << 14)

    /// Notes a packet. Repeats at the place where it was first seen are packets of their own.
    mutating func isFirstSighting(_ packet: PacketRecord) -> Bool {
        var identity = packet.ip
        // Routing changes these on the way.
        identity.hopLimit = 0
        var hasher = Hasher()
        hasher.combine(identity)
        let index = hasher.finalize() & (entries.count - 1)
        if let known = entries[index], known.packet == identity, packet.time.since(known.time) <= Self.window {
            let samePlace =
                known.capture == packet.capture && known.interface == packet.interface
                && known.interfaceIndex == packet.interfaceIndex && known.direction == packet.direction
            if !samePlace { return false }
        }
        entries[index] = Entry(
            packet: identity, time: packet.time, capture: packet.capture, interface: packet.interface,
            interfaceIndex: packet.interfaceIndex, direction: packet.direction)
        return true
    }
}
