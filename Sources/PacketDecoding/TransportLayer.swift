import Records

extension DecodedFrame {
    /// Decodes from the transport header on.
    ///
    /// - Parameters:
    ///   - bytes: the frame as far as it was captured and belongs to the packet: padding is cut off already.
    ///   - offset: where the transport header begins; may lie beyond the captured bytes.
    ///   - packetEnd: where the packet ends by the IP header, captured or not.
    mutating func decodeTransport(_ bytes: RawSpan, _ packet: inout IPPacket, at offset: Int, packetEnd: Int) {
        var headerLength = 0
        if packet.fragmentOffset == 0 {
            switch packet.transport {
            case .udp:
                decodeUDP(bytes, &packet, at: offset, packetEnd: packetEnd)
                headerLength = 8
            case .tcp: headerLength = decodeTCP(bytes, &packet, at: offset, packetEnd: packetEnd)
            case .icmp, .icmpv6:
                decodeICMP(bytes, &packet, at: offset)
                headerLength = 8
            case .other: break
            }
        }
        let payload = offset + headerLength
        if bytes.byteCount < payload {
            packet.isTruncated = true
            note(.transportHeaderCut, at: bytes.byteCount)
        }
        transportOffset = min(offset, bytes.byteCount)
        payloadOffset = min(payload, bytes.byteCount)
        payloadCaptured = bytes.byteCount - payloadOffset
        packet.payloadLength = UInt32(clamping: packetEnd - payload)
        packet.payloadPrefix = Self.prefix(bytes, count: payloadCaptured)
    }

    private mutating func decodeUDP(_ bytes: RawSpan, _ packet: inout IPPacket, at offset: Int, packetEnd: Int) {
        packet.sourcePort = bytes.bigEndian(at: offset, as: UInt16.self)
        packet.destinationPort = bytes.bigEndian(at: offset + 2, as: UInt16.self)
        packet.udpLength = bytes.bigEndian(at: offset + 4, as: UInt16.self)
        guard bytes.byteCount >= offset + 6 else { return }
        let length = Int(packet.udpLength)
        let room = packetEnd - offset
        // A first fragment states the whole datagram's length; a packet above 64 KiB cannot state its own.
        if length < 8 && room <= 0xFFFF || length > room && !packet.isFragment {
            note(.wrongUDPLength, at: offset + 4)
        }
    }

    /// - Returns: the header's length by its data offset.
    private mutating func decodeTCP(
        _ bytes: RawSpan, _ packet: inout IPPacket, at offset: Int, packetEnd: Int
    ) -> Int {
        packet.sourcePort = bytes.bigEndian(at: offset, as: UInt16.self)
        packet.destinationPort = bytes.bigEndian(at: offset + 2, as: UInt16.self)
        packet.tcpFlags = bytes.byte(at: offset + 13)
        guard bytes.byteCount > offset + 12 else { return 20 }
        let length = Int(bytes.byte(at: offset + 12) >> 4) * 4
        guard length >= 20 else {
            packet.isTruncated = true
            note(.wrongHeaderLength, at: offset + 12)
            // Where the payload begins cannot be known: none is claimed.
            return max(20, packetEnd - offset)
        }
        return length
    }

    /// ICMP (RFC 792) and ICMPv6 (RFC 4443): the echoes' identifier and sequence number stand in for ports.
    private func decodeICMP(_ bytes: RawSpan, _ packet: inout IPPacket, at offset: Int) {
        packet.icmpType = bytes.byte(at: offset)
        packet.icmpCode = bytes.byte(at: offset + 1)
        guard bytes.byteCount > offset, packet.isEcho else { return }
        packet.sourcePort = bytes.bigEndian(at: offset + 4, as: UInt16.self)
        packet.destinationPort = bytes.bigEndian(at: offset + 6, as: UInt16.self)
    }

    /// The first bytes of the payload, which are the last `count` ones of `bytes`.
    private static func prefix(_ bytes: RawSpan, count: Int) -> PayloadPrefix {
        let start = bytes.byteCount - count
        if count >= PayloadPrefix.capacity {
            return PayloadPrefix(
                high: bytes.bigEndian(at: start, as: UInt64.self),
                low: bytes.bigEndian(at: start + 8, as: UInt64.self), count: PayloadPrefix.capacity)
        }
        guard count > 0 else { return PayloadPrefix() }
        // The IP header lies before, so the last eight bytes can be loaded at once and shifted to the top.
        let last = bytes.bigEndian(at: bytes.byteCount - 8, as: UInt64.self)
        if count <= 8 { return PayloadPrefix(high: last << UInt64(64 - 8 * count), low: 0, count: count) }
        return PayloadPrefix(
            high: bytes.bigEndian(at: start, as: UInt64.self), low: last << UInt64(128 - 8 * count), count: count)
    }
}

extension IPPacket {
    /// An echo request or reply by its type, with its header not known to be whole.
    fileprivate var isEcho: Bool {
        transport == .icmp ? icmpType == 8 || icmpType == 0 : icmpType == 128 || icmpType == 129
    }
}
