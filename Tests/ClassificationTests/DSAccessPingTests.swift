import Records
import Testing

@testable import Classification

@Suite("DSAccess ping")
struct DSAccessPingTests {
    private static let client = Traffic.client(7)
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
            ([0x3F], 0, 0, "-"),  // the reply carries the same byte
            ([0x3F], 8, 1, "-"),
            ([0x3F], 13, 0, "-"),
        ] as [([UInt8], UInt8, UInt8, String)])
    func form(payload: [UInt8], type: UInt8, code: UInt8, tag: String) {
        let echo = Traffic.echo(Traffic.server, Self.client, payload: payload, type: type, code: code)
        #expect(Traffic.names([Traffic.at(0, echo)]) == [tag])
    }

    @Test(arguments: [(128, possible), (129, "-"), (8, "-")] as [(UInt8, String)])
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
}
