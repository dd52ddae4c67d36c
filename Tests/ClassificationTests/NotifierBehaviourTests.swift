import Records
import Testing

@testable import Classification

@Suite("A notifier's behaviour")
struct NotifierBehaviourTests {
    private static let stranger = IPAddress(v4: 0xC000_0263)

    /// A bound connection without a registration; the datagram comes from elsewhere, so only the fetch speaks for it.
    @Test(
        "A fetch after silence",
        arguments: [
            (2, 50_000_000, 0, "possible"), (9, 50_000_000, 0, "possible"), (11, 99_000_000, 0, "possible"),
            (11, 110_000_000, 0, "shape"), (3, 50_000_000, 0, "shape"), (11, 50_000_000, 20_000_000, "shape"),
        ] as [(UInt16, Int64, Int64, String)])
    func fetches(opnum: UInt16, delay: Int64, fetchedBefore: Int64, level: String) {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.time += 1_000_000_000
        if fetchedBefore > 0 {
            talk.ask(Unit.request(11, [1, 2, 3], call: 3))
            talk.time += fetchedBefore
        }
        talk.datagram(from: Self.stranger)
        talk.time += delay - 1_000_000
        talk.ask(Unit.request(opnum, [1, 2, 3], call: 4))
        #expect(talk.levels == [level])
        #expect(
            talk.tags[0].reasons.contains { $0.contains("fetched from an Exchange server") } == (level == "possible"))
    }

    @Test(
        "The same again after a minute",
        arguments: [
            (60, Traffic.context, "possible"), (55, Traffic.context, "possible"), (65, Traffic.context, "possible"),
            (50, Traffic.context, "shape"), (70, Traffic.context, "shape"), (60, [1, 2, 3, 4, 5, 6, 7, 8], "shape"),
        ] as [(Int64, [UInt8], String)])
    func repeats(seconds: Int64, payload: [UInt8], level: String) {
        let packets = [
            Traffic.at(0, Traffic.udp(Self.stranger, 36000, Traffic.client(1), 2500)),
            Traffic.at(
                seconds * Traffic.second, Traffic.udp(Self.stranger, 36001, Traffic.client(1), 2500, payload: payload)),
        ]
        #expect(Traffic.names(packets) == ["newmail/shape", "newmail/\(level)"])
    }

    @Test("What speaks against it lowers each level by one, but proof only by an answer")
    func lowered() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        let zeros = [UInt8](repeating: 0, count: 8)
        talk.register(context: zeros)
        talk.datagram(zeros)
        talk.datagram(Array("GET / HT".utf8))
        talk.datagram(Array("GET / HT".utf8), to: Traffic.client(9))
        #expect(talk.levels == ["confirmed", "possible", "shape"])
        // Without the server's answer the same zeros are no worse than other bytes.
        var unanswered = Conversation()
        unanswered.open()
        unanswered.bind()
        unanswered.ask(Unit.request(4, Stub.register(unanswered.client.address, 2762, context: zeros)))
        unanswered.datagram(zeros)
        #expect(unanswered.levels == ["probable"])
        // A format of another protocol lowers behaviour, not what a client registered.
        let ping: [UInt8] = [0x13, 0x37, 0xCA, 0xFE, 1, 0, 0, 0]
        var lookAlike = Conversation()
        lookAlike.open()
        lookAlike.bind()
        lookAlike.register(context: ping)
        lookAlike.datagram(ping)
        lookAlike.datagram(ping, to: Traffic.client(9))
        #expect(lookAlike.levels == ["confirmed", "shape"])
        var answered = Conversation()
        answered.open()
        answered.bind()
        answered.register()
        answered.datagram()
        let datagram = answered.packets[answered.packets.count - 1].0.ip
        answered.packets.append(
            (
                Traffic.at(
                    answered.time,
                    Traffic.udp(
                        datagram.destination, datagram.destinationPort, datagram.source, datagram.sourcePort,
                        payload: [1])), []
            ))
        #expect(answered.levels == ["probable", "-"])
        #expect(answered.tags[0].isContradicted)
    }

    @Test(
        "The sender's name raises a form that nothing contradicts",
        arguments: [
            ("store.exe", "possible"), ("STORE.EXE", "possible"),
            ("Microsoft.Exchange.RpcClientAccess.Service.exe", "possible"), ("store", "shape"),
            ("AntigenStore.exe", "shape"),
        ])
    func processNames(name: String, level: String) throws {
        let packet = Traffic.at(0, Traffic.udp(Self.stranger, 36000, Traffic.client(1), 2500))
        let tag = try #require(Traffic.tags([packet])[0])
        #expect(tag.considering(processName: name).confidence.name == level)
        let zeros = Traffic.at(
            0, Traffic.udp(Self.stranger, 36000, Traffic.client(1), 2500, payload: [UInt8](repeating: 0, count: 8)))
        #expect(Traffic.tags([zeros])[0]?.considering(processName: name).confidence == .shape)
        let strong = Tag(name: "newmail", confidence: .probable, reasons: ["a registration"])
        #expect(strong.considering(processName: name) == strong)
    }

    @Test("Rising source ports are named")
    func risingPorts() throws {
        func burst(_ step: Int) -> [PacketRecord] {
            (0..<6).map {
                Traffic.at(
                    Int64($0), Traffic.udp(Self.stranger, UInt16(36000 + $0 * step), Traffic.client($0 + 1), 2500))
            }
        }
        let rising = try #require(Traffic.tags(burst(1))[0])
        let level = try #require(Traffic.tags(burst(0))[0])
        #expect(rising.confidence == .possible && level.confidence == .possible)
        #expect(rising.reasons.contains { $0.contains("higher source port") })
        #expect(!level.reasons.contains { $0.contains("higher source port") })
    }
}
