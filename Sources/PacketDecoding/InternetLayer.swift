import Records

/// Protocol numbers (IANA) that lead on to the transport header, and those of the transports.
private enum ProtocolNumber {
    static let hopByHop: UInt8 = 0
    static let icmp: UInt8 = 1
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let routing: UInt8 = 43
    static let fragment: UInt8 = 44
    static let authentication: UInt8 = 51
    static let icmpv6: UInt8 = 58
    static let noNextHeader: UInt8 = 59
    static let destinationOptions: UInt8 = 60
    static let mobility: UInt8 = 135
    static let hostIdentity: UInt8 = 139
    static let shim6: UInt8 = 140
}

/// More extension headers than a real packet has.
private let mostExtensions = 16

/// A record keeps 96 bytes: behind headers of more than this there is no room for UDP's and 16 bytes of payload.
private let longestRecordedHeaders = 72

/// The smallest payload of an Ethernet frame: up to here what lies beyond the IP length may be padding, so a length of
/// zero cannot be taken from the frame.
private let shortestEthernetPayload = 46

extension DecodedFrame {
    /// Decodes the version that the first nibble says.
    mutating func decodeInternet(_ frame: RawSpan, at start: Int, originalLength: Int) {
        guard frame.byteCount > start else { return note(.networkHeaderCut, at: frame.byteCount) }
        switch frame.byte(at: start) >> 4 {
        case 4: decodeIPv4(frame, at: start, originalLength: originalLength)
        case 6: decodeIPv6(frame, at: start, originalLength: originalLength)
        default: note(.wrongVersion, at: start)
        }
    }

    mutating func decodeIPv4(_ frame: RawSpan, at start: Int, originalLength: Int) {
        guard frame.byteCount >= start + 20 else { return note(.networkHeaderCut, at: frame.byteCount) }
        let first = frame.byte(at: start)
        guard first >> 4 == 4 else { return note(.wrongVersion, at: start) }
        let next = frame.byte(at: start + 9)
        var packet = IPPacket(
            source: IPAddress(v4: frame.bigEndian(at: start + 12, as: UInt32.self)),
            destination: IPAddress(v4: frame.bigEndian(at: start + 16, as: UInt32.self)),
            transport: Self.transport(next, .v4))
        let fragment = frame.bigEndian(at: start + 6, as: UInt16.self)
        packet.dontFragment = fragment & 0x4000 != 0
        packet.moreFragments = fragment & 0x2000 != 0
        packet.fragmentOffset = (fragment & 0x1FFF) << 3
        packet.isFragment = fragment & 0x3FFF != 0
        packet.identification = UInt32(frame.bigEndian(at: start + 4, as: UInt16.self))
        packet.hopLimit = frame.byte(at: start + 8)
        networkOffset = start

        let headerLength = Int(first & 0xF) * 4
        var length = Int(frame.bigEndian(at: start + 2, as: UInt16.self))
        if length == 0, originalLength - start > shortestEthernetPayload {
            // Captured before segmentation, which writes the length: the frame's is the only one there is.
            length = originalLength - start
        }
        packet.totalLength = UInt32(clamping: length)
        guard headerLength >= 20 else { return stop(packet, .wrongHeaderLength, at: start, frame) }
        guard length >= headerLength else { return stop(packet, .lengthBelowHeader, at: start + 2, frame) }
        if start + length > originalLength { note(.lengthBeyondFrame, at: start + 2) }

        let bytes = frame.extracting(first: start + length)
        var offset = start + headerLength
        if next == ProtocolNumber.authentication, packet.fragmentOffset == 0 {
            isBehindRareHeaders = true
            // RFC 4302: its length counts 4-byte words and leaves two out.
            packet.transport = Self.transport(bytes.byte(at: offset), .v4)
            offset += (Int(bytes.byte(at: offset + 1)) + 2) * 4
        }
        decodeTransport(bytes, &packet, at: offset, packetEnd: start + length)
        ip = packet
    }

    mutating func decodeIPv6(_ frame: RawSpan, at start: Int, originalLength: Int) {
        guard frame.byteCount >= start + 40 else { return note(.networkHeaderCut, at: frame.byteCount) }
        guard frame.byte(at: start) >> 4 == 6 else { return note(.wrongVersion, at: start) }
        var packet = IPPacket(
            source: IPAddress(
                v6High: frame.bigEndian(at: start + 8, as: UInt64.self),
                low: frame.bigEndian(at: start + 16, as: UInt64.self)),
            destination: IPAddress(
                v6High: frame.bigEndian(at: start + 24, as: UInt64.self),
                low: frame.bigEndian(at: start + 32, as: UInt64.self)),
            transport: .other)
        packet.hopLimit = frame.byte(at: start + 7)
        networkOffset = start

        let payload = Self.payloadLength(frame, at: start, originalLength: originalLength)
        packet.totalLength = UInt32(clamping: 40 + payload)
        let end = start + 40 + payload
        if end > originalLength { note(.lengthBeyondFrame, at: start + 4) }
        let bytes = frame.extracting(first: end)
        let next = frame.byte(at: start + 6)
        packet.transport = Self.transport(next, .v6)
        var offset = start + 40
        if packet.transport == .other, !skipExtensions(bytes, &packet, from: next, at: &offset) {
            return stop(packet, .networkHeaderCut, at: bytes.byteCount, frame)
        }
        if offset - start > longestRecordedHeaders { isBehindRareHeaders = true }
        decodeTransport(bytes, &packet, at: offset, packetEnd: end)
        ip = packet
    }

    /// The payload length that the header states, or that its jumbo option (RFC 2675) or the frame gives where the
    /// header says 0: large segments are captured so before the kernel cuts them.
    private static func payloadLength(_ frame: RawSpan, at start: Int, originalLength: Int) -> Int {
        let stated = Int(frame.bigEndian(at: start + 4, as: UInt16.self))
        let next = frame.byte(at: start + 6)
        guard stated == 0, next != ProtocolNumber.noNextHeader else { return stated }
        // Linux's BIG TCP puts the jumbo option first, as the RFC's alignment wants.
        if next == ProtocolNumber.hopByHop, frame.bigEndian(at: start + 42, as: UInt16.self) == 0xC204 {
            return Int(frame.bigEndian(at: start + 44, as: UInt32.self))
        }
        let present = originalLength - start
        return present > shortestEthernetPayload ? present - 40 : 0
    }

    /// Moves `offset` behind the extension headers and sets what the fragment header says.
    ///
    /// - Returns: false where the packet ends before the transport protocol is known.
    private mutating func skipExtensions(
        _ bytes: RawSpan, _ packet: inout IPPacket, from first: UInt8, at offset: inout Int
    ) -> Bool {
        var next = first
        for _ in 0..<mostExtensions {
            switch next {
            case ProtocolNumber.hopByHop, ProtocolNumber.routing, ProtocolNumber.destinationOptions,
                ProtocolNumber.mobility, ProtocolNumber.hostIdentity, ProtocolNumber.shim6:
                guard bytes.byteCount >= offset + 2 else { return false }
                if next == ProtocolNumber.hostIdentity || next == ProtocolNumber.shim6 { isBehindRareHeaders = true }
                next = bytes.byte(at: offset)
                offset += (Int(bytes.byte(at: offset + 1)) + 1) * 8
            case ProtocolNumber.authentication:
                guard bytes.byteCount >= offset + 2 else { return false }
                next = bytes.byte(at: offset)
                offset += (Int(bytes.byte(at: offset + 1)) + 2) * 4
            case ProtocolNumber.fragment:
                guard bytes.byteCount >= offset + 8 else {
                    packet.isFragment = true
                    return false
                }
                next = bytes.byte(at: offset)
                let field = bytes.bigEndian(at: offset + 2, as: UInt16.self)
                packet.fragmentOffset = field & 0xFFF8
                packet.moreFragments = field & 1 == 1
                packet.isFragment = field & 0xFFF9 != 0
                packet.identification = bytes.bigEndian(at: offset + 4, as: UInt32.self)
                offset += 8
                // Behind the first fragment no more headers can be recognised: this is the middle of the datagram.
                guard packet.fragmentOffset == 0 else {
                    packet.transport = Self.transport(next, .v6)
                    return true
                }
            default:
                packet.transport = Self.transport(next, .v6)
                return true
            }
        }
        // The last header may say that it goes on behind the packet's end.
        note(.tooManyHeaders, at: min(offset, bytes.byteCount))
        return false
    }

    /// The transport for a protocol number; ICMP and ICMPv6 belong to one version each.
    private static func transport(_ number: UInt8, _ version: IPAddress.Version) -> IPPacket.Transport {
        switch number {
        case ProtocolNumber.udp: .udp
        case ProtocolNumber.tcp: .tcp
        case ProtocolNumber.icmp where version == .v4: .icmp
        case ProtocolNumber.icmpv6 where version == .v6: .icmpv6
        default: .other
        }
    }

    /// Keeps a packet whose transport header cannot be found.
    private mutating func stop(_ packet: IPPacket, _ kind: DecodingProblem.Kind, at offset: Int, _ frame: RawSpan) {
        var packet = packet
        packet.isTruncated = true
        ip = packet
        transportOffset = frame.byteCount
        payloadOffset = frame.byteCount
        note(kind, at: offset)
    }
}
