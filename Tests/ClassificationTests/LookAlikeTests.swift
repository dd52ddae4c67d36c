import Records
import Testing

@testable import Classification

/// Messages of 8 bytes, built from the public descriptions of their formats.
@Suite("Look-alikes")
struct LookAlikeTests {
    /// A format's messages: the ports, and payloads made of its fields.
    struct Format: CustomTestStringConvertible, Sendable {
        let name: String
        var ports: (UInt16, UInt16) = (40123, 40456)
        let payloads: [[UInt8]]
        var testDescription: String { name }
    }

    private static let words: [UInt32] = [0, 1, 0x1234_5678, 0x9C41_00A7, 0xFFFF_FFFF]

    private static func big(_ word: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
    }
    private static func big(_ half: UInt16) -> [UInt8] { [UInt8(half >> 8), UInt8(truncatingIfNeeded: half)] }
    private static func little(_ word: UInt32) -> [UInt8] { big(word).reversed() }

    static let formats: [Format] = [
        // Four bytes of 1, then a word of text.
        Format(
            name: "quake-connectionless", ports: (27960, 27500),
            payloads: ["ping", "info", "ack\n"].map { [0xFF, 0xFF, 0xFF, 0xFF] + Array($0.utf8) }),
        // Peer with the sent-time flag, time; ping with the acknowledge flag, channel 255, sequence.
        Format(
            name: "enet-ping",
            payloads: words.map {
                big(0x8000 | UInt16($0 & 0x3FFF)) + [0x12, 0x34, 0x85, 0xFF] + big(UInt16($0 >> 16))
            }),
        Format(
            name: "discord-ping", ports: (50123, 50007), payloads: words.map { [0x13, 0x37, 0xCA, 0xFE] + little($0) }),
        Format(
            name: "discord-pong", ports: (50007, 50123), payloads: words.map { [0x13, 0x37, 0xF0, 0x0D] + little($0) }),
        Format(
            name: "discord-counter", ports: (40123, 50007),
            payloads: [1, 2, 0x1234].map { little($0) + [0, 0, 0, 0] }),
        Format(name: "teamspeak-2", payloads: words.map { [0xF4, 0xBE, 0x03, 0x00] + big($0) }),
        Format(name: "teamspeak-ping", ports: (40123, 9987), payloads: [[0x91, 2, 3, 4, 5, 6, 7, 8]]),
        Format(name: "teamspeak-2-ping", ports: (8767, 40456), payloads: [[0x91, 2, 3, 4, 5, 6, 7, 8]]),
        Format(name: "line-call-keepalive", payloads: words.map { [0xB6, 0x07, 0x00, 0x04] + big($0) }),
        // Version 2, no blocks, type 201, one word more, SSRC.
        Format(name: "rtcp-empty-rr", payloads: words.map { [0x80, 0xC9, 0x00, 0x01] + big($0) }),
        Format(name: "rtcp-bye", payloads: words.map { [0x81, 0xCB, 0x00, 0x01] + big($0) }),
        Format(
            name: "rtcp-short",
            payloads: [[0x80, 0xC8, 0x00, 0x01, 1, 2, 3, 4], [0x9F, 0xCE, 0x00, 0x01, 1, 2, 3, 4]]),
        // Channel 4000 to 7FFF, length 4, data.
        Format(
            name: "turn-channel-data", ports: (3478, 50123),
            payloads: [0x4000, 0x4002, 0x4FFF, 0x7FFF].map {
                big(UInt16($0)) + [0x00, 0x04] + [0xDE, 0xAD, 0xBE, 0xEF]
            }),
        // Version 1, GTP, no optional fields; type; length 0; tunnel.
        Format(name: "gtpv1-echo", ports: (2152, 2152), payloads: words.map { [0x30, 0x01, 0x00, 0x00] + big($0) }),
        Format(
            name: "gtpv1-end-marker", ports: (2152, 2152), payloads: words.map { [0x30, 0xFE, 0x00, 0x00] + big($0) }),
        // Version 2, no tunnel; echo request; length 4; sequence and a spare byte.
        Format(
            name: "gtpv2-echo", ports: (2123, 2123),
            payloads: words.map { [0x40, 0x01, 0x00, 0x04] + big($0 & 0xFFFF_FF00) }),
        Format(name: "vxlan-bare", ports: (50123, 4789), payloads: words.map { [0x08, 0, 0, 0] + big($0 << 8) }),
        Format(
            name: "geneve-bare", ports: (50123, 6081),
            payloads: [0, 0x40, 0x80].flatMap { flags in words.map { [0, flags, 0x65, 0x58] + big($0 << 8) } }),
        Format(
            name: "geneve-bare-port", ports: (50123, 6081), payloads: words.map { [0, 0, 0x08, 0x00] + big($0 << 8) }),
        // Version 1, type, id, status, sequence, length 8.
        Format(
            name: "hart-ip", ports: (50123, 5094),
            payloads: [0, 1, 2, 3, 15].flatMap { type in (0...3).map { id in [1, type, id, 0, 0x12, 0x34, 0, 8] } }),
        // One TLV: type 2, length 4, node identifier.
        Format(name: "hncp-request", ports: (8231, 8231), payloads: words.map { [0, 2, 0, 4] + big($0) }),
        Format(name: "hncp-port", ports: (8231, 8231), payloads: [[0, 1, 0, 0, 0, 1, 0, 0]]),
        // Request, sequence 0 of 1, reserved.
        Format(
            name: "memcached-header", payloads: [0, 1, 0x1234, 0xFFFF].map { big(UInt16($0)) + [0, 0, 0, 1, 0, 0] }),
        Format(name: "memcached-port", ports: (11211, 50123), payloads: [[0x12, 0x34, 0, 2, 0, 3, 0, 0]]),
        Format(
            name: "statsd", ports: (50123, 8125),
            payloads: ["a.b:12|c", "req:1|c\n", "t:320|ms", "u:1.5|g\n", "u:1|ms\nx"].dropLast().map { Array($0.utf8) }),
        Format(name: "text-lines", payloads: ["PING 1\r\n", "stats\r\nq"].map { Array($0.utf8) }),
        Format(name: "text-padded", payloads: [Array("hello".utf8) + [0, 0, 0]]),
    ]

    @Test(arguments: formats)
    func recognised(format: Format) {
        for payload in format.payloads {
            let packet = Traffic.udp(
                Traffic.server, format.ports.0, Traffic.client(1), format.ports.1, payload: payload)
            let match = LookAlikes().match(packet)
            #expect(match.map { LookAlikes.catalogue[$0].name } == format.name, "\(payload)")
        }
    }

    @Test func everyFormatOfTheCatalogueIsTried() {
        let tried = Set(Self.formats.map(\.name))
        // "TS3INIT1" is text, which is against new mail without any format.
        #expect(Set(LookAlikes.catalogue.map(\.name)).subtracting(tried) == ["teamspeak-3-init"])
        let packet = Traffic.udp(Traffic.server, 1, Traffic.client(1), 2, payload: Array("TS3INIT1".utf8))
        #expect(LookAlikes().match(packet).map { LookAlikes.catalogue[$0].name } == "teamspeak-3-init")
    }

    /// The validators read no more of a rule than this.
    @Test func theStarterPackSaysNoMoreThanIsCompared() {
        for rule in StarterPack.rules {
            var compared = Rule(name: rule.name, description: rule.description, transports: .udp)
            compared.reference = rule.reference
            compared.payloadLength = 8...8
            compared.pattern = rule.pattern
            compared.eitherPorts = Array(rule.eitherPorts.prefix(1))
            #expect(rule == compared && rule.pattern.end <= 8, "\(rule.name)")
        }
    }

    /// What a burst to twenty unanswering clients would be `possible` for, were it not one of these.
    @Test(arguments: formats)
    func neverAboveShape(format: Format) {
        for payload in format.payloads {
            let packets = (1...20).map { client in
                Traffic.at(
                    Int64(client) * 1_000_000,
                    Traffic.udp(
                        Traffic.server, format.ports.0, Traffic.client(client), format.ports.1, payload: payload))
            }
            let tags = Traffic.tags(packets)
            #expect(tags.allSatisfy { ($0?.confidence ?? .shape) == .shape }, "\(payload)")
            #expect(tags.allSatisfy { $0?.reasons.contains { $0.hasPrefix("against it: ") } == true }, "\(payload)")
        }
    }

    /// Payloads that miss a format by a field, and clients' own contexts.
    @Test(
        arguments: [
            [0xFF, 0xFF, 0xFF, 0xFE, 0x70, 0x69, 0x6E, 0x67], [0xFF, 0xFF, 0xFF, 0xFF, 0x70, 0xE9, 0x6E, 0x67],
            [0x00, 0x01, 0x12, 0x34, 0x85, 0xFF, 0x00, 0x01], [0x80, 0x01, 0x12, 0x34, 0x84, 0xFF, 0x00, 0x01],
            [0x13, 0x37, 0xCA, 0xFF, 1, 0, 0, 0], [0x80, 0xC9, 0x00, 0x02, 1, 2, 3, 4],
            [0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4],
            [0x3F, 0xFF, 0x00, 0x04, 1, 2, 3, 4], [0x30, 0x01, 0x00, 0x04, 1, 2, 3, 4], [0x08, 0, 0, 0, 1, 2, 3, 4],
            [0x01, 0x00, 0x02, 0x00, 0x12, 0x34, 0x00, 0x09], [0x02, 0x00, 0x02, 0x00, 0x12, 0x34, 0x00, 0x08],
            [0x00, 0x02, 0x00, 0x05, 1, 2, 3, 4], [0x12, 0x34, 0, 1, 0, 1, 0, 0],
            [0x61, 0x3A, 0x31, 0x7C, 0x78, 0x80, 0x81, 0x82], [0x61, 0x62, 0x63, 0, 0, 0, 0, 0],
            Array("libmapi".utf8) + [1], Traffic.context, [0x9C, 0x41, 0x00, 0xA7, 0xE1, 0x00, 0x5F, 0xB2],
            [5, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func notRecognised(payload: [UInt8]) {
        let packet = Traffic.udp(Traffic.server, 36000, Traffic.client(1), 2500, payload: payload)
        #expect(LookAlikes().match(packet) == nil)
        let burst = (1...5).map { client in
            Traffic.at(
                Int64(client), Traffic.udp(Traffic.server, 36000, Traffic.client(client), 2500, payload: payload))
        }
        #expect(Set(Traffic.names(burst)) == ["newmail/possible"])
    }

    @Test func otherLengthsAndProtocolsAreNot() {
        let ping: [UInt8] = [0x13, 0x37, 0xCA, 0xFE, 1, 0, 0, 0]
        for length in [0, 4, 7, 9] {
            let payload = Array((ping + [0]).prefix(length))
            #expect(LookAlikes().match(Traffic.udp(Traffic.server, 1, Traffic.client(1), 2, payload: payload)) == nil)
        }
        #expect(LookAlikes().match(Traffic.echo(Traffic.server, Traffic.client(1), payload: ping)) == nil)
    }
}
