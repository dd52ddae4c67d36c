import PacketDecoding
import Records
import Testing

@testable import Classification

/// Where a registration stops to say something: each rule at its edge.
@Suite("The limits of registrations")
struct RegistrationLimitTests {
    private static let stranger = IPAddress(v4: 0xC000_0263)
    private static let other: [UInt8] = [9, 8, 7, 6, 5, 4, 3, 2]
    private static let zeros = [UInt8](repeating: 0, count: 8)

    private static func bound() -> Conversation {
        var talk = Conversation()
        talk.open()
        talk.bind()
        return talk
    }

    private static func registered(_ context: [UInt8] = Traffic.context) -> Conversation {
        var talk = bound()
        talk.register(context: context)
        return talk
    }

    @Test("A refused registration says nothing of what strangers send")
    func refused() {
        var talk = Self.bound()
        talk.register(status: 0x8004_0102)
        talk.datagram(from: Self.stranger)
        #expect(talk.levels == ["shape"])
    }

    @Test("More or fewer bytes than registered are other bytes", arguments: [7, 9])
    func lengths(length: Int) {
        let context = (1...length).map { UInt8(0x80 + $0) }
        var talk = Self.registered(context)
        talk.datagram((1...8).map { UInt8(0x80 + $0) })
        #expect(talk.levels == ["probable"])
    }

    @Test("After the end only the registered bytes are of interest, whatever they are")
    func afterTheEnd() {
        var talk = Self.registered(Self.zeros)
        talk.ask(Unit.request(1, Stub.handle, call: 9))
        talk.datagram(Self.zeros)
        talk.datagram(Self.other, from: Self.stranger)
        #expect(talk.levels == ["possible", "shape"])
    }

    @Test("Other bytes are not probable before the server accepted the port")
    func otherBytesUnanswered() {
        var talk = Self.bound()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762)))
        talk.datagram(Self.other)
        #expect(talk.levels == ["possible"])
    }

    @Test("A datagram before the answer in time, but behind it in the file, is not confirmed")
    func betweenRequestAndAnswer() {
        var talk = Self.registered()
        // The request has 5 ms, the answer 6 ms.
        talk.time = 5_500_000
        talk.datagram()
        talk.time = 1_000_000
        talk.datagram()
        #expect(talk.levels == ["probable", "shape"])
    }

    @Test("Encrypted: neither privileged ports nor earlier datagrams")
    func sealed() {
        var talk = Self.bound()
        talk.ask(Unit.request(4, [UInt8](repeating: 0x5A, count: 80), authLevel: 6))
        talk.datagram(port: 1023)
        talk.time = 4_500_000
        talk.datagram(port: 4711)
        #expect(talk.levels == ["-", "possible"])
    }

    @Test("Encrypted and without a bind it may be anything's")
    func sealedWithoutBind() {
        var talk = Conversation()
        talk.ask(Unit.request(4, [UInt8](repeating: 0x5A, count: 80), authLevel: 6))
        #expect(talk.registrations.isEmpty)
    }

    @Test("An encrypted disconnect may be any session's")
    func sealedDisconnect() {
        var talk = Self.registered()
        talk.ask(Unit.request(1, [UInt8](repeating: 0x5A, count: 32), call: 9, authLevel: 6))
        talk.datagram()
        #expect(talk.levels == ["possible"])
        #expect(talk.registrations.first?.end?.cause == .disconnected)
    }

    @Test("A session's new registration replaces its own, not another session's")
    func sessions() {
        var talk = Self.registered()
        talk.register(context: Self.other, port: 3000, handle: Stub.otherHandle, call: 9)
        talk.datagram()
        talk.datagram(Self.other, port: 3000)
        #expect(talk.levels == ["confirmed", "confirmed"])
    }

    @Test("A handle of zeros ends the registration that it answers too")
    func destroyed() {
        var talk = Self.bound()
        talk.register(handle: Stub.handle)
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 3000), call: 9))
        talk.answer(Unit.response(Stub.registered(handle: [UInt8](repeating: 0, count: 20)), call: 9))
        talk.datagram(port: 3000)
        #expect(talk.registrations.map { $0.end?.cause } == [.sessionDestroyed, .sessionDestroyed])
        #expect(talk.levels == ["possible"])
    }

    @Test("Answers go to their own calls")
    func outstandingCalls() {
        var talk = Self.bound()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 3000), call: 5))
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 3001, handle: Stub.otherHandle), call: 6))
        talk.answer(Unit.response(Stub.registered(0x8004_0102), call: 5))
        talk.answer(Unit.response(Stub.registered(handle: Stub.otherHandle), call: 6))
        #expect(talk.registrations.map(\.status) == [0x8004_0102, 0])
        #expect(talk.registrations.map { $0.end?.cause } == [.refused, nil])
    }

    @Test("A client does not answer itself")
    func wrongDirection() {
        var talk = Self.bound()
        talk.ask(Unit.request(4, Stub.register(talk.client.address, 2762)))
        talk.ask(Unit.response(Stub.registered()))
        talk.datagram()
        #expect(talk.levels == ["probable"])
    }

    @Test("Only emsmdb's server is one of Exchange's")
    func otherInterfaces() {
        var talk = Conversation()
        talk.open()
        talk.ask(Unit.bind([(0, SyntaxID(high: 1, low: 2, version: 3), [.ndr])]))
        talk.answer(Unit.bindAck())
        talk.datagram()
        #expect(talk.levels == ["shape"])
    }

    @Test(
        "An endpoint mapper without its bind is known by its port; only emsmdb's towers count",
        arguments: [(135, .emsmdb, "possible"), (1026, .emsmdb, "shape"), (135, .endpointMapper, "shape")]
            as [(UInt16, SyntaxID, String)])
    func endpointMapper(port: UInt16, interface: SyntaxID, level: String) {
        var talk = Conversation()
        talk.server = TCPEndpoint(address: Traffic.client(200), port: port)
        talk.ask(Unit.request(3, [UInt8](repeating: 0, count: 100)))
        talk.answer(Unit.response(Stub.endpointMap(of: interface)))
        talk.datagram(from: Traffic.server)
        #expect(talk.levels == [level])
    }

    @Test("What was recognised by structure stays so")
    func inferredTwice() {
        var talk = Conversation()
        talk.register()
        talk.register(context: Self.other, port: 3000, call: 9)
        talk.datagram(Self.other, port: 3000)
        #expect(talk.registrations.map(\.hasBind) == [false, false])
        #expect(talk.levels == ["probable"])
    }

    /// A stub with one field changed: the family's and port's places are those of an 8-byte context.
    private static func stub(_ address: IPAddress, _ place: Int, _ bytes: [UInt8]) -> RPCStub {
        var stub = Stub.register(address, 2762)
        stub.replaceSubrange(place..<place + bytes.count, with: bytes)
        return RPCStub(bytes: stub, isBigEndian: false)
    }

    @Test("Address families and ports")
    func addresses() {
        let (v4, v6) = (Traffic.client(7), Traffic.client(7, .v6))
        #expect(PushNotificationRequest(Self.stub(v4, 48, [2, 0])) != nil)
        #expect(PushNotificationRequest(Self.stub(v4, 48, [3, 0])) == nil)
        #expect(PushNotificationRequest(Self.stub(v4, 48, [23, 0])) == nil)
        #expect(PushNotificationRequest(Self.stub(v4, 50, [0, 0])) == nil)
        #expect(PushNotificationRequest(Self.stub(v6, 48, [23, 0]))?.callback.address == v6)
        #expect(PushNotificationRequest(Self.stub(v6, 48, [10, 0]))?.callback.address == v6)
        #expect(PushNotificationRequest(Self.stub(v6, 48, [24, 0])) == nil)
        #expect(PushNotificationRequest(Self.stub(v6, 48, [2, 0])) == nil)
    }

    @Test("A context of more than 16 bytes is none, even if all counts agree")
    func longContext() {
        for (length, isOne) in [(16, true), (17, false), (20, false)] {
            let stub = Stub.register(Traffic.client(7), 2762, context: [UInt8](repeating: 7, count: length))
            #expect((PushNotificationRequest(RPCStub(bytes: stub, isBigEndian: false)) != nil) == isOne)
        }
    }

    @Test("An answer that is cut short is none")
    func shortAnswer() {
        let whole = Stub.registered()
        #expect(PushNotificationResponse(RPCStub(bytes: whole, isBigEndian: false))?.status == 0)
        #expect(PushNotificationResponse(RPCStub(bytes: whole.dropLast(), isBigEndian: false)) == nil)
    }

    @Test("Fragments and payloads that were not captured whole prove nothing")
    func incompleteDatagrams() {
        var talk = Self.registered()
        talk.datagram()
        talk.datagram()
        talk.packets[talk.packets.count - 2].0.ip.isFragment = true
        talk.packets[talk.packets.count - 1].0.ip.payloadPrefix = PayloadPrefix(Traffic.context.prefix(4))
        #expect(talk.levels == ["possible", "possible"])
    }

    @Test("A named port says nothing of other lengths than 8")
    func namedPort() {
        var talk = Self.registered()
        talk.datagram([1, 2, 3], from: Self.stranger)
        var classifier = Classifier(configuration: ClassifierConfiguration(newmailPorts: [Conversation.port]))
        var decision = TagDecision.none
        for (packet, bytes) in talk.packets {
            decision = bytes.withRawSpan { classifier.observe(packet, transport: $0) }
        }
        guard case .pending(let pending) = decision else {
            Issue.record("not pending: \(decision)")
            return
        }
        #expect(classifier.resolve(pending).confidence == .possible)
    }
}
