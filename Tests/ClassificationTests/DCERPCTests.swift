import PacketDecoding
import Records
import Testing

@testable import Classification

/// Units, contexts, fragments and calls, each rule at its edge.
@Suite("DCE/RPC")
struct DCERPCTests {
    private static let foreign = SyntaxID(high: 1, low: 2, version: 3)

    private static func bound() -> Conversation {
        var talk = Conversation()
        talk.open()
        talk.bind()
        return talk
    }

    private static func request(
        _ port: UInt16, call: UInt32, flags: UInt8 = 3, part: Range<Int>? = nil, authLevel: UInt8 = 0
    ) -> [UInt8] {
        let stub = Stub.register(Conversation.mailClient, port)
        return Unit.request(4, Array(stub[part ?? 0..<stub.count]), call: call, flags: flags, authLevel: authLevel)
    }

    /// What may be wrong in the first 16 bytes of a request of 100 bytes.
    @Test(
        "A header that contradicts itself begins nothing",
        arguments: [
            (0, 4), (1, 2), (2, 1), (2, 21), (4, 0x20), (4, 0x12), (5, 4), (6, 1), (7, 1), (8, 91), (10, 77),
        ] as [(Int, UInt8)])
    func headers(place: Int, value: UInt8) {
        var header: [UInt8] = [5, 0, 0, 3, 0x10, 0, 0, 0, 100, 0, 76, 0, 1, 0, 0, 0]
        #expect(PDUHeader(header)?.fragmentLength == 100)
        header[place] = value
        #expect(PDUHeader(header) == nil)
    }

    @Test("A unit is as long as its kind needs at least", arguments: [(0, 24), (11, 28), (12, 26), (13, 18), (16, 16)])
    func lengths(kind: Int, shortest: Int) {
        for length in [shortest - 1, shortest] {
            let header: [UInt8] = [5, 0, UInt8(kind), 3, 0x10, 0, 0, 0, UInt8(length), 0, 0, 0, 1, 0, 0, 0]
            #expect((PDUHeader(header) != nil) == (length == shortest))
        }
    }

    /// Whether the bind of a conversation is in force.
    private static func hasBind(_ units: [(isClients: Bool, bytes: [UInt8])]) -> [Bool] {
        var talk = Conversation()
        talk.open()
        for unit in units { if unit.isClients { talk.ask(unit.bytes) } else { talk.answer(unit.bytes) } }
        talk.register()
        return talk.registrations.map(\.hasBind)
    }

    @Test("A context counts from its acceptance on")
    func acceptance() {
        #expect(Self.hasBind([(true, Unit.bind()), (false, Unit.bindAck())]) == [true])
        #expect(Self.hasBind([(true, Unit.bind())]) == [false])
        #expect(Self.hasBind([(true, Unit.bind()), (false, Unit.bindAck([(2, .ndr)]))]) == [false])
        #expect(Self.hasBind([(true, Unit.bind(call: 1)), (false, Unit.bindAck(call: 9))]) == [false])
        let refusal = Unit.make(13, 1, Wire.u16(0) + [0])
        #expect(Self.hasBind([(true, Unit.bind()), (false, refusal), (false, Unit.bindAck())]) == [false])
        // The answer promises a result that it does not have.
        let cut = Unit.make(
            12, 1, Wire.u16(5840) + Wire.u16(5840) + Wire.u32(1) + Wire.u16(0) + Wire.u16(0) + [1, 0, 0, 0])
        #expect(Self.hasBind([(true, Unit.bind()), (false, cut)]) == [false])
        // The first of two contexts has two transfer syntaxes.
        let two = Unit.bind([(1, Self.foreign, [.ndr, Wire.ndr64]), (0, .emsmdb, [.ndr])])
        #expect(Self.hasBind([(true, two), (false, Unit.bindAck([(0, .ndr), (0, .ndr)]))]) == [true])
    }

    @Test("A context's number may be used again, for something else")
    func reused() {
        let again = Unit.bind([(0, Self.foreign, [.ndr])], call: 2, kind: 14)
        #expect(
            Self.hasBind([
                (true, Unit.bind()), (false, Unit.bindAck()), (true, again), (false, Unit.bindAck(call: 2, kind: 15)),
            ]) == [])
    }

    @Test("Proposals and contexts are bounded: the oldest is forgotten")
    func contextBounds() {
        let proposals = (1...5).map { (true, Unit.bind(call: UInt32($0))) }
        #expect(Self.hasBind(proposals + [(false, Unit.bindAck(call: 1))]) == [false])
        #expect(Self.hasBind(proposals + [(false, Unit.bindAck(call: 2))]) == [true])
        let contexts = (0..<65).flatMap { number in
            [
                (true, Unit.bind([(UInt16(number), .emsmdb, [.ndr])], call: UInt32(number), kind: 14)),
                (false, Unit.bindAck(call: UInt32(number), kind: 15)),
            ]
        }
        #expect(Self.hasBind(contexts.dropLast(2)) == [true])
        #expect(Self.hasBind(contexts) == [false])
    }

    @Test("Fragments of two calls that are sent in turn")
    func interleaved() {
        var talk = Self.bound()
        let stub = Stub.register(Conversation.mailClient, 3000)
        talk.ask(Self.request(3000, call: 5, flags: 1, part: 0..<30))
        talk.ask(Self.request(3001, call: 6, flags: 1, part: 0..<40))
        talk.ask(Self.request(3001, call: 6, flags: 2, part: 40..<stub.count))
        talk.ask(Self.request(3000, call: 5, flags: 2, part: 30..<stub.count))
        #expect(talk.registrations.map { $0.callback?.port } == [3001, 3000])
    }

    @Test("Padding between a fragment and its trailer is no part of the stub")
    func padding() {
        var talk = Self.bound()
        talk.ask(Self.request(3000, call: 5, flags: 1, part: 0..<33, authLevel: 5))
        talk.ask(Self.request(3000, call: 5, flags: 2, part: 33..<66, authLevel: 5))
        #expect(talk.registrations.map { $0.callback?.port } == [3000])
    }

    @Test("A stub that grows and grows is let go of")
    func longStubs() {
        var asked = Self.bound()
        asked.ask(Self.request(3000, call: 5, flags: 1))
        asked.ask(Unit.request(4, [UInt8](repeating: 1, count: 960), call: 5, flags: 2))
        #expect(asked.registrations.isEmpty)

        var answered = Self.bound()
        answered.ask(Self.request(3000, call: 5))
        answered.answer(Unit.response(Stub.registered(), call: 5, flags: 1))
        answered.answer(Unit.response([UInt8](repeating: 1, count: 999), call: 5, flags: 2))
        #expect(answered.registrations.map(\.status) == [nil])
    }

    @Test("An answer before its question is complete is none")
    func hastyAnswer() {
        var talk = Self.bound()
        talk.ask(Self.request(3000, call: 5, flags: 1, part: 0..<30))
        talk.answer(Unit.response(Stub.registered(), call: 5))
        talk.ask(Self.request(3000, call: 5, flags: 2, part: 30..<66))
        #expect(talk.registrations.map(\.status) == [nil])
    }

    @Test("A call that is cancelled, or begun again under its number, is forgotten", arguments: [18, 19, 0] as [UInt8])
    func abandoned(kind: UInt8) {
        var talk = Self.bound()
        talk.ask(Self.request(3000, call: 5, flags: 1, part: 0..<30))
        talk.ask(kind == 0 ? Self.request(3001, call: 5) : Unit.make(kind, 5, []))
        talk.ask(Self.request(3000, call: 5, flags: 2, part: 30..<66))
        #expect(talk.registrations.map { $0.callback?.port } == (kind == 0 ? [3001] : []))
    }

    @Test("Of more than 32 outstanding calls the oldest is forgotten")
    func manyCalls() throws {
        var connection = RPCConnection()
        func take(_ unit: [UInt8]) throws -> RPCMessage? {
            connection.take(unit, try #require(PDUHeader(unit)), at: Sighting(time: Traffic.begin, frame: 1)) { _, _ in
                .wholeAndAnswer
            }
        }
        for call in 1...33 { _ = try take(Self.request(3000, call: UInt32(call))) }
        let late = try take(Unit.response(Stub.registered(), call: 1))
        if case .some = late { Issue.record("the oldest call is still there") }
        guard case .response(let call, _) = try take(Unit.response(Stub.registered(), call: 2)) else {
            Issue.record("the answer to a call that is remembered was not handed out")
            return
        }
        #expect(call.id == 2)
    }

    /// All units that come of pieces; between them, bytes are lost.
    private static func units(_ pieces: [[UInt8]], lost: [Int?] = []) -> [(call: UInt32, length: Int)] {
        var stream = PDUStream()
        var found: [(UInt32, Int)] = []
        for (index, piece) in pieces.enumerated() {
            if index > 0, index <= lost.count { stream.lose(lost[index - 1]) }
            var offset = 0
            piece.withRawSpan { bytes in
                while let unit = stream.next(bytes, &offset, end: piece.count) {
                    found.append((unit.header.callID, unit.bytes.count))
                }
            }
        }
        return found
    }

    /// A long answer with a request inside, as a message that quotes a capture has it, and a unit behind it.
    private static let quoting = Unit.response(
        [UInt8](repeating: 1, count: 700) + request(3000, call: 66) + [UInt8](repeating: 1, count: 1000), call: 7)
    private static let behind = request(3001, call: 8)

    @Test("What a long unit holds is not read as units, and only its begin is kept")
    func longUnits() {
        let whole = Self.units([Self.quoting + Self.behind])
        #expect(whole.map(\.call) == [7, 8] && whole[0].length == 64)
    }

    @Test(
        "Bytes that are missing from a unit do not shift its end",
        arguments: [(30, 100), (40, 300), (200, 300), (64, 636)])
    func lostInside(at place: Int, count: Int) {
        let bytes = Self.quoting + Self.behind
        let found = Self.units([Array(bytes[..<place]), Array(bytes[(place + count)...])], lost: [count])
        #expect(found.map(\.call) == (place < 64 ? [8] : [7, 8]))
    }

    @Test("Where it is not known how much is missing, the next header is searched")
    func lostWithoutMeasure() {
        let bytes = Self.quoting
        let found = Self.units([Array(bytes[..<200]), Array(bytes[900...]) + Self.behind], lost: [nil])
        #expect(found.map(\.call) == [7, 8])
    }

    @Test("A stream without units is given up soon, one that had some later")
    func hopeless() {
        func isHopeless(_ bytes: [UInt8]) -> Bool {
            var stream = PDUStream()
            var offset = 0
            bytes.withRawSpan { span in while stream.next(span, &offset, end: bytes.count) != nil {} }
            return stream.isHopeless
        }
        let junk = [UInt8](repeating: 1, count: 66_000)
        #expect(!isHopeless(Array(junk[..<60])) && isHopeless(Array(junk[..<120])))
        #expect(!isHopeless(Self.behind + junk[..<60_000]) && isHopeless(Self.behind + junk))
    }
}
