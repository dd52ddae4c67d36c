import Records

/// How a captured packet compares with the copy of a packet that a record holds.
public enum PacketComparison: Hashable, Sendable {
    /// Every field that both have agrees, and the identity is complete.
    case complete
    /// The packet is segment `index` of the record's UDP_SEGMENT batch. The index of an IPv6 segment is not known.
    case segment(index: Int?)
    /// The packet is a fragment of the record's datagram.
    case fragment
    /// All that the capture or the record kept of the payload agrees, but that is only `bytes` bytes.
    case cut(bytes: Int)
    /// They are different packets; the first field that differs.
    case differs(Field)

    /// A part of a packet's identity.
    public enum Field: String, Hashable, Sendable {
        /// Source or destination address.
        case addresses
        /// The transport protocol.
        case transport
        /// UDP ports.
        case ports
        /// ICMP type or code.
        case icmpType = "ICMP type"
        /// ICMP echo identifier or sequence number.
        case echo = "ICMP echo id or sequence"
        /// IPv4 identification.
        case identification = "IP id"
        /// Total length, or the place in the datagram.
        case length
        /// The first payload bytes.
        case payload
    }

    /// The two describe the same packet or parts of one.
    public var agrees: Bool {
        if case .differs = self { false } else { true }
    }
}

/// Compares a captured packet with a record's packet. Checksums (offload) and hop limits (routing) play no part.
///
/// - Parameter segmentSize: the record's UDP_SEGMENT size in payload bytes, 0 for none.
func compare(_ packet: IPPacket, with record: IPPacket, segmentSize: UInt16) -> PacketComparison {
    guard packet.source == record.source, packet.destination == record.destination else { return .differs(.addresses) }
    guard packet.transport == record.transport else { return .differs(.transport) }
    if packet.fragmentOffset > record.fragmentOffset { return compareLaterFragment(packet, with: record) }
    guard packet.fragmentOffset == record.fragmentOffset else { return .differs(.length) }
    if packet.transport == .udp {
        guard packet.sourcePort == record.sourcePort, packet.destinationPort == record.destinationPort else {
            return .differs(.ports)
        }
    } else {
        guard packet.icmpType == record.icmpType, packet.icmpCode == record.icmpCode else {
            return .differs(.icmpType)
        }
        guard packet.sourcePort == record.sourcePort, packet.destinationPort == record.destinationPort else {
            return .differs(.echo)
        }
    }
    if segmentSize > 0, packet.totalLength < record.totalLength {
        return compareSegment(packet, with: record, segmentSize: UInt32(segmentSize))
    }
    if packet.version == .v4, packet.identification != record.identification { return .differs(.identification) }
    if packet.moreFragments, !record.isFragment {
        // IPv6 gets its fragment header after the record was taken; the UDP header states the whole length.
        guard packet.udpLength == record.udpLength, packet.payloadLength < record.payloadLength else {
            return .differs(.length)
        }
        return prefixesAgree(packet, record) ? .fragment : .differs(.payload)
    }
    guard packet.totalLength == record.totalLength, packet.moreFragments == record.moreFragments else {
        return .differs(.length)
    }
    guard prefixesAgree(packet, record) else { return .differs(.payload) }
    let known = Int(min(packet.payloadPrefix.count, record.payloadPrefix.count))
    let complete = min(Int(packet.payloadLength), PayloadPrefix.capacity)
    return known >= complete && !packet.isTruncated ? .complete : .cut(bytes: known)
}

/// A fragment after the first has no ports: addresses, protocol, identification and the place in the datagram speak.
/// IPv6 identifications are chosen after the record was taken and cannot be compared here.
private func compareLaterFragment(_ packet: IPPacket, with record: IPPacket) -> PacketComparison {
    guard packet.version == .v4, !record.isFragment else { return .differs(.length) }
    guard packet.identification == record.identification else { return .differs(.identification) }
    // Transport header and payload: what the whole datagram's IP payload can hold.
    let whole = record.payloadLength + 8
    let end = UInt32(packet.fragmentOffset) + packet.payloadLength
    guard packet.moreFragments ? end < whole : end == whole else { return .differs(.length) }
    return .fragment
}

private func compareSegment(_ packet: IPPacket, with record: IPPacket, segmentSize: UInt32) -> PacketComparison {
    let count = (record.payloadLength + segmentSize - 1) / segmentSize
    guard count > 1 else { return .differs(.length) }
    let last = record.payloadLength - (count - 1) * segmentSize
    guard packet.version == .v4 else {
        guard packet.payloadLength == segmentSize || packet.payloadLength == last else { return .differs(.length) }
        return .segment(index: nil)
    }
    // Segments count the identification up from the record's (net/ipv4/af_inet.c, inet_gso_segment).
    let index = (packet.identification &- record.identification) & 0xFFFF
    guard index < count else { return .differs(.identification) }
    // Of the first of a segment's fragments only the UDP header tells the segment's length.
    let length = packet.moreFragments ? UInt32(packet.udpLength) &- 8 : packet.payloadLength
    guard length == (index == count - 1 ? last : segmentSize) else { return .differs(.length) }
    if index == 0, !prefixesAgree(packet, record) { return .differs(.payload) }
    return .segment(index: Int(index))
}

private func prefixesAgree(_ packet: IPPacket, _ record: IPPacket) -> Bool {
    let known = Int(min(packet.payloadPrefix.count, record.payloadPrefix.count))
    return packet.payloadPrefix.first(known) == record.payloadPrefix.first(known)
}
