import PacketDecoding
import Records
import Testing

/// One way of wrapping the sample datagram.
struct Wrapping: Sendable, CustomTestStringConvertible {
    var name: String
    var linkType: UInt16
    var header: [UInt8]
    var isVersion6 = false
    var direction = Direction.unknown
    var interfaceIndex: UInt32 = 0
    var hasSourceMAC = false

    var testDescription: String { name }
    var frame: [UInt8] { header + (isVersion6 ? Sample.ipv6UDP : Sample.ipv4UDP) }

    static let addresses = Sample.ethernetAddresses

    /// Length, record type, DLT, an interface's name of 24 bytes, flags, and what is not looked at.
    static func pktap(_ linkType: UInt8, flags: UInt8) -> [UInt8] {
        let fields = hex("6C000000", "01000000") + [linkType, 0, 0, 0]
        return fields + [UInt8](repeating: 0, count: 24) + [flags] + [UInt8](repeating: 0, count: 71)
    }

    static let all: [Wrapping] = [
        Wrapping(name: "Ethernet", linkType: 1, header: addresses + hex("0800"), hasSourceMAC: true),
        Wrapping(
            name: "Ethernet, IPv6", linkType: 1, header: addresses + hex("86DD"), isVersion6: true, hasSourceMAC: true),
        Wrapping(name: "802.1Q", linkType: 1, header: addresses + hex("8100", "0005", "0800"), hasSourceMAC: true),
        Wrapping(
            name: "802.1ad around 802.1Q", linkType: 1,
            header: addresses + hex("88A8", "0007", "8100", "0005", "86DD"), isVersion6: true, hasSourceMAC: true),
        Wrapping(
            name: "QinQ under its old number", linkType: 1,
            header: addresses + hex("9100", "0007", "8100", "0005", "0800"),
            hasSourceMAC: true),
        Wrapping(
            name: "MPLS, two labels", linkType: 1,
            header: addresses + hex("8847", "0001 00 40", "0001 11 40"), hasSourceMAC: true),
        Wrapping(
            name: "MPLS multicast", linkType: 1, header: addresses + hex("8848", "0001 11 40"), isVersion6: true,
            hasSourceMAC: true),
        Wrapping(
            name: "PPPoE", linkType: 1,
            header: addresses + hex("8864", "11 00", "0001", "0026", "0021"), hasSourceMAC: true),
        Wrapping(
            name: "PPPoE inside a VLAN", linkType: 1,
            header: addresses + hex("8100", "0005", "8864", "11 00", "0001", "003A", "0057"), isVersion6: true,
            hasSourceMAC: true),
        Wrapping(
            name: "802.3 with LLC and SNAP", linkType: 1,
            header: addresses + hex("002C", "AA AA 03", "000000", "0800"), hasSourceMAC: true),
        Wrapping(
            name: "802.3 with SNAP, bridge-tunnel", linkType: 1,
            header: addresses + hex("0040", "AA AA 03", "0000F8", "86DD"), isVersion6: true, hasSourceMAC: true),
        Wrapping(
            name: "802.3 with IP's service access point", linkType: 1, header: addresses + hex("0027", "06 06 03"),
            hasSourceMAC: true),
        Wrapping(name: "raw", linkType: 101, header: []),
        Wrapping(name: "raw, IPv6", linkType: 101, header: [], isVersion6: true),
        Wrapping(name: "raw as DLT 12", linkType: 12, header: []),
        Wrapping(name: "raw as DLT 14", linkType: 14, header: [], isVersion6: true),
        Wrapping(name: "raw IPv4", linkType: 228, header: []),
        Wrapping(name: "raw IPv6", linkType: 229, header: [], isVersion6: true),
        Wrapping(name: "null, little-endian", linkType: 0, header: hex("0200 0000")),
        Wrapping(name: "null, big-endian", linkType: 0, header: hex("0000 0002")),
        Wrapping(name: "null, IPv6 of Linux", linkType: 0, header: hex("0A00 0000"), isVersion6: true),
        Wrapping(name: "null, IPv6 of OpenBSD", linkType: 0, header: hex("1800 0000"), isVersion6: true),
        Wrapping(name: "null, IPv6 of FreeBSD", linkType: 0, header: hex("1C00 0000"), isVersion6: true),
        Wrapping(name: "null, IPv6 of Darwin", linkType: 0, header: hex("1E00 0000"), isVersion6: true),
        Wrapping(name: "loop", linkType: 108, header: hex("0000 0018"), isVersion6: true),
        Wrapping(name: "PPP", linkType: 9, header: hex("FF 03", "0021")),
        Wrapping(name: "PPP without address and control", linkType: 9, header: hex("0057"), isVersion6: true),
        Wrapping(name: "PPP, compressed protocol", linkType: 50, header: hex("FF 03", "21")),
        Wrapping(name: "PPP, MPLS", linkType: 50, header: hex("FF 03", "0281", "0001 01 40")),
        Wrapping(
            name: "pktap around Ethernet, outgoing", linkType: 258,
            header: pktap(1, flags: 2) + addresses + hex("0800"),
            direction: .egress, hasSourceMAC: true),
        Wrapping(
            name: "pktap around raw, incoming", linkType: 258, header: pktap(12, flags: 1), isVersion6: true,
            direction: .ingress),
        Wrapping(name: "PPPoE alone", linkType: 51, header: hex("11 00", "0001", "0026", "0021")),
        Wrapping(
            name: "SLL, outgoing", linkType: 113,
            header: hex("0004", "0001", "0006", "0053 0000 0001 0000", "0800"), direction: .egress, hasSourceMAC: true),
        Wrapping(
            name: "SLL, to this host, no address", linkType: 113,
            header: hex("0000", "FFFE", "0000", "0000 0000 0000 0000", "86DD"), isVersion6: true, direction: .ingress),
        Wrapping(
            name: "SLL, LLC with SNAP", linkType: 113,
            header: hex("0003", "0001", "0006", "0053 0000 0001 0000", "0004", "AA AA 03", "000000", "0800"),
            direction: .ingress, hasSourceMAC: true),
        Wrapping(
            name: "SLL2, outgoing", linkType: 276,
            header: hex("0800", "0000", "0000 0007", "0001", "04", "06", "0053 0000 0001 0000"), direction: .egress,
            interfaceIndex: 7, hasSourceMAC: true),
        Wrapping(
            name: "SLL2, multicast, VLAN tag put back by libpcap", linkType: 276,
            header: hex("8100", "0000", "0000 0107", "0001", "02", "06", "0053 0000 0001 0000", "0005", "86DD"),
            isVersion6: true, direction: .ingress, interfaceIndex: 263, hasSourceMAC: true),
        Wrapping(
            name: "SLL2, packet type of the future", linkType: 276,
            header: hex("0800", "0000", "0000 0001", "0304", "07", "00", "0000 0000 0000 0000"), interfaceIndex: 1),
    ]
}

@Suite("Link layers")
struct LinkLayerTests {
    @Test(arguments: Wrapping.all)
    func findsTheDatagram(in wrapping: Wrapping) throws {
        let decoded = decode(wrapping.frame, wrapping.linkType)
        let ip = try #require(decoded.ip)
        #expect(ip.source == (wrapping.isVersion6 ? Sample.v6Source : Sample.v4Source))
        #expect(ip.destination == (wrapping.isVersion6 ? Sample.v6Destination : Sample.v4Destination))
        #expect(ip.sourcePort == 36003)
        #expect(ip.destinationPort == 2762)
        #expect(ip.payloadLength == 8)
        #expect(ip.payloadPrefix == PayloadPrefix(Sample.payload))
        #expect(decoded.problem == nil)
        #expect(decoded.networkOffset == wrapping.header.count)
        #expect(decoded.transportOffset == wrapping.header.count + (wrapping.isVersion6 ? 40 : 20))
        #expect(decoded.payloadOffset == decoded.transportOffset + 8)
        #expect(decoded.payloadCaptured == 8)
        let isRare = ["MPLS", "PPPoE", "802.3", "LLC", "old number"].contains { wrapping.name.contains($0) }
        #expect(decoded.isBehindRareHeaders == isRare)
        #expect(decoded.direction == wrapping.direction)
        #expect(decoded.interfaceIndex == wrapping.interfaceIndex)
        #expect(decoded.sourceMAC == (wrapping.hasSourceMAC ? MACAddress(bits: 0x0053_0000_0001) : nil))
        let isEthernet = wrapping.linkType == LinkType.ethernet || wrapping.name.contains("around Ethernet")
        #expect(decoded.destinationMAC == (isEthernet ? MACAddress(bits: 0x0053_0000_0002) : nil))
    }

    @Test("A third VLAN tag hides a packet socket's packet", arguments: 0...5)
    func vlanTags(count: Int) {
        let tags = Array(repeatElement(hex("8100", "0005"), count: count).joined())
        let frame = Wrapping.addresses + tags + hex("0800") + Sample.ipv4UDP
        #expect(decode(frame, LinkType.ethernet).isBehindRareHeaders == (count > 2))
    }

    /// Cut after each byte: never more than is there, and within the link layer's headers a problem is named.
    @Test(arguments: Wrapping.all)
    func cutAnywhereKeepsWhatIsReadable(in wrapping: Wrapping) {
        let whole = decode(wrapping.frame, wrapping.linkType)
        let fixedHeader = wrapping.isVersion6 ? 40 : 20
        for length in 0..<wrapping.frame.count {
            let cut = decode(
                Array(wrapping.frame.prefix(length)), wrapping.linkType, originalLength: wrapping.frame.count)
            let hasAddresses = length >= wrapping.header.count + fixedHeader
            #expect((cut.ip != nil) == hasAddresses, "cut to \(length)")
            #expect(cut.ip?.isTruncated ?? true == (length < whole.payloadOffset), "cut to \(length)")
            #expect((cut.problem != nil) == (length < whole.payloadOffset), "cut to \(length)")
            #expect(cut.payloadCaptured == max(0, length - whole.payloadOffset))
            if hasAddresses {
                #expect(cut.ip?.payloadLength == 8)
                #expect(cut.ip?.payloadPrefix == PayloadPrefix(Sample.payload.prefix(cut.payloadCaptured)))
            }
        }
    }

    @Test(arguments: [
        ("ARP", UInt16(1), Sample.ethernet("0806", hex("0001 0800 0604 0001"))),
        ("PPPoE discovery", 1, Sample.ethernet("8863", hex("11 09 0000 0004"))),
        ("PPPoE with another code", 1, Sample.ethernet("8864", hex("11 A7 0001 0000"))),
        ("spanning tree over LLC", 1, Sample.ethernet("0026", hex("42 42 03 0000 00"))),
        ("SNAP of another organisation", 1, Sample.ethernet("0026", hex("AA AA 03 00000C 2000 0000"))),
        ("MPLS pseudowire", 1, Sample.ethernet("8847", hex("0001 11 40 0000 0000"))),
        ("PPP link control", 9, hex("FF 03 C021 01 00 0004")),
        ("unknown family", 0, hex("0700 0000 0000")),
        (
            "netlink in a cooked capture", 113,
            hex("0004", "0338", "0000", "0000 0000 0000 0000", "0800") + Sample.ipv4UDP
        ),
        (
            "802.11 in a cooked capture", 276,
            hex("0800", "0000", "0000 0001", "0323", "04", "00", "0000 0000 0000 0000") + Sample.ipv4UDP
        ),
    ])
    func otherProtocolsAreNoProblem(name: String, linkType: UInt16, frame: [UInt8]) {
        let decoded = decode(frame, linkType)
        #expect(decoded.ip == nil)
        #expect(decoded.problem == nil)
    }

    @Test(arguments: [
        ("Ethernet announces IPv4", UInt16(1), Sample.ethernet("0800", Sample.ipv6UDP), 14),
        ("Ethernet announces IPv6", 1, Sample.ethernet("86DD", Sample.ipv4UDP + hex("0000 0000")), 14),
        ("raw, version 5", 101, hex("55") + Array(Sample.ipv4UDP.dropFirst()), 0),
        ("raw IPv4 with version 6", 228, Sample.ipv6UDP, 0),
    ])
    func wrongVersionIsNamed(name: String, linkType: UInt16, frame: [UInt8], offset: Int) {
        let decoded = decode(frame, linkType)
        #expect(decoded.ip == nil)
        #expect(decoded.problem == DecodingProblem(kind: .wrongVersion, offset: offset))
    }

    @Test func endlessTagsAndLabelsStop() {
        let tags = Sample.ethernetAddresses + Array([[UInt8]](repeating: hex("8100 0001"), count: 300).joined())
        #expect(decode(tags).problem?.kind == .tooManyHeaders)
        let labels = Sample.ethernet("8847", Array([[UInt8]](repeating: hex("0001 00 40"), count: 300).joined()))
        #expect(decode(labels).problem?.kind == .tooManyHeaders)
    }

    @Test func unknownLinkTypeIsNamed() {
        let decoded = decode(Sample.ipv4UDP, 147)
        #expect(decoded.ip == nil)
        #expect(decoded.problem == DecodingProblem(kind: .unsupportedLinkType, offset: 0))
        #expect(!LinkType.isSupported(147))
        #expect(LinkType.name(of: 147) == "link type 147")
    }

    @Test func supportedLinkTypesAreThoseThatDecode() {
        let decoding = Set((0...UInt16.max).filter { decode([], $0).problem?.kind != .unsupportedLinkType })
        #expect(decoding == Set((0...UInt16.max).filter(LinkType.isSupported)))
        #expect(LinkType.name(of: 276) == "LINKTYPE_LINUX_SLL2")
    }

    @Test(arguments: DecodingProblem.Kind.allCases)
    func problemsAreSentencesWithTheirPlace(kind: DecodingProblem.Kind) {
        let text = DecodingProblem(kind: kind, offset: 1009).description
        #expect(text.hasSuffix(" (byte 1009)"))
        #expect(text.count > 24)
    }
}
