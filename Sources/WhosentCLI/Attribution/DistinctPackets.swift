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
        let index = Self.mixed(identity) & (entries.count - 1)
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

    /// What differs from packet to packet: many flows, or one flow's many ids and payloads.
    private static func mixed(_ packet: IPPacket) -> Int {
        func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low
        }
        let ports = UInt64(packet.sourcePort) << 48 | UInt64(packet.destinationPort) << 32
        let ends = folded(
            packet.source.low ^ secret, packet.destination.low ^ packet.source.high &+ packet.destination.high)
        let rest = folded(
            ports ^ UInt64(packet.identification) ^ secret, packet.payloadPrefix.high ^ packet.payloadPrefix.low)
        return Int(truncatingIfNeeded: folded(ends ^ 0xA076_1D64_78BD_642F, rest ^ 0xE703_7ED1_A0B4_28DB))
    }

    private static let secret = UInt64.random(in: .min ... .max)
}
