import Records

/// Link-layer source addresses of forwarded packets as they came in, for the sightings of the same packets on their way
/// out: the router writes its own address over them. Bounded: when it is full, it forgets everything.
struct IngressSources {
    private struct Entry {
        var mac: MACAddress
        var time: Timestamp
        /// An equal packet came from another address.
        var isAmbiguous = false
    }

    private static let capacity = 1 << 12
    /// A packet leaves within this, in nanoseconds.
    private static let window: Int64 = 1_000_000_000

    private var entries: [IPPacket: Entry] = [:]

    /// Notes a forwarded packet that came in.
    mutating func note(_ packet: PacketRecord) {
        guard let mac = packet.sourceMAC, !mac.isZero else { return }
        let key = Self.key(packet)
        if var known = entries[key], packet.time.since(known.time) <= Self.window {
            known.isAmbiguous = known.isAmbiguous || known.mac != mac
            known.time = packet.time
            entries[key] = known
            return
        }
        if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
        entries[key] = Entry(mac: mac, time: packet.time)
    }

    /// The address that a packet came in with, if it was seen to and no equal one came with another.
    func source(of packet: PacketRecord) -> MACAddress? {
        guard let entry = entries[Self.key(packet)], !entry.isAmbiguous,
            packet.time.since(entry.time).magnitude <= UInt64(Self.window)
        else { return nil }
        return entry.mac
    }

    /// All that stays the same when a packet is routed.
    private static func key(_ packet: PacketRecord) -> IPPacket {
        var key = packet.ip
        key.hopLimit = 0
        return key
    }
}
