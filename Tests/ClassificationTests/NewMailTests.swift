import Records
import Testing

@testable import Classification

@Suite("New mail")
struct NewMailTests {
    private static let shape = "newmail/shape"
    private static let possible = "newmail/possible"
    private static let probable = "newmail/probable"

    /// Datagrams from `source` to clients 1, 2, … with rising source ports, `spacing` ns apart.
    private static func burst(
        _ count: Int, version: IPAddress.Version = .v4, spacing: Int64 = 1_000_000, from offset: Int64 = 0,
        payload: [UInt8] = Traffic.context
    ) -> [PacketRecord] {
        let source = version == .v4 ? Traffic.server : Traffic.serverV6
        return (0..<count).map { index in
            Traffic.at(
                offset + Int64(index) * spacing,
                Traffic.udp(
                    source, 36000 + UInt16(index), Traffic.client(index + 1, version), 2000 + UInt16(index),
                    payload: payload))
        }
    }

    @Test(
        arguments: [
            (0, 1024, "-"), (7, 1024, "-"), (8, 1024, shape), (9, 1024, "-"), (8, 1023, "-"), (8, 65535, shape),
            (8, 53, "-"),
        ] as [(Int, UInt16, String)])
    func form(length: Int, port: UInt16, tag: String) {
        let packet = Traffic.udp(
            Traffic.server, 36000, Traffic.client(1), port, payload: Array(repeating: 0x91, count: length))
        #expect(Traffic.names([Traffic.at(0, packet)]) == [tag])
    }

    @Test func ofAFragmentTheWholeDatagramCounts() {
        var first = Traffic.udp(Traffic.server, 1, Traffic.client(1), 2000, payload: Traffic.context)
        first.isFragment = true
        first.moreFragments = true
        var wholeIsLarger = first
        wholeIsLarger.udpLength = 1000
        var later = first
        later.fragmentOffset = 8
        later.payloadLength = 8
        later.udpLength = 0
        var cut = Traffic.udp(Traffic.server, 1, Traffic.client(1), 2000)
        cut.isTruncated = true
        #expect(
            Traffic.names([first, wholeIsLarger, later, cut].map { Traffic.at(0, $0) }) == [Self.shape, "-", "-", "-"])
    }

    @Test(arguments: [(4, shape), (5, possible), (15, possible), (40, possible)], [IPAddress.Version.v4, .v6])
    func bursts(expected: (count: Int, tag: String), version: IPAddress.Version) {
        let names = Traffic.names(Self.burst(expected.count, version: version))
        #expect(names == Array(repeating: expected.tag, count: expected.count))
    }

    @Test(arguments: [(5, "5 destinations"), (15, "15 destinations"), (16, "16 or more"), (40, "16 or more")])
    func burstReasonsHaveFigures(count: Int, figure: String) throws {
        let tag = try #require(Traffic.tags(Self.burst(count))[0])
        #expect(tag.reasons.contains { $0.contains(figure) }, "\(tag.reasons)")
        #expect(tag.reasons.allSatisfy { $0.utf8.count >= 8 })
    }

    /// Five datagrams `spacing` apart: the first sees the fifth at 4 × spacing, the middle one both ends at 2 × spacing.
    @Test(
        arguments: [
            (250_000_000, [possible, possible, possible, possible, possible]),
            (250_000_001, [shape, possible, possible, possible, shape]),
            (500_000_000, [shape, shape, possible, shape, shape]),
            (500_000_001, [shape, shape, shape, shape, shape]),
        ] as [(Int64, [String])])
    func windowReachesOneSecondBothWays(spacing: Int64, tags: [String]) {
        #expect(Traffic.names(Self.burst(5, spacing: spacing)) == tags)
    }

    @Test func oneDestinationManyTimesIsNoBurst() {
        let packets = (0..<20).map { index in
            Traffic.at(Int64(index), Traffic.udp(Traffic.server, 36000 + UInt16(index), Traffic.client(1), 2500))
        }
        #expect(Set(Traffic.names(packets)) == [Self.shape])
    }

    @Test func portsOfOneAddressAreDestinationsOfTheirOwn() {
        let packets = (0..<5).map { index in
            Traffic.at(Int64(index), Traffic.udp(Traffic.server, 36000, Traffic.client(1), 2500 + UInt16(index)))
        }
        #expect(Set(Traffic.names(packets)) == [Self.possible])
    }

    @Test func otherSourcesDoNotHelp() {
        let packets = (0..<5).map { index in
            Traffic.at(
                Int64(index),
                Traffic.udp(IPAddress(v4: 0xC000_0201 + UInt32(index % 2)), 36000, Traffic.client(index + 1), 2500))
        }
        #expect(Set(Traffic.names(packets)) == [Self.shape])
    }

    /// A reply from client 1 to the first of 5 or 6 datagrams, `offset` after it.
    @Test(
        arguments: [
            (5, -10, [shape, shape, shape, shape, shape]),  // a request that came before: the datagram is the answer
            (6, -10, [shape, possible, possible, possible, possible, possible]),
            (6, 10, [shape, possible, possible, possible, possible, possible]),
            (5, Traffic.second, [shape, shape, shape, shape, shape]),
            // Too late for the first, whose line is out.
            (5, Traffic.second + 1, [possible, shape, shape, shape, shape]),
        ] as [(Int, Int64, [String])])
    func replies(count: Int, offset: Int64, tags: [String]) {
        let reply = Traffic.at(
            offset, Traffic.udp(Traffic.client(1), 2000, Traffic.server, 36000, payload: Array(repeating: 1, count: 60))
        )
        let end = Traffic.at(5 * Traffic.second, Traffic.tcp(Traffic.server, Traffic.client(1), port: 80))
        let packets = (Self.burst(count, spacing: 1) + [reply, end]).sorted { $0.time < $1.time }
        let names = zip(packets, Traffic.names(packets)).filter {
            $0.0.ip.source == Traffic.server && $0.0.ip.transport == .udp
        }
        #expect(names.map(\.1) == tags)
    }

    @Test func aReplyOnOtherPortsOrOfAnotherKindIsNone() {
        var unreachable = Traffic.echo(Traffic.client(1), Traffic.server, payload: [0x45], type: 3)
        unreachable.icmpCode = 3
        let others = [
            Traffic.at(100, Traffic.udp(Traffic.client(1), 2001, Traffic.server, 36000)),
            Traffic.at(101, Traffic.udp(Traffic.client(1), 2000, Traffic.server, 36001)),
            Traffic.at(102, unreachable),
        ]
        let names = Traffic.names(Self.burst(5, spacing: 1) + others)
        #expect(names.prefix(5).allSatisfy { $0 == Self.possible }, "\(names)")
    }

    @Test func aServerThatAnswersManyClientsIsNoNotifier() {
        let packets = (0..<20).flatMap { index in
            [
                Traffic.at(
                    Int64(2 * index),
                    Traffic.udp(Traffic.client(index), 40000, Traffic.server, 27015, payload: [1, 2, 3])),
                Traffic.at(Int64(2 * index + 1), Traffic.udp(Traffic.server, 27015, Traffic.client(index), 40000)),
            ]
        }
        #expect(Set(Traffic.names(packets)) == ["-", Self.shape])
    }

    @Test func aPollerWithNewPortsWhoseLastRoundIsUnansweredYetIsNoNotifier() {
        var packets: [PacketRecord] = []
        for round in 0..<4 {
            for server in 1...6 {
                let port = 40000 + UInt16(round * 10 + server)
                let time = Int64(round) * 300_000_000 + Int64(server) * 1000
                packets.append(Traffic.at(time, Traffic.udp(Traffic.server, port, Traffic.client(server), 5094)))
                // The sixth is down, and the last round's answers are not in the capture.
                guard server < 6, round < 3 else { continue }
                packets.append(
                    Traffic.at(time + 400, Traffic.udp(Traffic.client(server), 5094, Traffic.server, port)))
            }
        }
        #expect(!Traffic.names(packets).contains(Self.possible))
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 0, 0, 0, 0], shape),
            (Array("GET / HT".utf8), shape),
            (Array("libmapi".utf8) + [0x01], possible),
            ([0, 0, 0, 0, 0, 0, 0, 1], possible),
        ] as [([UInt8], String)])
    func payloads(payload: [UInt8], tag: String) {
        #expect(Set(Traffic.names(Self.burst(6, payload: payload))) == [tag])
    }

    @Test(arguments: [
        IPAddress(v4: 0xE000_00FB), IPAddress(v4: 0xFFFF_FFFF), IPAddress(v6High: 0xFF02_0000_0000_0000, low: 0xFB),
    ])
    func groupsAreNoClients(group: IPAddress) {
        let source = group.version == .v4 ? Traffic.server : Traffic.serverV6
        let packets = (0..<6).map { index in
            Traffic.at(Int64(index), Traffic.udp(source, 36000, group, 5353 + UInt16(index)))
        }
        #expect(Set(Traffic.names(packets)) == [Self.shape])
    }

    @Test("A named port is probable, and possible where something speaks against it")
    func namedPorts() throws {
        let zeros = [UInt8](repeating: 0, count: 8)
        let ping: [UInt8] = [0x13, 0x37, 0xCA, 0xFE, 1, 0, 0, 0]
        func from(_ client: Int, _ payload: [UInt8] = Traffic.context, port: UInt16 = 2500) -> IPPacket {
            Traffic.udp(Traffic.server, 36000, Traffic.client(client), port, payload: payload)
        }
        func answer(_ client: Int) -> IPPacket {
            Traffic.udp(Traffic.client(client), 2500, Traffic.server, 36000, payload: [1])
        }
        let packets: [(IPPacket, String, String)] = [
            (answer(1), "-", ""),
            (from(1), Self.possible, "traffic in the opposite direction"),
            (from(2), Self.probable, "port 2500 was named"),
            (from(3, zeros), Self.possible, "all 8 bytes are zero"),
            (from(4, Array("GET / HT".utf8)), Self.possible, "printable text"),
            (from(5, ping), Self.possible, "a well-formed message of another kind"),
            (
                Traffic.udp(Traffic.server, 36000, IPAddress(v4: 0xE000_00FB), 2500), Self.possible,
                "the destination is a group"
            ),
            (from(6), Self.possible, "traffic in the opposite direction"),
            (answer(6), "-", ""),
            (Traffic.udp(Traffic.client(99), 36000, Traffic.client(7), 2501), Self.shape, "no burst"),
            (from(8, Array(repeating: 7, count: 9)), "-", ""),
        ]
        let tags = Traffic.tags(
            packets.enumerated().map { Traffic.at(Int64($0.offset), $0.element.0) },
            configuration: ClassifierConfiguration(newmailPorts: [2500]))
        for ((_, name, reason), tag) in zip(packets, tags) {
            #expect((tag.map { "\($0.name)/\($0.confidence.name)" } ?? "-") == name)
            #expect(reason.isEmpty || tag?.reasons.contains { $0.contains(reason) } == true, "\(reason)")
            #expect(name == "-" || name == Self.shape || tag?.reasons.contains { $0.contains("port 2500") } == true)
        }
    }

    @Test("What cannot be a notification is no destination of a burst either")
    func zerosMakeNoBurst() {
        let zeros = [UInt8](repeating: 0, count: 8)
        let packets = (1...10).map { client in
            Traffic.at(
                Int64(client),
                Traffic.udp(
                    Traffic.server, 36000, Traffic.client(client), 2500, payload: client > 4 ? zeros : Traffic.context))
        }
        #expect(Set(Traffic.names(packets)) == [Self.shape])
    }

    @Test("A named port stands beside what behaviour says, and yields to an answer no further than to possible")
    func namedPortAndBehaviour() throws {
        let first = Traffic.udp(Traffic.server, 36000, Traffic.client(1), 2500)
        let again = Traffic.udp(Traffic.server, 36001, Traffic.client(1), 2500)
        let answer = Traffic.udp(Traffic.client(1), 2500, Traffic.server, 36001, payload: [1])
        let minute = 60 * Traffic.second
        let configuration = ClassifierConfiguration(newmailPorts: [2500])
        let quiet = Traffic.tags([Traffic.at(0, first), Traffic.at(minute, again)], configuration: configuration)
        #expect(quiet[1]?.confidence == .probable)
        #expect(quiet[1]?.reasons.contains { $0.hasPrefix("the same datagram came 60 s before") } == true)
        #expect(quiet[1]?.reasons.contains { $0.hasPrefix("port 2500 was named") } == true)
        let answered = Traffic.tags(
            [Traffic.at(0, first), Traffic.at(minute, again), Traffic.at(minute + 1, answer)],
            configuration: configuration)
        #expect(answered[0]?.confidence == .probable && answered[1]?.confidence == .possible)
        #expect(answered[1]?.isContradicted == true)
    }

    @Test func everyFindingSaysWhy() {
        let tags = NewMailTags(threshold: 5, window: Traffic.second, namedPorts: [2500])
        let findings: [NewMailClassifier.Finding] = [
            .form, .answered, .zeros, .printable, .group, .alone(destinations: 1), .burst(destinations: 7),
            .namedPort(2500),
        ]
        let sentences = findings.map { tags[$0].reasons.joined(separator: "; ") }
        #expect(Set(sentences).count == findings.count)
        #expect(tags[.alone(destinations: 1)].reasons.last?.hasPrefix("no burst: 1 unanswered destination of") == true)
    }
}
