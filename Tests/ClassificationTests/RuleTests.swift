import Records
import Testing

@testable import Classification

@Suite("Rules")
struct RuleTests {
    private static let source = Traffic.server
    private static let destination = Traffic.client(7)

    private static func rule(_ name: String = "mine", _ change: (inout Rule) -> Void = { _ in }) -> Rule {
        var rule = Rule(name: name, description: "what it is about", transports: .udp)
        change(&rule)
        return rule
    }

    /// Classified without what else there is: the datagrams here are no new mail by their port.
    private static func names(_ rules: [Rule], _ packets: [PacketRecord]) -> [String] {
        var configuration = ClassifierConfiguration()
        configuration.rules = rules
        return Traffic.names(packets, configuration: configuration)
    }

    private static func datagram(_ payload: [UInt8], from port: UInt16 = 500, to other: UInt16 = 600) -> IPPacket {
        Traffic.udp(source, port, destination, other, payload: payload)
    }

    private static func limited(_ hops: UInt8) -> IPPacket {
        var packet = datagram([1])
        packet.hopLimit = hops
        return packet
    }

    private static func cut() -> IPPacket {
        var packet = datagram([1, 2, 3, 4])
        packet.payloadPrefix = PayloadPrefix([1, 2, 3])
        return packet
    }

    static let conditions: [RuleCondition] = [
        RuleCondition("length", datagram([1, 2]), datagram([1, 2, 3])) { $0.payloadLength = 2...2 },
        RuleCondition("longest length", datagram([1, 2, 3]), datagram([1, 2, 3, 4])) { $0.payloadLength = 2...3 },
        RuleCondition("shortest length", datagram([1, 2]), datagram([1])) { $0.payloadLength = 2...3 },
        RuleCondition("no payload", datagram([]), datagram([1])) { $0.payloadLength = 0...0 },
        RuleCondition(
            "length beyond 63", datagram(Array(repeating: 0, count: 80)), datagram(Array(repeating: 0, count: 79))
        ) {
            $0.payloadLength = 80...80
        },
        RuleCondition("bytes", datagram([9, 8, 7]), datagram([9, 8, 6])) { $0.compare([9, 8, 7]) },
        RuleCondition("bytes at an offset", datagram([0, 0, 7]), datagram([7, 0, 0])) { $0.compare([7], at: 2) },
        RuleCondition("bytes over the eighth", datagram(Array(1...12)), datagram(Array(1...7) + [8, 10, 10, 11, 12])) {
            $0.compare([7, 8, 9, 10], at: 6)
        },
        RuleCondition(
            "the sixteenth byte", datagram(Array(repeating: 1, count: 16)), datagram(Array(repeating: 1, count: 15))
        ) { $0.compare([1], at: 15) },
        RuleCondition("masked bits", datagram([0x8F]), datagram([0x4F])) { $0.compare([0x80], mask: [0xC0]) },
        RuleCondition("two patterns", datagram([1, 0, 3]), datagram([1, 0, 4])) {
            $0.compare([1])
            $0.compare([3], at: 2)
        },
        RuleCondition("bytes that were not captured", datagram([1, 2, 3, 4]), cut()) { $0.compare([4], at: 3) },
        RuleCondition("source port", datagram([1]), datagram([1], from: 501)) { $0.sourcePorts = [500...500] },
        RuleCondition("destination port", datagram([1]), datagram([1], to: 601)) { $0.destinationPorts = [600...600] },
        RuleCondition("either port", datagram([1]), datagram([1], from: 499, to: 601)) {
            $0.eitherPorts = [500...500, 600...600]
        },
        RuleCondition("second port range", datagram([1], to: 72), datagram([1], to: 70)) {
            $0.destinationPorts = [60...69, 71...80]
        },
        RuleCondition("direction", datagram([1]), datagram([1]), direction: (.egress, .ingress)) {
            $0.direction = .egress
        },
        RuleCondition("direction unknown", datagram([1]), datagram([1]), direction: (.ingress, .unknown)) {
            $0.direction = .ingress
        },
        RuleCondition("hop limit", limited(3), limited(4)) { $0.hopLimit = 1...3 },
        RuleCondition("protocol", datagram([1]), Traffic.echo(source, destination, payload: [1])) { _ in },
        RuleCondition(
            "ICMP type", Traffic.echo(source, destination, payload: [1], type: 8),
            Traffic.echo(source, destination, payload: [1], type: 13)
        ) {
            $0.transports = .icmp
            $0.icmpType = 8
        },
        RuleCondition(
            "ICMP code", Traffic.echo(source, destination, payload: [1], code: 4),
            Traffic.echo(source, destination, payload: [1], code: 3)
        ) {
            $0.transports = [.icmp, .icmpv6]
            $0.icmpCode = 4
        },
        RuleCondition(
            "ICMPv6", Traffic.echo(Traffic.serverV6, Traffic.client(1, .v6), payload: [1]),
            Traffic.echo(source, destination, payload: [1])
        ) { $0.transports = .icmpv6 },
    ]

    @Test(arguments: conditions)
    func oneCondition(condition: RuleCondition) {
        #expect(Self.names([condition.rule], [condition.fits]) == ["mine/shape"])
        #expect(Self.names([condition.rule], [condition.misses]) == ["-"])
    }

    @Test func fragmentsSayTheirLengthInTheFirstOneOnly() {
        var first = Self.datagram([1, 2, 3, 4, 5, 6, 7, 8])
        first.isFragment = true
        first.moreFragments = true
        first.udpLength = 2008
        var later = first
        later.fragmentOffset = 8
        var cut = Self.datagram([1])
        cut.isTruncated = true
        let rules = [Self.rule { $0.payloadLength = 2000...2000 }, Self.rule("any")]
        #expect(Self.names(rules, [first, later, cut].map { Traffic.at(0, $0) }) == ["mine/shape", "-", "-"])
    }

    @Test func theFirstRuleOfTheFileIsTaken() {
        let packet = Traffic.at(0, Self.datagram([1]))
        #expect(Self.names([Self.rule("one"), Self.rule("two")], [packet]) == ["one/shape"])
        #expect(Self.names([Self.rule("two"), Self.rule("one")], [packet]) == ["two/shape"])
    }

    @Test func aRuleWhoseBehaviourWasSeenComesBeforeForms() {
        let often = Self.rule("often") { $0.rate = Rule.Rate(packets: 2, span: Traffic.second) }
        let packets = [0, 1].map { Traffic.at($0, Self.datagram([1])) }
        #expect(Self.names([Self.rule("form"), often], packets) == ["form/shape", "often/possible"])
    }

    /// Offsets in milliseconds of packets, and which of them have "3 within 100 ms".
    @Test(
        arguments: [
            ([0, 1], [false, false]),
            ([0, 1, 2], [false, false, true]),
            ([0, 50, 100], [false, false, true]),
            ([0, 50, 101], [false, false, false]),
            // A rate that lasts stays one where the next span begins.
            ([0, 40, 80, 120, 160, 200], [false, false, true, true, true, true]),
            // What came longer than a span ago says nothing of now.
            ([0, 1, 2, 103], [false, false, true, false]),
            // A second capture, from before.
            ([1000, 1001, 0, 1, 2], [false, false, false, false, true]),
        ] as [([Int64], [Bool])])
    func rate(offsets: [Int64], seen: [Bool]) {
        let rule = Self.rule { $0.rate = Rule.Rate(packets: 3, span: 100_000_000) }
        let packets = offsets.map { Traffic.at($0 * 1_000_000, Self.datagram([1])) }
        #expect(Self.names([rule], packets) == seen.map { $0 ? "mine/possible" : "mine/shape" })
    }

    /// Offsets in seconds of packets, and which of them come 60 s ± 5 s after the one before.
    @Test(
        arguments: [
            ([0], [false]), ([0, 60], [false, true]), ([0, 55], [false, true]), ([0, 65], [false, true]),
            ([0, 54], [false, false]), ([0, 66], [false, false]), ([0, 30, 60], [false, false, false]),
            ([0, 60, 120, 125], [false, true, true, false]), ([600, 0, 60], [false, false, true]),
        ] as [([Int64], [Bool])])
    func repetition(offsets: [Int64], seen: [Bool]) {
        let rule = Self.rule {
            $0.repetition = Rule.Repetition(interval: 60 * Traffic.second, tolerance: 5 * Traffic.second)
        }
        let packets = offsets.map { Traffic.at($0 * Traffic.second, Self.datagram([1])) }
        #expect(Self.names([rule], packets) == seen.map { $0 ? "mine/possible" : "mine/shape" })
    }

    @Test func behaviourIsThatOfOneSourceToOneDestination() {
        let rule = Self.rule { $0.rate = Rule.Rate(packets: 2, span: Traffic.second) }
        let others = [
            Self.datagram([1]), Self.datagram([1], to: 601), Traffic.udp(Self.source, 500, Traffic.client(8), 600),
            Traffic.udp(Traffic.client(9), 500, Self.destination, 600), Self.datagram([1], from: 501),
        ]
        // The source port alone makes no other flow: many senders take a new one each time.
        #expect(
            Self.names([rule], others.map { Traffic.at(0, $0) })
                == ["mine/shape", "mine/shape", "mine/shape", "mine/shape", "mine/possible"])
    }

    @Test func bothBehavioursMustBeSeen() {
        let rule = Self.rule {
            $0.rate = Rule.Rate(packets: 2, span: 10 * Traffic.second)
            $0.repetition = Rule.Repetition(interval: Traffic.second, tolerance: 1)
        }
        let packets = [0, Traffic.second, Traffic.second + 5].map { Traffic.at($0, Self.datagram([1])) }
        #expect(Self.names([rule], packets) == ["mine/shape", "mine/possible", "mine/shape"])
    }

    @Test func flowsAreBounded() {
        var configuration = ClassifierConfiguration()
        configuration.rules = [Self.rule { $0.rate = Rule.Rate(packets: 2, span: Traffic.second) }]
        configuration.ruleFlowLimit = 2
        let clients = [1, 2, 3, 1, 1].map { Traffic.at(0, Traffic.udp(Self.source, 5, Traffic.client($0), 6)) }
        #expect(
            Traffic.names(clients, configuration: configuration)
                == ["mine/shape", "mine/shape", "mine/shape", "mine/shape", "mine/possible"])
    }

    @Test func aBuiltInTagThatRestsOnMoreThanTheFormIsStronger() {
        let rules = [Self.rule { $0.payloadLength = 8...8 }, Self.rule("pings") { $0.transports = .icmp }]
        let alone = Traffic.at(0, Traffic.udp(Self.source, 5000, Self.destination, 6000))
        #expect(Self.names(rules, [alone]) == ["mine/shape"])
        let burst = (1...5).map { Traffic.at(Int64($0), Traffic.udp(Self.source, 5000, Traffic.client($0), 6000)) }
        #expect(Set(Self.names(rules, burst)) == ["newmail/possible"])
        let ping = Traffic.at(0, Traffic.echo(Self.source, Self.destination))
        #expect(Self.names(rules, [ping]) == ["dsaccess-ping/possible"])
        let answer = Traffic.at(0, Traffic.echo(Self.source, Self.destination, type: 0))
        #expect(Self.names(rules, [answer]) == ["pings/shape"])
    }

    @Test func everyTagSaysWhy() {
        let rule = Self.rule {
            $0.rate = Rule.Rate(packets: 2, span: 1_500_000_000)
            $0.repetition = Rule.Repetition(interval: 250_000_000, tolerance: 1)
        }
        let tags = RuleTags([rule])
        let form = "has the form that the rule describes: what it is about"
        let rate = "at least 2 such packets from this source to this destination within 1.5 s"
        let rhythm = "such a packet from this source to this destination 250 ms before, give or take 1 ns"
        #expect(tags[RuleSet.Match(rule: 0, behaves: true)].reasons == [form, rate, rhythm])
        #expect(
            tags[RuleSet.Match(rule: 0, behaves: false)].reasons
                == [form, "not seen in full so far: \(rate); and \(rhythm)"])
    }

    @Test(
        arguments: [
            ([], nil, 0, .empty), ([1], nil, 16, .beyondReach), ([1, 2], nil, 15, .beyondReach),
            ([1], nil, -1, .beyondReach),
            ([1], nil, .max, .beyondReach), ([1, 2], [1], 0, .maskLength),
        ] as [([UInt8], [UInt8]?, Int, PayloadPattern.Problem)])
    func patternsThatDoNotFit(bytes: [UInt8], mask: [UInt8]?, offset: Int, problem: PayloadPattern.Problem) {
        var pattern = PayloadPattern()
        #expect(throws: problem) { try pattern.add(bytes, mask: mask, at: offset) }
        #expect(pattern == PayloadPattern())
    }

    @Test func patternsThatContradictAreRefused() throws {
        var pattern = PayloadPattern()
        try pattern.add([0x80], mask: [0xF0], at: 9)
        try pattern.add([0x81], mask: [0x8F], at: 9)
        let before = pattern
        #expect(throws: PayloadPattern.Problem.contradiction) { try pattern.add([0x91], at: 9) }
        #expect(pattern == before)
        #expect(pattern.text == ".. .. .. .. .. .. .. .. .. 81")
    }

    @Test func theListNamesEverything() throws {
        let rule = Self.rule("mine") {
            $0.payloadLength = 8...16
            $0.compare([0x80], mask: [0xC0], at: 1)
            $0.eitherPorts = [53...53, 1000...2000]
            $0.direction = .egress
            $0.hopLimit = 1...3
            $0.rate = Rule.Rate(packets: 5, span: Traffic.second)
        }
        let list = RuleCatalogue.list([rule])
        #expect(list.prefix(2).map(\.name) == ["newmail", "dsaccess-ping"])
        #expect(list[1].confidences == [.shape, .possible, .probable])
        let last = try #require(list.last)
        #expect(last.confidences == [.shape, .possible])
        #expect(
            last.form
                == "UDP, from or to port 53 or 1000-2000, 8-16 bytes of payload, payload .. 80/c0, egress, TTL 1-3, at least 5 within 1 s"
        )
        #expect(Set(list.map(\.name)).count == list.count)
        #expect(list.dropFirst(2).dropLast().allSatisfy { $0.origin == .starterPack && $0.reference != nil })
    }
}

/// What a rule asks for, a packet that has it, and one that misses it by as little as can be.
struct RuleCondition: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var rule = Rule(name: "mine", description: "what it is about", transports: .udp)
    let fits: PacketRecord
    let misses: PacketRecord

    init(
        _ name: String, _ fits: IPPacket, _ misses: IPPacket, direction: (Direction, Direction) = (.unknown, .unknown),
        _ change: (inout Rule) -> Void
    ) {
        testDescription = name
        self.fits = Self.record(fits, direction.0)
        self.misses = Self.record(misses, direction.1)
        change(&rule)
    }

    private static func record(_ packet: IPPacket, _ direction: Direction) -> PacketRecord {
        var record = Traffic.at(0, packet)
        record.direction = direction
        return record
    }
}

extension Rule {
    /// Adds a pattern that must fit.
    fileprivate mutating func compare(_ bytes: [UInt8], mask: [UInt8]? = nil, at offset: Int = 0) {
        do { try pattern.add(bytes, mask: mask, at: offset) } catch { Issue.record(error) }
    }
}
