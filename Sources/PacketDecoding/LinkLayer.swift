import Records

/// EtherType values (IEEE registry) that lead to IP.
private enum EtherType {
    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86DD
    static let vlan: UInt16 = 0x8100
    static let serviceVLAN: UInt16 = 0x88A8
    /// Stacked tags before 802.1ad had a number of its own.
    static let oldStackedVLANs: ClosedRange<UInt16> = 0x9100...0x9300
    static let mpls: UInt16 = 0x8847
    static let mplsMulticast: UInt16 = 0x8848
    static let pppoeSession: UInt16 = 0x8864
    /// Below 0x0600 the field is the length of an 802.3 frame.
    static let lowest: UInt16 = 0x0600
}

/// More than any network stacks; a frame made only of tags ends the decoding here.
private let mostTags = 16

/// So many are read of what a packet socket sends.
private let mostRecordedTags = 2

extension DecodedFrame {
    mutating func decodeEthernet(_ frame: RawSpan, originalLength: Int) {
        guard frame.byteCount >= 14 else { return note(.linkHeaderCut, at: frame.byteCount) }
        let upper = frame.bigEndian(at: 0, as: UInt64.self)
        let lower = frame.bigEndian(at: 6, as: UInt64.self)
        destinationMAC = MACAddress(bits: upper >> 16)
        sourceMAC = MACAddress(bits: lower >> 16)
        decodeEtherType(UInt16(truncatingIfNeeded: lower), frame, at: 14, originalLength: originalLength)
    }

    /// Linux cooked capture: packet type, ARPHRD type, address length, address (8 bytes), protocol.
    mutating func decodeCooked(_ frame: RawSpan, originalLength: Int) {
        guard frame.byteCount >= 16 else { return note(.linkHeaderCut, at: frame.byteCount) }
        direction = Self.direction(ofPacketType: frame.bigEndian(at: 0, as: UInt16.self))
        let addressLength = frame.bigEndian(at: 4, as: UInt16.self)
        if addressLength == 6 { sourceMAC = MACAddress(bits: frame.bigEndian(at: 6, as: UInt64.self) >> 16) }
        guard Self.carriesEtherType(frame.bigEndian(at: 2, as: UInt16.self)) else { return }
        decodeEtherType(
            frame.bigEndian(at: 14, as: UInt16.self), frame, at: 16, originalLength: originalLength)
    }

    /// Linux cooked capture, version 2: protocol, reserved, interface index, ARPHRD type, packet type, address length,
    /// address (8 bytes).
    mutating func decodeCookedVersion2(_ frame: RawSpan, originalLength: Int) {
        guard frame.byteCount >= 20 else { return note(.linkHeaderCut, at: frame.byteCount) }
        interfaceIndex = frame.bigEndian(at: 4, as: UInt32.self)
        direction = Self.direction(ofPacketType: UInt16(frame.byte(at: 10)))
        if frame.byte(at: 11) == 6 { sourceMAC = MACAddress(bits: frame.bigEndian(at: 12, as: UInt64.self) >> 16) }
        guard Self.carriesEtherType(frame.bigEndian(at: 8, as: UInt16.self)) else { return }
        decodeEtherType(frame.bigEndian(at: 0, as: UInt16.self), frame, at: 20, originalLength: originalLength)
    }

    /// `sll_pkttype` (linux/if_packet.h): 4 is PACKET_OUTGOING; 0 to 3 came in, also those for another host.
    private static func direction(ofPacketType type: UInt16) -> Direction {
        type == 4 ? .egress : type < 4 ? .ingress : .unknown
    }

    /// The protocol field means something else for Frame Relay, 802.11 and netlink (linux/if_arp.h).
    private static func carriesEtherType(_ hardware: UInt16) -> Bool {
        switch hardware {
        case 770, 801, 802, 803, 824: false
        default: true
        }
    }

    /// The address family before the packet: of the capturing machine's system and, for LINKTYPE_NULL, byte order.
    mutating func decodeLoopback(_ frame: RawSpan, originalLength: Int) {
        guard frame.byteCount >= 4 else { return note(.linkHeaderCut, at: frame.byteCount) }
        let stored = frame.bigEndian(at: 0, as: UInt32.self)
        // No family is above 255, so the order in which the value is small is the right one.
        switch stored > 0xFF ? stored.byteSwapped : stored {
        case 2: decodeIPv4(frame, at: 4, originalLength: originalLength)
        // Linux 10, FreeBSD 28, Darwin 30, NetBSD and OpenBSD 24.
        case 10, 24, 28, 30: decodeIPv6(frame, at: 4, originalLength: originalLength)
        default: break
        }
    }

    /// Follows tags, labels and shims until an IP header comes.
    mutating func decodeEtherType(_ first: UInt16, _ frame: RawSpan, at start: Int, originalLength: Int) {
        var type = first
        var offset = start
        for tag in 0..<mostTags {
            switch type {
            case EtherType.ipv4: return decodeIPv4(frame, at: offset, originalLength: originalLength)
            case EtherType.ipv6: return decodeIPv6(frame, at: offset, originalLength: originalLength)
            case EtherType.vlan, EtherType.serviceVLAN, EtherType.oldStackedVLANs:
                guard frame.byteCount >= offset + 4 else { return note(.linkHeaderCut, at: frame.byteCount) }
                if tag == mostRecordedTags || EtherType.oldStackedVLANs.contains(type) { isBehindRareHeaders = true }
                type = frame.bigEndian(at: offset + 2, as: UInt16.self)
                offset += 4
            case EtherType.mpls, EtherType.mplsMulticast:
                return decodeMPLS(frame, at: offset, originalLength: originalLength)
            case EtherType.pppoeSession:
                return decodePPPoE(frame, at: offset, originalLength: originalLength)
            // Linux cooked captures say 4 for LLC, which is a length of 802.3 too.
            case ..<EtherType.lowest: return decodeLLC(frame, at: offset, originalLength: originalLength)
            default: return
            }
        }
        note(.tooManyHeaders, at: offset)
    }

    /// 802.2 LLC, with SNAP (RFC 1042) or with IP's own service access point 6.
    private mutating func decodeLLC(_ frame: RawSpan, at offset: Int, originalLength: Int) {
        isBehindRareHeaders = true
        guard frame.byteCount >= offset + 3 else { return note(.linkHeaderCut, at: frame.byteCount) }
        switch (frame.bigEndian(at: offset, as: UInt16.self), frame.byte(at: offset + 2)) {
        case (0x0606, 0x03): decodeIPv4(frame, at: offset + 3, originalLength: originalLength)
        case (0xAAAA, 0x03):
            guard frame.byteCount >= offset + 8 else { return note(.linkHeaderCut, at: frame.byteCount) }
            let organisation = frame.bigEndian(at: offset + 2, as: UInt32.self) & 0xFF_FFFF
            let type = frame.bigEndian(at: offset + 6, as: UInt16.self)
            // 00-00-F8 is Cisco's and Apple's bridge-tunnel encapsulation of EtherTypes. Only IP itself is followed:
            // tags inside SNAP could nest without end.
            guard organisation == 0 || organisation == 0xF8 else { return }
            if type == EtherType.ipv4 { decodeIPv4(frame, at: offset + 8, originalLength: originalLength) }
            if type == EtherType.ipv6 { decodeIPv6(frame, at: offset + 8, originalLength: originalLength) }
        default: break
        }
    }

    /// MPLS label stack (RFC 3032): what follows the bottom label is told by its first nibble.
    private mutating func decodeMPLS(_ frame: RawSpan, at start: Int, originalLength: Int) {
        isBehindRareHeaders = true
        var offset = start
        for _ in 0..<mostTags {
            guard frame.byteCount >= offset + 4 else { return note(.linkHeaderCut, at: frame.byteCount) }
            let isBottom = frame.byte(at: offset + 2) & 1 == 1
            offset += 4
            guard isBottom else { continue }
            guard frame.byteCount > offset else { return note(.linkHeaderCut, at: frame.byteCount) }
            switch frame.byte(at: offset) >> 4 {
            case 4: return decodeIPv4(frame, at: offset, originalLength: originalLength)
            case 6: return decodeIPv6(frame, at: offset, originalLength: originalLength)
            // A pseudowire or another payload: nothing to find.
            default: return
            }
        }
        note(.tooManyHeaders, at: offset)
    }

    /// PPPoE session (RFC 2516): version and type 0x11, code 0, session, length; then PPP.
    mutating func decodePPPoE(_ frame: RawSpan, at offset: Int, originalLength: Int) {
        isBehindRareHeaders = true
        guard frame.byteCount >= offset + 6 else { return note(.linkHeaderCut, at: frame.byteCount) }
        guard frame.bigEndian(at: offset, as: UInt16.self) == 0x1100 else { return }
        decodePPP(frame, at: offset + 6, originalLength: originalLength)
    }

    /// PPP (RFC 1661): address and control may be there or not, the protocol may be compressed to one byte.
    mutating func decodePPP(_ frame: RawSpan, at start: Int, originalLength: Int) {
        var offset = start
        if frame.bigEndian(at: offset, as: UInt16.self) == 0xFF03 { offset += 2 }
        // No protocol's number is 0xFF: that byte alone is the begin of an address and control pair.
        guard frame.byteCount > offset, frame.byteCount > offset + 1 || frame.byte(at: offset) != 0xFF else {
            return note(.linkHeaderCut, at: frame.byteCount)
        }
        var type = UInt16(frame.byte(at: offset))
        if type & 1 == 1 {
            offset += 1
        } else {
            guard frame.byteCount >= offset + 2 else { return note(.linkHeaderCut, at: frame.byteCount) }
            type = frame.bigEndian(at: offset, as: UInt16.self)
            offset += 2
        }
        switch type {
        case 0x0021: decodeIPv4(frame, at: offset, originalLength: originalLength)
        case 0x0057: decodeIPv6(frame, at: offset, originalLength: originalLength)
        case 0x0281, 0x0283: decodeMPLS(frame, at: offset, originalLength: originalLength)
        default: break
        }
    }
}
