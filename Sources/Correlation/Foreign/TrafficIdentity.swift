import Records

/// What a packet and another tool's record of it have in common: addresses, ports and length.
struct TrafficIdentity: Hashable {
    var source: IPAddress
    var destination: IPAddress
    var sourcePort: UInt16
    var destinationPort: UInt16
    var transport: IPPacket.Transport
    /// Payload bytes of the whole datagram; nil where the record does not say.
    var length: UInt32?

    /// The identity of a packet; nil for one that lacks what a record goes by.
    init?(_ packet: IPPacket) {
        guard packet.fragmentOffset == 0, !packet.isTruncated else { return nil }
        source = packet.source
        destination = packet.destination
        sourcePort = packet.sourcePort
        destinationPort = packet.destinationPort
        transport = packet.transport
        // The sender counts the datagram, also where it leaves in fragments.
        length =
            packet.isFragment && packet.transport == .udp
            ? UInt32(max(packet.udpLength, 8)) - 8 : packet.payloadLength
    }

    /// The identity of the packet that a record is about; nil where it does not say which way it went.
    init?(_ record: TrafficRecord) {
        let isInbound: Bool
        switch record.action {
        case .sent: isInbound = false
        // Sides that are not known stand as destination (local) and source (remote).
        case .received, .other: isInbound = true
        case .connected, .accepted, .disconnected: return nil
        }
        // Where the evidence holds the packet itself, the packet counts.
        if let packet = record.packet {
            guard let identity = TrafficIdentity(packet) else { return nil }
            self = identity
            return
        }
        source = isInbound ? record.remoteAddress : record.localAddress
        destination = isInbound ? record.localAddress : record.remoteAddress
        sourcePort = isInbound ? record.remotePort : record.localPort
        destinationPort = isInbound ? record.localPort : record.remotePort
        transport = record.transport
        length = record.payloadLength
    }

    /// Addresses, ports, protocol and length in 64 bits. Who compares more must compare the fields.
    var fingerprint: UInt64 {
        let from = Self.mix(source.low ^ 0xA076_1D64_78BD_642F, source.high ^ 0xE703_7ED1_A0B4_28DB)
        let to = Self.mix(destination.low ^ 0x8EBC_6AF0_9C88_C6E3, destination.high ^ 0x5899_65CC_7537_4CC3)
        return Self.mix(from ^ portsFingerprint, to ^ 0x1D8E_4E27_C47D_124F)
    }

    /// Ports, protocol and length in 64 bits.
    var portsFingerprint: UInt64 {
        let ports = UInt64(sourcePort) << 48 | UInt64(destinationPort) << 32 | UInt64(length ?? .max)
        return Self.mix(ports ^ 0x9E37_79B9_7F4A_7C15, UInt64(transport.rawValue) &+ 0xEB44_ACCA_B455_D165)
    }

    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}

/// What tells packets of one flow apart where the evidence holds the packet itself.
struct DatagramMark: Hashable {
    var identification: UInt32
    var prefix: PayloadPrefix

    init(_ packet: IPPacket) {
        identification = packet.version == .v4 ? packet.identification : 0
        prefix = packet.payloadPrefix
    }

    /// The same packet, as far as both show.
    func agrees(with other: DatagramMark) -> Bool {
        let shown = Int(min(prefix.count, other.prefix.count))
        return identification == other.identification && prefix.first(shown) == other.prefix.first(shown)
    }
}
