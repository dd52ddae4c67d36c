import Records

/// Tells a packet that is seen for the first time from its copy at another interface.
///
/// A direct-mapped table of the identities of the last second, so it is bounded and a lookup is one comparison. Packets
/// that share a place push each other out and then count as distinct: at very high rates the count is an upper bound.
struct DistinctPackets {
    /// Small, so that the table stays in the processor's caches.
    private struct Entry {
        /// Of a packet's identity, never 0: two of them are taken for one with a chance of one in 2⁶⁴.
        var identity: UInt64 = 0
        var time = Timestamp.distantPast
        var place: UInt64 = 0
    }

    private static let window: Int64 = 1_000_000_000
    private var entries = [Entry](repeating: Entry(), count: 1 << 14)
    /// Makes the identities of packets.
    let hasher: Hasher

    /// - Parameter seed: decides which packets share a place. Of one seed the same packets give the same count.
    init(seed: UInt64) { hasher = Hasher(seed: seed) }

    /// Notes a packet. Repeats at the place where it was first seen are packets of their own.
    mutating func isFirstSighting(_ packet: PacketRecord) -> Bool {
        isFirstSighting(hasher.identity(packet.ip), Self.place(packet), packet.time)
    }

    /// The same of the packet at a place in a list; handed over by itself it would be copied.
    ///
    /// - Parameter identity: the packet's, of ``hasher``.
    mutating func isFirstSighting(_ packets: Span<PacketRecord>, _ index: Int, _ identity: UInt64) -> Bool {
        isFirstSighting(identity, Self.place(packets[index]), packets[index].time)
    }

    @inline(__always)
    private mutating func isFirstSighting(_ identity: UInt64, _ place: UInt64, _ time: Timestamp) -> Bool {
        let index = Int(truncatingIfNeeded: identity) & (entries.count - 1)
        let known = entries[index]
        if known.identity == identity, known.place != place, time.since(known.time) <= Self.window { return false }
        entries[index] = Entry(identity: identity, time: time, place: place)
        return true
    }

    /// Where a packet was seen; captures beyond 16,384 share their numbers with others.
    @inline(__always)
    private static func place(_ packet: PacketRecord) -> UInt64 {
        UInt64(packet.interfaceIndex) << 32 | UInt64(packet.interface) << 16 | UInt64(packet.capture & 0x3FFF) << 2
            | UInt64(packet.direction.rawValue)
    }

}

extension DistinctPackets {
    /// Needs no table, and so can be used on another thread.
    struct Hasher: Sendable {
        fileprivate let seed: UInt64
    }
}

extension DistinctPackets.Hasher {
    /// Every field but the hop limit, which routing changes on the way.
    func identity(_ packet: IPPacket) -> UInt64 {
        func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = (left ^ seed).multipliedFullWidth(by: right ^ 0xA076_1D64_78BD_642F)
            return product.high ^ product.low
        }
        func pair(_ high: UInt32, _ low: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }
        let flags: UInt8 =
            (packet.dontFragment ? 1 : 0) | (packet.isFragment ? 2 : 0) | (packet.moreFragments ? 4 : 0)
            | (packet.isTruncated ? 8 : 0)
        let kind =
            UInt64(packet.version.rawValue) << 48 | UInt64(packet.transport.rawValue) << 40 | UInt64(flags) << 32
            | UInt64(packet.tcpFlags) << 24 | UInt64(packet.icmpType) << 16 | UInt64(packet.icmpCode) << 8
            | UInt64(packet.payloadPrefix.count)
        let ports =
            UInt64(packet.sourcePort) << 48 | UInt64(packet.destinationPort) << 32 | UInt64(packet.udpLength) << 16
            | UInt64(packet.fragmentOffset)
        var hash = folded(packet.source.low, packet.source.high &+ 0x8EBC_6AF0_9C88_C6E3)
        hash = folded(hash ^ packet.destination.low, packet.destination.high &+ 0x5899_65CC_7537_4CC3)
        hash = folded(hash ^ kind, ports)
        hash = folded(
            hash ^ pair(packet.identification, packet.totalLength), UInt64(packet.payloadLength))
        hash = folded(hash ^ packet.payloadPrefix.high, packet.payloadPrefix.low)
        return hash == 0 ? 1 : hash
    }
}
