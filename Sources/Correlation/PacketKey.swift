import Records

/// Keyed 64-bit hashes of the parts of a packet's identity.
///
/// The key is random for each run, so that nobody can send packets that all fall into one chain. Equal hashes prove
/// nothing: whoever finds a record by its hash compares the fields.
struct PacketKey: Sendable {
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed | 1 }

    /// What a packet is found by.
    struct Hashes {
        /// Both addresses.
        fileprivate let addresses: UInt64
        /// Everything that a whole packet and its record share: what finds the record of an ordinary packet.
        let identity: UInt64
    }

    /// Addresses are hashed once for all that is looked up of a packet.
    func hashes(_ packet: IPPacket) -> Hashes {
        let addresses = addresses(packet)
        let identification = packet.version == .v4 ? UInt64(packet.identification) : 0
        let ports = UInt64(packet.sourcePort) << 48 | UInt64(packet.destinationPort) << 32
        let kind = UInt64(packet.icmpType) << 24 | UInt64(packet.icmpCode) << 16 | UInt64(packet.transport.rawValue)
        var hash = mix(addresses ^ ports ^ kind, 0x9E37_79B9_7F4A_7C15)
        hash = mix(hash ^ identification ^ UInt64(packet.fragmentOffset) << 32, 0xBF58_476D_1CE4_E5B9)
        let identity = mix(hash ^ packet.payloadPrefix.high, packet.payloadPrefix.low ^ 0x94D0_49BB_1331_11EB)
        return Hashes(addresses: addresses, identity: identity)
    }

    /// Everything that a whole packet and its record share.
    func identity(_ packet: IPPacket) -> UInt64 { hashes(packet).identity }

    /// What all fragments of one IPv4 datagram share (RFC 791), and a packet whose payload the capture cut.
    func datagram(_ packet: IPPacket, _ hashes: Hashes) -> UInt64 {
        mix(
            hashes.addresses ^ UInt64(packet.identification),
            0xD6E8_FEB8_6659_FD93 ^ UInt64(packet.transport.rawValue))
    }

    /// Addresses, protocol and ports. ICMP echoes of one identifier are one flow.
    func flow(_ packet: IPPacket, _ hashes: Hashes) -> UInt64 {
        let destination = packet.transport == .udp ? UInt64(packet.destinationPort) : 0
        let ports = UInt64(packet.sourcePort) << 16 | destination
        return mix(hashes.addresses ^ ports << 8, 0xA076_1D64_78BD_642F ^ UInt64(packet.transport.rawValue))
    }

    private func addresses(_ packet: IPPacket) -> UInt64 {
        let source = mix(packet.source.high ^ seed, packet.source.low ^ 0xE703_7ED1_A0B4_28DB)
        return mix(source ^ packet.destination.high, packet.destination.low ^ 0x8EBC_6AF0_9C88_C6E3 ^ seed)
    }

    /// Multiplies to 128 bits and folds: every input bit reaches every output bit.
    private func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ seed).multipliedFullWidth(by: right ^ 0x2D35_8DCC_AA6C_78A5)
        return product.high ^ product.low
    }
}

/// Addresses, protocol and ports, to tell flows of equal hash apart.
struct FlowTuple: Hashable, Sendable {
    let source: IPAddress
    let destination: IPAddress
    let transport: IPPacket.Transport
    let sourcePort: UInt16
    let destinationPort: UInt16

    init(_ packet: IPPacket) {
        source = packet.source
        destination = packet.destination
        transport = packet.transport
        sourcePort = packet.sourcePort
        destinationPort = packet.transport == .udp ? packet.destinationPort : 0
    }
}
