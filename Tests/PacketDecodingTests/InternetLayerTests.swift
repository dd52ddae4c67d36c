import PacketDecoding
import Records
import Testing

@Suite("IPv4 and IPv6 headers")
struct InternetLayerTests {
    @Test func readsEveryFieldOfIPv4() throws {
        let ip = try #require(decodePacket(Sample.ipv4UDP, originalLength: 36))
        var expected = IPPacket(source: Sample.v4Source, destination: Sample.v4Destination, transport: .udp)
        expected.dontFragment = true
        expected.identification = 0x1234
        expected.totalLength = 36
        expected.hopLimit = 64
        expected.sourcePort = 36003
        expected.destinationPort = 2762
        expected.udpLength = 16
        expected.payloadLength = 8
        expected.payloadPrefix = PayloadPrefix(Sample.payload)
        #expect(ip == expected)
    }

    @Test func readsEveryFieldOfIPv6() throws {
        let ip = try #require(decodePacket(Sample.ipv6UDP, originalLength: 56))
        var expected = IPPacket(source: Sample.v6Source, destination: Sample.v6Destination, transport: .udp)
        expected.totalLength = 56
        expected.hopLimit = 64
        expected.sourcePort = 36003
        expected.destinationPort = 2762
        expected.udpLength = 16
        expected.payloadLength = 8
        expected.payloadPrefix = PayloadPrefix(Sample.payload)
        #expect(ip == expected)
    }

    @Test func skipsIPv4Options() throws {
        let packet =
            hex(
                "46",  // IHL 6: one word of options
                "00", "0028", "1234", "0000", "40", "11", "0000", "C000 0201", "C633 6407",
                "94 04 0000"  // router alert
            ) + Sample.udp
        let decoded = decode(packet, LinkType.raw)
        #expect(decoded.ip?.sourcePort == 36003)
        #expect(decoded.ip?.payloadLength == 8)
        #expect(decoded.payloadOffset == 32)
    }

    @Test func skipsAuthenticationHeaderInIPv4() {
        let packet = Sample.ipv4(
            "33",
            hex(
                "11",  // next header UDP
                "04",  // (4 + 2) words
                "0000", "0000 0001", "0000 0001", "0000 0000 0000 0000 0000 0000"
            ) + Sample.udp)
        let decoded = decode(packet, LinkType.raw)
        #expect(decoded.ip?.transport == .udp)
        #expect(decoded.ip?.destinationPort == 2762)
        #expect(decoded.payloadOffset == 20 + 24 + 8)
    }

    @Test(arguments: [
        // protocol, version 6, expected
        (UInt8(17), false, IPPacket.Transport.udp), (6, false, .tcp), (1, false, .icmp), (58, false, .other),
        (136, false, .other), (50, false, .other), (17, true, .udp), (6, true, .tcp), (58, true, .icmpv6),
        (1, true, .other), (136, true, .other), (59, true, .other),
    ])
    func namesTheTransport(number: UInt8, isVersion6: Bool, expected: IPPacket.Transport) {
        var packet = isVersion6 ? Sample.ipv6UDP : Sample.ipv4UDP
        packet[isVersion6 ? 6 : 9] = number
        let ip = decode(packet, LinkType.raw).ip
        #expect(ip?.transport == expected)
        if expected == .other { #expect(ip?.payloadLength == 16) }
    }

    // MARK: Fragments

    @Test func firstFragmentHasPorts() {
        var udp = Sample.udp
        udp[4...5] = [0x0B, 0xB8]  // the whole datagram: 3000
        let ip = decode(Sample.ipv4("11", udp, fragment: "2000"), LinkType.raw).ip
        #expect(ip?.isFragment == true)
        #expect(ip?.moreFragments == true)
        #expect(ip?.fragmentOffset == 0)
        #expect(ip?.sourcePort == 36003)
        #expect(ip?.udpLength == 3000)
        #expect(ip?.payloadLength == 8)
    }

    @Test func firstFragmentStatesTheWholeLengthWithoutProblem() {
        var udp = Sample.udp
        udp[4...5] = [0x0B, 0xB8]
        #expect(decode(Sample.ipv4("11", udp, fragment: "2000"), LinkType.raw).problem == nil)
        #expect(decode(Sample.ipv4("11", udp), LinkType.raw).problem?.kind == .wrongUDPLength)
    }

    @Test func laterFragmentHasPayloadOnly() {
        let decoded = decode(Sample.ipv4("11", Sample.udp, fragment: "00B9"), LinkType.raw)
        #expect(decoded.ip?.transport == .udp)
        #expect(decoded.ip?.isFragment == true)
        #expect(decoded.ip?.moreFragments == false)
        #expect(decoded.ip?.fragmentOffset == 1480)
        #expect(decoded.ip?.sourcePort == 0)
        #expect(decoded.ip?.destinationPort == 0)
        #expect(decoded.ip?.udpLength == 0)
        #expect(decoded.ip?.payloadLength == 16)
        #expect(decoded.ip?.payloadPrefix == PayloadPrefix(Sample.udp))
        #expect(decoded.payloadOffset == 20)
        #expect(decoded.problem == nil)
    }

    @Test(arguments: [
        // offset and flag, offset in bytes, more, ports
        ("0001", UInt16(0), true, true), ("05A9", 1448, true, false), ("0B50", 2896, false, false),
        // An atomic fragment (RFC 6946) is the whole datagram.
        ("0000", 0, false, true),
    ])
    func readsFragmentHeader(field: String, offset: UInt16, more: Bool, hasPorts: Bool) {
        let packet =
            Sample.ipv6Header(next: "2C", length: "0018")
            + hex(
                "11",  // next header UDP
                "00",  // reserved
                field,  // offset and the more-fragments flag
                "DEAD BEEF"  // identification
            ) + Sample.udp
        let ip = decode(packet, LinkType.raw).ip
        #expect(ip?.transport == .udp)
        #expect(ip?.identification == 0xDEAD_BEEF)
        #expect(ip?.fragmentOffset == offset)
        #expect(ip?.moreFragments == more)
        #expect(ip?.isFragment == (offset > 0 || more))
        #expect(ip?.sourcePort == (hasPorts ? 36003 : 0))
        #expect(ip?.payloadLength == (hasPorts ? 8 : 16))
    }

    // MARK: Extension headers

    static let extensions: [(String, String, [UInt8])] = [
        ("hop-by-hop", "00", hex("11", "00", "05 02 0000 01 00")),
        ("routing", "2B", hex("11", "02", "04 00 0000 0000", "2001 0DB8 0000 0000 0000 0000 0000 0009")),
        ("destination options", "3C", hex("11", "00", "01 04 0000 0000")),
        ("authentication", "33", hex("11", "04", "0000", "0000 0001 0000 0001", "0000 0000 0000 0000 0000 0000")),
        ("mobility", "87", hex("11", "00", "0000 0000 0000")),
        (
            "hop-by-hop, destination options, routing, fragment", "00",
            hex("3C", "00", "05 02 0000 01 00") + hex("2B", "00", "01 04 0000 0000")
                + hex("2C", "00", "04 00 0000 0000") + hex("11", "00", "0000", "0000 0001")
        ),
    ]

    @Test(arguments: extensions)
    func skipsExtensionHeaders(name: String, first: String, headers: [UInt8]) {
        let length = String(headers.count + 16, radix: 16)
        let padded = String(repeating: "0", count: 4 - length.count) + length
        let packet = Sample.ipv6Header(next: first, length: padded) + headers + Sample.udp
        let decoded = decode(packet, LinkType.raw)
        #expect(decoded.ip?.transport == .udp)
        #expect(decoded.ip?.destinationPort == 2762)
        #expect(decoded.ip?.payloadLength == 8)
        #expect(decoded.transportOffset == 40 + headers.count)
        #expect(decoded.problem == nil)

        // Cut within the extension headers: the addresses stay, the transport may be unknown, nothing is invented.
        for length in 40..<40 + headers.count {
            let cut = decode(Array(packet.prefix(length)), LinkType.raw, originalLength: packet.count)
            #expect(cut.ip?.isTruncated == true, "cut to \(length)")
            #expect(cut.ip?.source == Sample.v6Source)
            #expect(cut.ip?.destinationPort == 0)
            #expect(cut.problem != nil)
        }
    }

    @Test(
        "Headers of which a record has no room, or that are not followed, hide a packet socket's packet",
        arguments: [
            ("3C", 4, false), ("3C", 5, true), ("3C", 9, true), ("8B", 1, true), ("8C", 1, true), ("87", 1, false),
        ])
    func rareExtensionHeaders(first: String, count: Int, isRare: Bool) {
        let headers = (1...count).flatMap { hex($0 == count ? "11" : first, "00", "01 04 0000 0000") }
        let length = String(headers.count + 16, radix: 16)
        let padded = String(repeating: "0", count: 4 - length.count) + length
        let decoded = decode(Sample.ipv6Header(next: first, length: padded) + headers + Sample.udp, LinkType.raw)
        #expect(decoded.ip?.transport == .udp)
        #expect(decoded.isBehindRareHeaders == isRare)
    }

    @Test func authenticatedIPv4LeavesNoRecord() {
        let header = hex("11", "04", "0000", "0000 0001 0000 0001", "0000 0000 0000 0000 0000 0000")
        let decoded = decode(Sample.ipv4("33", header + Sample.udp), LinkType.raw)
        #expect(decoded.ip?.transport == .udp && decoded.isBehindRareHeaders)
        #expect(!decode(Sample.ipv4UDP, LinkType.raw).isBehindRareHeaders)
    }

    @Test func endlessExtensionHeadersStop() {
        let headers = Array([[UInt8]](repeating: hex("3C 00 01 04 0000 0000"), count: 100).joined())
        let decoded = decode(Sample.ipv6Header(next: "3C", length: "0320") + headers, LinkType.raw)
        #expect(decoded.problem?.kind == .tooManyHeaders)
        #expect(decoded.ip?.transport == .other)
        #expect(decoded.ip?.isTruncated == true)
    }

    // MARK: Wrong lengths

    @Test func headerLengthBelowFiveWords() {
        var packet = Sample.ipv4UDP
        packet[0] = 0x44
        let decoded = decode(packet, LinkType.raw)
        #expect(decoded.problem == DecodingProblem(kind: .wrongHeaderLength, offset: 0))
        #expect(decoded.ip?.source == Sample.v4Source)
        #expect(decoded.ip?.transport == .udp)
        #expect(decoded.ip?.isTruncated == true)
        #expect(decoded.ip?.sourcePort == 0)
        #expect(decoded.ip?.payloadLength == 0)
    }

    @Test(arguments: ["0013", "0001", "0000"])
    func totalLengthBelowHeader(length: String) {
        // A frame as short as Ethernet's minimum: what lies behind the header may be padding.
        let decoded = decode(Sample.ethernet("0800", Sample.ipv4("11", Sample.udp, totalLength: length)))
        #expect(decoded.problem == DecodingProblem(kind: .lengthBelowHeader, offset: 16))
        #expect(decoded.ip?.isTruncated == true)
        #expect(decoded.ip?.payloadLength == 0)
        #expect(decoded.payloadCaptured == 0)
    }

    @Test func totalLengthBeyondFrame() {
        let decoded = decode(Sample.ipv4("11", Sample.udp, totalLength: "05DC"), LinkType.raw)
        #expect(decoded.problem == DecodingProblem(kind: .lengthBeyondFrame, offset: 2))
        #expect(decoded.ip?.totalLength == 1500)
        #expect(decoded.ip?.payloadLength == 1472)
        #expect(decoded.ip?.sourcePort == 36003)
        #expect(decoded.payloadCaptured == 8)

        let v6 = decode(Sample.ipv6Header(next: "11", length: "0578") + Sample.udp, LinkType.raw)
        #expect(v6.problem == DecodingProblem(kind: .lengthBeyondFrame, offset: 4))
        #expect(v6.ip?.totalLength == 1440)
    }

    @Test func cutFrameIsNoContradiction() {
        let cut = decode(Sample.ipv4("11", Sample.udp, totalLength: "05DC"), LinkType.raw, originalLength: 1500)
        #expect(cut.problem == nil)
        #expect(cut.ip?.isTruncated == false)
        #expect(cut.ip?.payloadLength == 1472)
        #expect(cut.payloadCaptured == 8)
    }

    @Test func paddingIsNeverPayload() {
        let padding = [UInt8](repeating: 0xEE, count: 10)
        for packet in [Sample.ethernet("0800", Sample.ipv4UDP), Sample.ethernet("86DD", Sample.ipv6UDP)] {
            let decoded = decode(packet + padding)
            #expect(decoded.ip?.payloadLength == 8)
            #expect(decoded.ip?.payloadPrefix == PayloadPrefix(Sample.payload))
            #expect(decoded.payloadCaptured == 8)
            #expect(decoded.problem == nil)
        }
        // A packet that ends within the UDP header: the padding behind it is no header either.
        let short = decode(Sample.ethernet("0800", Sample.ipv4("11", hex("8CA3 0ACA"))) + padding)
        #expect(short.ip?.sourcePort == 36003)
        #expect(short.ip?.udpLength == 0)
        #expect(short.ip?.isTruncated == true)
        #expect(short.problem?.kind == .transportHeaderCut)
    }

    @Test func zeroLengthBeforeSegmentationTakesTheFrames() {
        let payload = [UInt8](repeating: 0x5A, count: 100)
        let v4 = decode(Sample.ethernet("0800", Sample.ipv4("11", Sample.udp + payload, totalLength: "0000")))
        #expect(v4.ip?.totalLength == 136)
        #expect(v4.ip?.payloadLength == 108)
        let large = decode(
            Sample.ethernet("0800", Sample.ipv4("06", Sample.udp + payload, totalLength: "0000")),
            originalLength: 100_014)
        #expect(large.ip?.totalLength == 100_000)

        let v6 = decode(
            Sample.ipv6Header(next: "11", length: "0000") + Sample.udp + payload, LinkType.raw, originalLength: 90_040)
        #expect(v6.ip?.totalLength == 90_040)
        #expect(v6.ip?.payloadLength == 89_992)
    }

    @Test func jumboOptionGivesTheLength() {
        let packet =
            Sample.ipv6Header(next: "00", length: "0000")
            + hex(
                "11", "00",  // next header UDP, 8 bytes
                "C2 04",  // jumbo payload
                "0001 3880"  // 80,000
            ) + Sample.udp
        let ip = decode(packet, LinkType.raw, originalLength: 80_040).ip
        #expect(ip?.totalLength == 80_040)
        #expect(ip?.payloadLength == 79_984)
        #expect(ip?.sourcePort == 36003)
    }

    @Test func noNextHeaderHasNoPayload() {
        let ip = decode(Sample.ipv6Header(next: "3B", length: "0000"), LinkType.raw).ip
        #expect(ip?.totalLength == 40)
        #expect(ip?.payloadLength == 0)
        #expect(ip?.transport == .other)
    }

    @Test(arguments: [[], hex("45"), hex("60"), hex("00") + Sample.ipv4UDP, Array(Sample.ipv6UDP.prefix(39))])
    func noPacketWithoutItsFixedHeader(bytes: [UInt8]) {
        #expect(decodePacket(bytes, originalLength: 1500) == nil)
    }

    @Test func originalLengthBelowTheCapturedIsIgnored() {
        for length in [0, -1, Int.min] {
            #expect(decode(Sample.ipv4UDP, LinkType.raw, originalLength: length).problem == nil)
        }
        #expect(decode(Sample.ipv4UDP, LinkType.raw, originalLength: .max).ip?.payloadLength == 8)
    }
}
