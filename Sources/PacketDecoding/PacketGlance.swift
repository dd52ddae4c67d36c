public import Records

/// What an ordinary packet says in its fixed places: enough for most packets, and read many times faster than
/// ``decodeFrame(_:linkType:originalLength:)`` reads a frame.
///
/// There is a glance of a frame only where it is Ethernet with at most one VLAN tag, and in it a whole UDP, TCP or ICMP
/// packet right behind an IP header without options, all headers captured. It says what the decoded frame says.
public struct PacketGlance: Hashable, Sendable {
    // In an order that leaves no gaps: there is one for every packet of a batch.

    /// The source address.
    public let source: IPAddress
    /// The transport protocol; never ``IPPacket/Transport/other``.
    public let transport: IPPacket.Transport
    /// IPv4: don't fragment.
    public private(set) var dontFragment = false
    /// TTL or hop limit.
    public private(set) var hopLimit: UInt8 = 0
    /// ICMP type; 0 unless ICMP.
    public private(set) var icmpType: UInt8 = 0
    /// ICMP code.
    public private(set) var icmpCode: UInt8 = 0
    /// The IP header's length and the transport header's, in bytes.
    public let headerLength: UInt8
    /// The length that the UDP header states, header included; 0 unless UDP.
    public private(set) var udpLength: UInt16 = 0
    /// The destination address.
    public let destination: IPAddress
    /// How many bytes ``payload`` has, 0 to 16.
    public let payloadCaptured: UInt8
    /// UDP or TCP source port, or the ICMP echo identifier.
    public private(set) var sourcePort: UInt16 = 0
    /// UDP or TCP destination port, or the ICMP echo sequence number.
    public private(set) var destinationPort: UInt16 = 0
    /// TCP flags as on the wire; 0 unless TCP.
    public private(set) var tcpFlags: UInt8 = 0
    /// Bytes after the transport header by the IP header's length.
    public let payloadLength: UInt16
    /// The IPv4 identification; 0 for IPv6.
    public private(set) var identification: UInt16 = 0
    /// The first eight bytes of the payload as far as they were captured, big-endian, zero-filled.
    public let payload: UInt64
    /// The eight behind those.
    public let payloadRest: UInt64
    /// The link-layer source address.
    public private(set) var sourceMAC = MACAddress(bits: 0)
    /// The link-layer destination address.
    public private(set) var destinationMAC = MACAddress(bits: 0)
}

/// A frame of a capture, as far as a glance tells it.
public struct GlancedFrame: Sendable {
    /// When the capture saw it.
    public let time: Timestamp
    /// What it is, where a glance tells that.
    public let glance: PacketGlance?
    /// Where its bytes are, for who made this.
    public let place: Int32

    /// A frame at a place.
    @inlinable
    public init(time: Timestamp, glance: PacketGlance?, place: Int32) {
        self.time = time
        self.glance = glance
        self.place = place
    }
}

extension PacketGlance {
    /// Looks at a frame.
    ///
    /// - Parameters:
    ///   - frame: the captured bytes.
    ///   - linkType: a LINKTYPE_ value, see ``LinkType``.
    ///   - originalLength: the frame's length before it was cut to the snap length; a value below the captured length
    ///     is taken as the captured length.
    /// - Returns: nil where ``decodeFrame(_:linkType:originalLength:)`` has to be asked.
    public init?(_ frame: RawSpan, linkType: UInt16, originalLength: Int) {
        // The shortest of all: a UDP or ICMP header behind an IPv4 header.
        guard linkType == LinkType.ethernet, frame.byteCount >= 14 + 20 + 8 else { return nil }
        var type = frame.bigEndian(at: 12, as: UInt16.self)
        var start = 14
        if type == 0x8100 {
            type = frame.bigEndian(at: 16, as: UInt16.self)
            start = 18
        }
        let packet = frame.extracting(droppingFirst: start)
        let room = max(originalLength, frame.byteCount) - start
        switch type {
        case 0x0800: self.init(v4: packet, room: room)
        case 0x86DD: self.init(v6: packet, room: room)
        default: return nil
        }
        destinationMAC = MACAddress(bits: frame.bigEndian(at: 0, as: UInt64.self) >> 16)
        sourceMAC = MACAddress(bits: frame.bigEndian(at: 4, as: UInt64.self))
    }

    /// The same of a packet from its IP header on, which has no link-layer addresses.
    init?(internet packet: RawSpan, originalLength: Int) {
        let room = max(originalLength, packet.byteCount)
        guard packet.byteCount >= 28 else { return nil }
        if packet.byte(at: 0) == 0x45 { self.init(v4: packet, room: room) } else { self.init(v6: packet, room: room) }
    }

    /// - Parameter room: how much of the frame lay behind its link-layer header before it was cut.
    @inline(__always)
    private init?(v4 packet: RawSpan, room: Int) {
        // No options, and no fragment.
        guard packet.byteCount >= 28, packet.byte(at: 0) == 0x45,
            packet.bigEndian(at: 6, as: UInt16.self) & 0x3FFF == 0
        else { return nil }
        let length = Int(packet.bigEndian(at: 2, as: UInt16.self))
        let transport: IPPacket.Transport
        switch packet.byte(at: 9) {
        case 17: transport = .udp
        case 6: transport = .tcp
        case 1: transport = .icmp
        default: return nil
        }
        self.init(
            packet, behind: 20, length: length, room: room, transport,
            from: IPAddress(v4: packet.bigEndian(at: 12, as: UInt32.self)),
            to: IPAddress(v4: packet.bigEndian(at: 16, as: UInt32.self)))
        identification = packet.bigEndian(at: 4, as: UInt16.self)
        dontFragment = packet.byte(at: 6) & 0x40 != 0
        hopLimit = packet.byte(at: 8)
    }

    @inline(__always)
    private init?(v6 packet: RawSpan, room: Int) {
        guard packet.byteCount >= 48, packet.byte(at: 0) >> 4 == 6 else { return nil }
        let length = 40 + Int(packet.bigEndian(at: 4, as: UInt16.self))
        let transport: IPPacket.Transport
        switch packet.byte(at: 6) {
        case 17: transport = .udp
        case 6: transport = .tcp
        case 58: transport = .icmpv6
        default: return nil
        }
        self.init(
            packet, behind: 40, length: length, room: room, transport,
            from: IPAddress(
                v6High: packet.bigEndian(at: 8, as: UInt64.self), low: packet.bigEndian(at: 16, as: UInt64.self)),
            to: IPAddress(
                v6High: packet.bigEndian(at: 24, as: UInt64.self), low: packet.bigEndian(at: 32, as: UInt64.self)))
        hopLimit = packet.byte(at: 7)
    }

    /// - Parameters:
    ///   - packet: from the IP header on, at least eight bytes more than that.
    ///   - offset: the IP header's length.
    ///   - length: the packet's length by the IP header.
    @inline(__always)
    private init?(
        _ packet: RawSpan, behind offset: Int, length: Int, room: Int, _ transport: IPPacket.Transport,
        from source: IPAddress, to destination: IPAddress
    ) {
        // What lies behind the packet is Ethernet's padding.
        let present = min(length, packet.byteCount)
        guard present >= offset + 8, length <= room else { return nil }
        var header = 8
        switch transport {
        case .tcp:
            guard present >= offset + 20 else { return nil }
            header = Int(packet.byte(at: offset + 12) >> 4) * 4
            guard header >= 20, present >= offset + header else { return nil }
            tcpFlags = packet.byte(at: offset + 13)
            sourcePort = packet.bigEndian(at: offset, as: UInt16.self)
            destinationPort = packet.bigEndian(at: offset + 2, as: UInt16.self)
        case .udp:
            udpLength = packet.bigEndian(at: offset + 4, as: UInt16.self)
            sourcePort = packet.bigEndian(at: offset, as: UInt16.self)
            destinationPort = packet.bigEndian(at: offset + 2, as: UInt16.self)
        case .icmp, .icmpv6:
            icmpType = packet.byte(at: offset)
            icmpCode = packet.byte(at: offset + 1)
            if Self.isEcho(icmpType, transport) {
                sourcePort = packet.bigEndian(at: offset + 4, as: UInt16.self)
                destinationPort = packet.bigEndian(at: offset + 6, as: UInt16.self)
            }
        case .other: break
        }
        let captured = present - offset - header
        payloadCaptured = UInt8(truncatingIfNeeded: min(captured, PayloadPrefix.capacity))
        // The headers lie before: the last eight bytes can be loaded at once and shifted to the top.
        let last = packet.bigEndian(at: present - 8, as: UInt64.self)
        if captured >= 8 {
            payload = packet.bigEndian(at: offset + header, as: UInt64.self)
            payloadRest =
                captured >= 16
                ? packet.bigEndian(at: offset + header + 8, as: UInt64.self)
                : captured == 8 ? 0 : last << UInt64(128 - 8 * captured)
        } else {
            payload = captured == 0 ? 0 : last << UInt64(64 - 8 * captured)
            payloadRest = 0
        }
        // At most 65,535 and at least what is present.
        payloadLength = UInt16(truncatingIfNeeded: length - offset - header)
        headerLength = UInt8(truncatingIfNeeded: offset + header)
        self.transport = transport
        self.source = source
        self.destination = destination
    }
}

extension PacketGlance {
    private static func isEcho(_ type: UInt8, _ transport: IPPacket.Transport) -> Bool {
        transport == .icmp ? type == 8 || type == 0 : type == 128 || type == 129
    }
}

extension IPPacket {
    /// The packet that a glance was of: what ``decodeFrame(_:linkType:originalLength:)`` says of it.
    public init(_ glance: PacketGlance) {
        self.init(source: glance.source, destination: glance.destination, transport: glance.transport)
        dontFragment = glance.dontFragment
        identification = UInt32(glance.identification)
        totalLength = UInt32(glance.payloadLength) + UInt32(glance.headerLength)
        hopLimit = glance.hopLimit
        tcpFlags = glance.tcpFlags
        icmpType = glance.icmpType
        icmpCode = glance.icmpCode
        sourcePort = glance.sourcePort
        destinationPort = glance.destinationPort
        udpLength = glance.udpLength
        payloadLength = UInt32(glance.payloadLength)
        payloadPrefix = PayloadPrefix(
            filled: glance.payload, glance.payloadRest, count: Int(glance.payloadCaptured))
    }
}
