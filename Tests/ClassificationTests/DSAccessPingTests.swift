import Records
import Testing

@testable import Classification

@Suite("DSAccess ping")
struct DSAccessPingTests {
    private static let client = Traffic.client(7)
    private static let shape = "dsaccess-ping/shape"
    private static let possible = "dsaccess-ping/possible"
    private static let probable = "dsaccess-ping/probable"

    @Test(
        arguments: [
            ([0x3F], 8, 0, possible),
            ([], 8, 0, "-"),
            ([0x3F, 0x3F], 8, 0, "-"),
            ([0x3E], 8, 0, "-"),
            ([0x40], 8, 0, "-"),
            ([0x61], 8, 0, "-"),  // Windows: ping -l 1
            ([0x00], 8, 0, "-"),  // Linux: ping -s 1
            ([0x3F], 0, 0, shape),  // the reply carries the same byte; here nobody asked
            ([0x3F], 8, 1, "-"),
            ([0x3F], 13, 0, "-"),
        ] as [([UInt8], UInt8, UInt8, String)])
    func form(payload: [UInt8], type: UInt8, code: UInt8, tag: String) {
        let echo = Traffic.echo(Traffic.server, Self.client, payload: payload, type: type, code: code)
        #expect(Traffic.names([Traffic.at(0, echo)]) == [tag])
    }

    @Test(arguments: [(128, possible), (129, shape), (8, "-")] as [(UInt8, String)])
    func formV6(type: UInt8, tag: String) {
        let echo = Traffic.echo(Traffic.serverV6, Traffic.client(7, .v6), type: type)
        #expect(Traffic.names([Traffic.at(0, echo)]) == [tag])
    }

    @Test func whatWasNotCapturedIsNotGuessed() {
        var unread = Traffic.echo(Traffic.server, Self.client)
        unread.payloadPrefix = PayloadPrefix()
        var cut = Traffic.echo(Traffic.server, Self.client)
        cut.isTruncated = true
        var fragment = Traffic.echo(Traffic.server, Self.client)
        fragment.isFragment = true
        fragment.moreFragments = true
        var later = fragment
        later.fragmentOffset = 8
        #expect(Traffic.names([unread, cut, fragment, later].map { Traffic.at(0, $0) }) == ["-", "-", "-", "-"])
    }

    /// TCP at an offset from the ping, in nanoseconds; the last four are other ports, servers and sources.
    @Test(
        arguments: [
            (-3600 * Traffic.second, 389, 7, 1, probable),
            (-1, 636, 7, 1, probable),
            (0, 3268, 7, 1, probable),
            (Traffic.second, 3269, 7, 1, probable),
            (Traffic.second + 1, 389, 7, 1, possible),
            (-1, 388, 7, 1, possible),
            (-1, 3270, 7, 1, possible),
            (-1, 389, 8, 1, possible),
            (-1, 389, 7, 2, possible),
        ] as [(Int64, UInt16, Int, UInt32, String)])
    func directory(offset: Int64, port: UInt16, server: Int, source: UInt32, tag: String) throws {
        let ping = Traffic.at(0, Traffic.echo(Traffic.server, Self.client))
        let tcp = Traffic.at(
            offset, Traffic.tcp(IPAddress(v4: 0xC000_0200 + source), Traffic.client(server), port: port))
        // Long after both: what comes then must not count.
        let late = Traffic.at(
            10 * Traffic.second, Traffic.tcp(Traffic.server, Self.client, port: 389))
        let packets = offset < 0 ? [tcp, ping, late] : [ping, tcp, late]
        #expect(Traffic.names(packets) == (offset < 0 ? ["-", tag, "-"] : [tag, "-", "-"]))
        let reasons = try #require(Traffic.tags(packets)[offset < 0 ? 1 : 0]).reasons
        #expect(reasons.contains { $0.contains("port \(port) of the same server") } == (tag == Self.probable))
    }

    @Test func trafficFromTheServerAloneIsNoEvidence() {
        let packets = [
            Traffic.at(0, Traffic.tcp(Self.client, Traffic.server, port: 50123, sourcePort: 389)),
            Traffic.at(1, Traffic.echo(Traffic.server, Self.client)),
        ]
        #expect(Traffic.names(packets) == ["-", Self.possible])
    }

    @Test func boundedPairsForgetTheOneSilentLongest() {
        var configuration = ClassifierConfiguration()
        configuration.directoryPairLimit = 2
        let packets = [
            Traffic.at(0, Traffic.tcp(Traffic.server, Traffic.client(1), port: 389)),
            Traffic.at(1, Traffic.tcp(Traffic.server, Traffic.client(2), port: 389)),
            Traffic.at(2, Traffic.tcp(Traffic.server, Traffic.client(1), port: 389)),
            Traffic.at(3, Traffic.tcp(Traffic.server, Traffic.client(3), port: 389)),
            Traffic.at(4, Traffic.echo(Traffic.server, Traffic.client(1))),
            Traffic.at(5, Traffic.echo(Traffic.server, Traffic.client(2))),
            Traffic.at(6, Traffic.echo(Traffic.server, Traffic.client(3))),
        ]
        #expect(
            Traffic.names(packets, configuration: configuration).suffix(3) == [
                Self.probable, Self.possible, Self.probable,
            ])
    }

    /// A request, its reply, and LDAP before or after both, or none; the reply is as sure as the request.
    @Test(
        arguments: [(-1, probable), (Traffic.second, probable), (2 * Traffic.second, possible)] as [(Int64, String)],
        [IPAddress.Version.v4, .v6])
    func replies(expected: (offset: Int64, tag: String), version: IPAddress.Version) throws {
        let source = version == .v4 ? Traffic.server : Traffic.serverV6
        let directory = Traffic.client(7, version)
        let request = Traffic.at(0, Traffic.echo(source, directory))
        let reply = Traffic.at(0, Traffic.echo(directory, source, type: version == .v4 ? 0 : 129))
        let ldap = Traffic.at(expected.offset, Traffic.tcp(source, directory, port: 389))
        let packets = expected.offset < 0 ? [ldap, request, reply] : [request, reply, ldap]
        #expect(Traffic.names(packets).filter { $0 != "-" } == [expected.tag, expected.tag])
        let reasons = try #require(Traffic.tags(packets).compactMap(\.self).last).reasons
        #expect(
            reasons[0]
                == "an echo reply whose cause is the requester, \(source): it sent the request with 1 payload byte, 0x3F, in frame 1"
        )
    }

    /// What a reply must share with the request that it answers.
    @Test(arguments: ["identifier", "sequence", "server", "client", "other byte", "code"])
    func repliesToOthers(difference: String) {
        let request = Traffic.echo(Traffic.server, Self.client)
        var reply = Traffic.echo(Self.client, Traffic.server, type: 0)
        switch difference {
        case "identifier": reply.sourcePort += 1
        case "sequence": reply.destinationPort += 1
        case "server": reply.source = Traffic.client(8)
        case "client": reply.destination = Traffic.client(9)
        case "other byte": reply.payloadPrefix = PayloadPrefix([0x40])
        default: reply.icmpCode = 1
        }
        let untagged = ["other byte", "code"].contains(difference)
        #expect(
            Traffic.names([Traffic.at(0, request), Traffic.at(1, reply)]) == [
                Self.possible, untagged ? "-" : Self.shape,
            ])
    }

    @Test func aReplyInAnotherCaptureNamesNoFrame() throws {
        let request = Traffic.at(0, Traffic.echo(Traffic.server, Self.client))
        var reply = Traffic.at(1, Traffic.echo(Self.client, Traffic.server, type: 0))
        reply.capture = 1
        let tag = try #require(Traffic.tags([request, reply])[1])
        #expect(tag.confidence == .possible && tag.reasons[0].hasSuffix("0x3F, before"))
    }

    /// Pings with one other byte lower the level; those of Group Policy and ordinary ones do not.
    @Test(
        arguments: [
            ([0x61], 389, possible, "another value"), ([0x00], 0, shape, "another value"),
            ([], 389, probable, "Group Policy"),
            (Array(repeating: 0x61, count: 2048), 0, possible, "Group Policy"),
            (Array(repeating: 0x61, count: 32), 0, possible, nil),
        ] as [([UInt8], UInt16, String, String?)])
    func confusers(payload: [UInt8], port: UInt16, tag: String, reason: String?) throws {
        let packets = [
            Traffic.at(0, Traffic.tcp(Traffic.server, Self.client, port: port)),
            Traffic.at(1, Traffic.echo(Traffic.server, Self.client)),
            Traffic.at(2, Traffic.echo(Traffic.server, Self.client, payload: payload)),
            // Another client's tool says nothing of this one.
            Traffic.at(3, Traffic.echo(Traffic.client(9), Self.client, payload: [0x61])),
            Traffic.at(4, Traffic.echo(Traffic.server, Self.client)),
        ]
        let named = Traffic.names(packets)
        #expect(named[1] == (port == 389 ? Self.probable : Self.possible) && named[4] == tag)
        let against = try #require(Traffic.tags(packets)[4]).reasons.filter { $0.hasPrefix("against it: ") }
        #expect(against.count == (reason == nil ? 0 : 1) && against.allSatisfy { $0.contains(reason ?? "") })
    }

    @Test func aByteThatWasNotCapturedIsNoOtherByte() {
        var unread = Traffic.echo(Traffic.server, Self.client)
        unread.payloadPrefix = PayloadPrefix()
        let ping = Traffic.echo(Traffic.server, Self.client)
        #expect(Traffic.names([ping, unread, ping].map { Traffic.at(0, $0) }) == [Self.possible, "-", Self.possible])
    }

    @Test func repetitionAndOtherSourcesAreTold() throws {
        var packets: [PacketRecord] = []
        for round in 0..<3 {
            for source in 1...2 {
                var echo = Traffic.echo(IPAddress(v4: 0xC000_0200 + UInt32(source)), Self.client)
                echo.destinationPort = UInt16(round)
                // Seen at two interfaces: one ping all the same.
                packets += [echo, echo].map { Traffic.at(Int64(packets.count), $0) }
            }
        }
        let reasons = try #require(Traffic.tags(packets).last ?? nil).reasons
        #expect(reasons.contains("such pings repeat: 3 from 192.0.2.2 to 198.51.100.7 so far"))
        #expect(reasons.contains("2 sources have sent such pings to 198.51.100.7 so far"))
        #expect(try #require(Traffic.tags(packets)[0]).reasons.count == 2)
    }

    @Test(
        arguments: [(0x0200, "2000"), (0x0300, "XP"), (0x0400, "2003"), (1, "Vista"), (0x6B1E, nil)]
            as [(UInt16, String?)])
    func identifiersOfWindows(identifier: UInt16, system: String?) throws {
        var echo = Traffic.echo(Traffic.server, Self.client)
        echo.sourcePort = identifier
        let tag = try #require(Traffic.tags([Traffic.at(0, echo)])[0])
        #expect(tag.confidence == .possible)
        #expect(tag.reasons.count == (system == nil ? 1 : 2))
        if let system { #expect(tag.reasons[1].contains(system) && tag.reasons[1].hasSuffix("weak evidence")) }
    }
}
