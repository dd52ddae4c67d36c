import PacketDecoding
import Records

/// Bytes from hex digits, a string a field; blanks are free.
func hex(_ fields: String...) -> [UInt8] {
    let digits = fields.joined().utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func decode(_ frame: [UInt8], _ linkType: UInt16 = LinkType.ethernet, originalLength: Int? = nil) -> DecodedFrame {
    unsafe decodeFrame(frame.span.bytes, linkType: linkType, originalLength: originalLength ?? frame.count)
}

func decodePacket(_ bytes: [UInt8], originalLength: Int) -> IPPacket? {
    unsafe decodeIP(bytes.span.bytes, originalLength: originalLength)
}

/// Headers and packets that the suites put together.
enum Sample {
    static let ethernetAddresses = hex(
        "0053 0000 0002",  // destination
        "0053 0000 0001"  // source
    )

    static let payload = hex("1122 3344 5566 7788")

    static let udp =
        hex(
            "8CA3",  // source port 36003
            "0ACA",  // destination port 2762
            "0010",  // length 16
            "0000"  // no checksum
        ) + payload

    static let ipv4UDP =
        hex(
            "45",  // version 4, IHL 5
            "00",  // DSCP
            "0024",  // total length 36
            "1234",  // identification
            "4000",  // don't fragment
            "40",  // TTL 64
            "11",  // UDP
            "0000",  // checksum left to the card
            "C000 0201",  // 192.0.2.1
            "C633 6407"  // 198.51.100.7
        ) + udp

    static let ipv6UDP =
        ipv6Header(next: "11", length: "0010") + udp

    static func ipv6Header(next: String, length: String) -> [UInt8] {
        hex(
            "6000 0000",  // version 6, class, flow label
            length,  // payload length
            next,  // next header
            "40",  // hop limit 64
            "2001 0DB8 0000 0000 0000 0000 0000 0001",
            "2001 0DB8 0000 0000 0000 0000 0000 0002"
        )
    }

    /// An IPv4 header without options around `payload`, its total length right unless given.
    static func ipv4(
        _ transport: String, _ payload: [UInt8], totalLength: String? = nil, fragment: String = "0000"
    ) -> [UInt8] {
        let length = 20 + payload.count
        return hex("45", "00") + (totalLength.map { hex($0) } ?? [UInt8(length >> 8), UInt8(length & 0xFF)])
            + hex("1234", fragment, "40", transport, "0000", "C000 0201", "C633 6407") + payload
    }

    static func ethernet(_ type: String, _ payload: [UInt8]) -> [UInt8] { ethernetAddresses + hex(type) + payload }

    static let v4Source = IPAddress(v4: 0xC000_0201)
    static let v4Destination = IPAddress(v4: 0xC633_6407)
    static let v6Source = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 1)
    static let v6Destination = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 2)
}
