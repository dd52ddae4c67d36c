import Records
import Testing

@testable import Classification

@Suite("Registrations")
struct RegistrationTests {
    private static let context = Traffic.context
    private static let other: [UInt8] = [9, 8, 7, 6, 5, 4, 3, 2]

    /// SYN, bind, registration and its answer.
    private static func registered(
        context: [UInt8] = context, status: UInt32 = 0, big: Bool = false, v6: Bool = false
    ) -> Conversation {
        var talk = Conversation()
        if v6 {
            talk.client = TCPEndpoint(address: Traffic.client(7, .v6), port: 50001)
            talk.server = TCPEndpoint(address: Traffic.serverV6, port: 1025)
        }
        talk.open()
        talk.bind(big: big)
        talk.register(context: context, status: status, big: big)
        return talk
    }

    @Test(
        "Context of any length, both byte orders and versions",
        arguments: [1, 2, 3, 4, 7, 8, 9, 15, 16], [(false, false), (true, false), (false, true), (true, true)])
    func confirmed(length: Int, form: (big: Bool, v6: Bool)) throws {
        let context = (1...length).map { UInt8($0 * 7 % 251) }
        var talk = Self.registered(context: context, big: form.big, v6: form.v6)
        talk.datagram(context)
        let tag = try #require(talk.tags.first)
        #expect(tag.confidence == .confirmed && tag.name == "newmail", "\(tag.reasons)")
        #expect(tag.reasons[0].contains("registered with \(talk.server.address) in frame 6"))
        #expect(tag.reasons[1].contains("accepted that registration in frame 7"))
        let registration = try #require(talk.registrations.first)
        #expect(registration.callback == .init(address: talk.client.address, port: 2762))
        #expect(registration.context == PayloadPrefix(context) && registration.status == 0 && registration.hasBind)
    }

    @Test("What else comes to the registered port, and what comes elsewhere")
    func otherPayload() {
        var talk = Self.registered()
        talk.datagram(Self.other)
        talk.datagram([1, 2, 3])
        talk.datagram(Self.other, from: Traffic.client(99))
        talk.datagram(Self.context, port: 2763)
        talk.datagram(Self.context, to: Traffic.client(8))
        talk.datagram(Array(repeating: 1, count: 17))
        // The last but one goes to another host: all that is known is that its sender serves emsmdb.
        #expect(talk.levels == ["probable", "probable", "possible", "possible", "possible", "-"])
    }

    @Test("A cluster node's address, said so")
    func clusterNode() throws {
        var talk = Self.registered()
        talk.datagram(from: IPAddress(v4: 0xC000_0263))
        let tag = try #require(talk.tags.first)
        #expect(tag.confidence == .confirmed)
        #expect(tag.reasons.contains { $0.contains("192.0.2.99") && $0.contains("node of a cluster") })
    }

    @Test(
        "Before the answer no more than probable, after a refusal nothing",
        arguments: [0x8004_0102, 0x8007_0057, 0x8004_0305] as [UInt32])
    func statuses(status: UInt32) {
        var talk = Self.registered(status: status)
        talk.datagram()
        // The sender serves emsmdb: that much is known.
        #expect(talk.levels == ["possible"])
        #expect(talk.registrations.first?.end?.cause == .refused)

        var early = Conversation()
        early.open()
        early.bind()
        early.ask(Unit.request(4, Stub.register(early.client.address, 2762)))
        early.datagram()
        early.answer(Unit.response(Stub.registered()))
        early.datagram()
        #expect(early.levels == ["probable", "confirmed"])
    }

    @Test func aFaultRefuses() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762)))
        talk.answer(Unit.fault(0x1C01_0003))
        talk.datagram()
        #expect(talk.levels == ["possible"])
    }

    /// The ways in which a registration ends.
    enum Ending: String, CaseIterable, Sendable {
        case disconnect, unregister, otherSessionsDisconnect, fin, reset, newConnection, reregistration, zeroHandle
    }

    @Test("Ends", arguments: Ending.allCases)
    func endings(ending: Ending) throws {
        var talk = Self.registered()
        talk.datagram()
        switch ending {
        case .disconnect: talk.ask(Unit.request(1, Stub.handle, call: 9))
        case .unregister: talk.ask(Unit.request(5, Stub.handle + Wire.u32(0) + Wire.u32(0x77), call: 9))
        case .otherSessionsDisconnect: talk.ask(Unit.request(1, Stub.otherHandle, call: 9))
        case .fin: talk.close()
        case .reset: talk.reset()
        case .newConnection:
            talk.clientNext = 0x4000_0000
            talk.serverNext = 0x2000_0000
            talk.open()
        case .reregistration: talk.register(context: Self.other, port: 3000, call: 9)
        case .zeroHandle:
            talk.ask(Unit.request(4, Stub.register(talk.client.address, 3000), call: 9))
            talk.answer(Unit.response(Stub.registered(1, handle: [UInt8](repeating: 0, count: 20)), call: 9))
        }
        talk.datagram()
        let tags = talk.tags
        #expect(tags[0].confidence == .confirmed)
        if ending == .otherSessionsDisconnect {
            #expect(tags[1].confidence == .confirmed)
        } else {
            #expect(tags[1].confidence == .possible, "\(tags[1].reasons)")
            #expect(tags[1].reasons.contains { $0.contains("had ended: ") && $0.contains("in frame ") })
        }
    }

    @Test("A port that another client takes over")
    func portReused() {
        var first = Self.registered()
        first.ask(Unit.request(1, Stub.handle, call: 9))
        first.close()
        var second = first
        second.client = TCPEndpoint(address: first.client.address, port: 50077)
        second.open()
        second.bind()
        second.register(context: Self.other, handle: Stub.otherHandle)
        second.datagram(Self.context)
        second.datagram(Self.other)
        #expect(second.levels == ["probable", "confirmed"])
    }

    @Test("A registration later in time does not confirm what came before")
    func laterRegistration() {
        var talk = Conversation()
        talk.datagram()
        talk.open()
        talk.bind()
        talk.register()
        talk.datagram()
        #expect(talk.levels == ["shape", "confirmed"])
        // The same with the datagram behind it in the file, but not in time.
        var late = Self.registered()
        late.time = -5_000_000
        late.datagram()
        #expect(late.levels[0] != "confirmed" && late.levels[0] != "probable")
    }

    /// What is wrong with a request's stub.
    static let wrongs: [Stub.Wrong] = [
        Stub.Wrong(contextCount: 0), Stub.Wrong(contextCount: 17), Stub.Wrong(contextCount: 0xFFFF_FF),
        Stub.Wrong(contextSize: 7), Stub.Wrong(addressCount: 15), Stub.Wrong(addressCount: 28),
        Stub.Wrong(addressSize: 28),
    ]

    @Test("Counts that contradict each other register nothing", arguments: wrongs.indices)
    func badCounts(index: Int) {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762, wrong: Self.wrongs[index])))
        talk.answer(Unit.response(Stub.registered()))
        talk.datagram()
        #expect(talk.registrations.isEmpty)
        #expect(talk.levels == ["possible"])
    }

    @Test("Cut short anywhere, a request registers nothing")
    func cutStubs() {
        let whole = Stub.register(Conversation.mailClient, 2762)
        #expect(whole.count == 66)
        #expect(Stub.register(Traffic.client(7, .v6), 2762).count == 78)
        for length in 0..<whole.count {
            #expect(PushNotificationRequest(RPCStub(bytes: Array(whole.prefix(length)), isBigEndian: false)) == nil)
        }
    }

    @Test("Encrypted: who is known, the port is not")
    func sealed() throws {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(4, [UInt8](repeating: 0x5A, count: 80), authLevel: 6))
        talk.answer(Unit.response([UInt8](repeating: 0x3C, count: 32), authLevel: 6))
        talk.datagram([0x91, 2, 3, 4, 5, 6, 7, 8], port: 4711)
        talk.datagram([0x91, 2, 3, 4, 5, 6, 7], port: 4711)
        talk.datagram(from: Traffic.client(99), port: 4711)
        talk.datagram(to: Traffic.client(8), port: 4711)
        let registration = try #require(talk.registrations.first)
        #expect(registration.isSealed && registration.authLevel == 6 && registration.context == nil)
        #expect(talk.levels == ["probable", "-", "shape", "possible"])
        #expect(talk.tags[0].reasons[0].contains("could not be read"))
        talk.ask(Unit.request(1, [UInt8](repeating: 0x5A, count: 32), call: 9, authLevel: 6))
        talk.datagram([0x91, 2, 3, 4, 5, 6, 7, 8], port: 4711)
        #expect(talk.levels.last == "possible")
    }

    @Test("Signed, with padding before the trailer: read as usual")
    func signed() throws {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762), authLevel: 5))
        talk.answer(Unit.response(Stub.registered(), authLevel: 5))
        talk.datagram()
        #expect(talk.levels == ["confirmed"])
        #expect(talk.registrations.first?.authLevel == 5)
    }

    @Test("Object UUID, fragments and interleaved calls")
    func fragments() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        let stub = Stub.register(talk.client.address, 2762)
        talk.ask(Unit.request(4, Array(stub[..<21]), call: 5, flags: 0x81))
        talk.ask(Unit.request(11, [1, 2, 3], call: 6))
        talk.ask(Unit.request(4, Array(stub[21..<30]), call: 5, flags: 0x80))
        talk.answer(Unit.response([4, 5, 6], call: 6))
        talk.ask(Unit.request(4, Array(stub[30...]), call: 5, flags: 0x82))
        let answer = Stub.registered()
        talk.answer(Unit.response(Array(answer[..<10]), call: 5, flags: 1))
        talk.answer(Unit.response(Array(answer[10...]), call: 5, flags: 2))
        talk.datagram()
        #expect(talk.levels == ["confirmed"])
    }

    @Test("An answer to another call is no answer")
    func wrongCall() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762), call: 5))
        talk.answer(Unit.response(Stub.registered(), call: 6))
        talk.datagram()
        #expect(talk.levels == ["probable"])
    }

    @Test("Contexts: refused, NDR64, another interface, alter_context")
    func contexts() {
        /// Context 0 is something else, 1 is emsmdb as NDR64, 2 feature negotiation, 3 refused.
        func talk(context: UInt16, alters: Bool = false) -> Conversation {
            var talk = Conversation()
            talk.open()
            let foreign = SyntaxID(high: 1, low: 2, version: 3)
            talk.ask(
                Unit.bind([
                    (0, foreign, [.ndr]), (1, .emsmdb, [Wire.ndr64]), (2, .emsmdb, [Wire.featureNegotiation]),
                ]))
            talk.answer(Unit.bindAck([(0, .ndr), (0, Wire.ndr64), (3, Wire.ndr64)]))
            if alters {
                talk.ask(Unit.bind([(4, .emsmdb, [.ndr])], call: 8, kind: 14))
                talk.answer(Unit.bindAck([(0, .ndr)], call: 8, kind: 15))
            }
            talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762), context: context))
            talk.answer(Unit.response(Stub.registered()))
            talk.datagram()
            return talk
        }
        #expect(talk(context: 0).registrations.isEmpty)
        #expect(talk(context: 1).registrations.isEmpty)
        #expect(talk(context: 4, alters: true).levels == ["confirmed"])
        #expect(talk(context: 4, alters: true).registrations.first?.hasBind == true)
    }

    @Test("Behind the banner of ncacn_http")
    func banner() {
        var talk = Conversation()
        talk.open()
        talk.answer(Array("ncacn_http/1.0".utf8))
        talk.bind()
        talk.register()
        talk.datagram()
        #expect(talk.levels == ["confirmed"])
    }

    @Test("No bind in the capture: the structure alone, and said so")
    func structural() throws {
        var talk = Conversation()
        talk.register()
        talk.datagram()
        let tag = try #require(talk.tags.first)
        #expect(tag.confidence == .probable && talk.registrations.first?.hasBind == false)
        #expect(tag.reasons.contains { $0.contains("by its structure alone, which is no proof") })

        let wrong: [[UInt8]] = [
            Stub.register(Traffic.client(8), 2762),  // not the peer's address
            Stub.register(talk.client.address, 1023),
            Stub.register(talk.client.address, 2762, wrong: Stub.Wrong(advise: 0xFFFF_FFFE)),
            Stub.register(talk.client.address, 2762) + [1, 2, 3, 4],
            Stub.register(talk.client.address, 2762, handle: [UInt8](repeating: 0, count: 20)),
        ]
        for stub in wrong {
            var other = Conversation()
            other.ask(Unit.request(4, stub))
            other.answer(Unit.response(Stub.registered()))
            #expect(other.registrations.isEmpty)
        }
        var trailer = Conversation()
        let verification: [UInt8] = [0x8A, 0xE3, 0x13, 0x71, 0x02, 0xF4, 0x36, 0x71, 1, 0, 4, 0, 0, 0, 0, 0]
        trailer.ask(
            Unit.request(4, Wire.padded(Stub.register(trailer.client.address, 2762), to: 4) + verification))
        #expect(trailer.registrations.count == 1)
    }

    @Test("A callback address that is not the connection's: both are kept")
    func severalAddresses() throws {
        var talk = Conversation()
        talk.open()
        talk.bind()
        let callback = Traffic.client(70)
        talk.ask(Unit.request(4, Stub.register(callback, 2762)))
        talk.answer(Unit.response(Stub.registered()))
        talk.datagram(to: callback)
        talk.datagram()
        let registration = try #require(talk.registrations.first)
        #expect(registration.client == talk.client.address && registration.callback?.address == callback)
        #expect(talk.levels == ["confirmed", "probable"])
    }

    @Test("The endpoint mapper's answer names a server of emsmdb")
    func endpointMapper() throws {
        var talk = Conversation()
        talk.server = TCPEndpoint(address: Traffic.client(200), port: 135)
        talk.open()
        talk.ask(Unit.bind([(0, .endpointMapper, [.ndr])]))
        talk.answer(Unit.bindAck())
        talk.ask(Unit.request(3, [UInt8](repeating: 0, count: 100)))
        talk.answer(Unit.response(Stub.endpointMap(of: .emsmdb)))
        talk.datagram(from: Traffic.server)
        talk.datagram(from: Traffic.client(9))
        #expect(talk.levels == ["possible", "shape"])
        #expect(talk.tags[0].reasons.contains { $0.contains("an endpoint mapper named it in frame 7") })
    }

    @Test("Tables are bounded, and the latest stay")
    func bounds() {
        var registrations = PushRegistrations(limit: 64)
        for number in 0..<1000 {
            registrations.insert(
                PushRegistration(
                    client: Traffic.client(1), clientPort: 1, server: Traffic.server, serverPort: 1,
                    callback: .init(address: Traffic.client(1), port: UInt16(2000 + number)), context: PayloadPrefix(),
                    authLevel: 0, hasBind: true, requested: Sighting(time: Traffic.begin, frame: UInt64(number)),
                    handle: nil, connection: UInt64(number % 3), callID: 1))
        }
        #expect(
            registrations.entries.count <= 64 && registrations.dropped + UInt64(registrations.entries.count) == 1000)
        // Each that is not there any more, or not followed, had not ended.
        let gone = UInt64(registrations.entries.count { $0.end != nil }) + registrations.dropped
        #expect(registrations.letGo.take(as: .registrationTable)?.count == gone)
        #expect(registrations.registrations(for: .init(address: Traffic.client(1), port: 2999)).count == 1)
        #expect(registrations.registrations(for: .init(address: Traffic.client(1), port: 2000)).isEmpty)
    }
}
