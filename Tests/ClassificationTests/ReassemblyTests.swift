import PacketDecoding
import Records
import SeededRandomness
import Testing

@testable import Classification

@Suite("TCP reassembly")
struct ReassemblyTests {
    /// Bind, registration, datagram, fetch, disconnect, datagram.
    private static func talk() -> Conversation {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.register()
        talk.datagram(after: 50_000_000)
        talk.ask(Unit.request(11, [UInt8](repeating: 3, count: 300), call: 3))
        talk.answer(Unit.response([UInt8](repeating: 4, count: 2000), call: 3))
        talk.ask(Unit.request(1, Stub.handle, call: 4))
        talk.answer(Unit.response([UInt8](repeating: 0, count: 24), call: 4))
        talk.close()
        talk.datagram(after: 50_000_000)
        return talk
    }

    /// Parts of a segment with the same header fields.
    private static func pieces(_ entry: (PacketRecord, [UInt8]), at cuts: [Int]) -> [(PacketRecord, [UInt8])] {
        let (record, bytes) = entry
        guard record.ip.transport == .tcp, bytes.count > 20 else { return [entry] }
        let payload = Array(bytes[20...])
        let bounds = [0] + cuts.filter { $0 > 0 && $0 < payload.count } + [payload.count]
        let sequence = bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
        return zip(bounds, bounds.dropFirst()).map { start, end in
            part(entry, sequence &+ UInt32(start), Array(payload[start..<end]))
        }
    }

    private static func part(_ entry: (PacketRecord, [UInt8]), _ sequence: UInt32, _ payload: [UInt8]) -> (
        PacketRecord, [UInt8]
    ) {
        var (record, bytes) = entry
        bytes.replaceSubrange(4..<8, with: Wire.u32(sequence, true))
        bytes.replaceSubrange(20..., with: payload)
        record.ip.payloadLength = UInt32(payload.count)
        record.ip.payloadPrefix = PayloadPrefix(payload)
        return (record, bytes)
    }

    /// The levels and the kinds of reasons, frames left out.
    private static func outcome(_ packets: [(PacketRecord, [UInt8])]) -> [String] {
        Conversation.run(packets).tags.map { tag in
            ([tag.confidence.name] + tag.reasons.map { $0.filter { !$0.isNumber } }).joined(separator: "; ")
        }
    }

    private static var expected: [String] { outcome(talk().packets) }

    @Test func theWholeConversation() {
        #expect(Self.talk().levels == ["confirmed", "possible"])
        #expect(Self.talk().tags[1].reasons.contains { $0.contains("the client disconnected") })
    }

    @Test("Split at every offset, in order and the second half first", arguments: 1..<120)
    func splitEverywhere(offset: Int) {
        let packets = Self.talk().packets
        #expect(Self.outcome(packets.flatMap { Self.pieces($0, at: [offset]) }) == Self.expected)
        #expect(Self.outcome(packets.flatMap { Self.pieces($0, at: [offset]).reversed() }) == Self.expected)
    }

    @Test("Bytes one by one")
    func oneByOne() {
        #expect(Self.outcome(Self.talk().packets.flatMap { Self.pieces($0, at: Array(1..<3000)) }) == Self.expected)
    }

    @Test("Split in two, shuffled within a window across both directions, partly sent again", arguments: 0..<40)
    func shuffled(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        var pieces = Self.talk().packets.flatMap { entry in
            Self.pieces(entry, at: [max(1, (entry.1.count - 20) / 2)])
        }
        for index in pieces.indices.reversed()
        where Int.random(in: 0..<4, using: &generator) == 0 && !pieces[index].1.isEmpty {
            pieces.insert(pieces[index], at: min(index + Int.random(in: 1...3, using: &generator), pieces.count))
        }
        // Datagrams keep their place.
        var ordered: [(PacketRecord, [UInt8])] = []
        for run in pieces.split(omittingEmptySubsequences: false, whereSeparator: { $0.0.ip.transport == .udp }) {
            var run = Array(run)
            // The handshake stands first: what comes before it is of a connection that nobody knows.
            let begin = ordered.isEmpty ? 2 : 0
            for index in run.indices.dropFirst(begin) {
                run.swapAt(index, min(index + Int.random(in: 0...3, using: &generator), run.count - 1))
            }
            ordered += run
            if let datagram = pieces.filter({ $0.0.ip.transport == .udp }).dropFirst(
                ordered.filter { $0.0.ip.transport == .udp }.count
            ).first {
                ordered.append(datagram)
            }
        }
        #expect(Self.outcome(ordered) == Self.expected)
    }

    @Test("Overlaps with other content: the first copy counts")
    func overlaps() {
        let packets = Self.talk().packets.flatMap { entry -> [(PacketRecord, [UInt8])] in
            let pieces = Self.pieces(entry, at: [20])
            guard pieces.count == 2 else { return pieces }
            let payload = Array(entry.1[20...])
            let sequence = entry.1[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
            // The first half with garbage in what was already there.
            let again = Self.part(entry, sequence, [UInt8](repeating: 0xFF, count: 20) + payload[20...])
            return [pieces[0], again, pieces[1]]
        }
        #expect(Self.outcome(packets) == Self.expected)
    }

    @Test("A missing segment costs its own unit, not those behind it", arguments: [4, 5])
    func lostBind(frame: UInt64) throws {
        let packets = Self.talk().packets
        // Frame 4 is the bind and 5 its acknowledgement: without either the structure tells.
        let lossy = packets.filter { $0.0.frame != frame }.map {
            ($0.0.frame >= 7 ? Self.moved($0.0, by: Traffic.second) : $0.0, $0.1)
        }
        let result = Conversation.run(lossy)
        #expect(result.tags.map(\.confidence) == [.probable, .possible])
        #expect(result.tags[0].reasons.contains { $0.contains("by its structure alone") })
        let registration = try #require(result.registrations.first)
        #expect(result.registrations.count == 1)
        #expect(!registration.hasBind && registration.requested.frame == 6 && registration.answered?.frame == 7)
        #expect(registration.end?.cause == .disconnected && registration.end?.seen.frame == 11)
    }

    @Test("A lost request or answer proves nothing")
    func lostRegistration() {
        let packets = Self.talk().packets
        #expect(Conversation.run(packets.filter { $0.0.frame != 6 }).registrations.isEmpty)
        let unanswered = Conversation.run(packets.filter { $0.0.frame != 7 })
        #expect(unanswered.tags[0].confidence == .probable)
        #expect(unanswered.registrations.first?.hasBind == true)
    }

    private static func moved(_ record: PacketRecord, by span: Int64) -> PacketRecord {
        var record = record
        record.time = record.time.advanced(by: span)
        return record
    }

    @Test("What is sent again after the end begins nothing")
    func lateCopies() {
        var talk = Self.talk()
        let copies = talk.packets.filter { $0.0.ip.transport == .tcp && $0.1.count > 20 }
        talk.packets += copies.map { (Self.moved($0.0, by: Traffic.second), $0.1) }
        talk.time += 2 * Traffic.second
        talk.datagram()
        #expect(talk.levels == ["confirmed", "possible", "possible"])
    }

    @Test("Cut by the snap length, long units keep the place of the next")
    func snapLength() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.ask(Unit.request(11, [UInt8](repeating: 3, count: 1200), call: 3))
        talk.register()
        talk.datagram()
        let cut = talk.packets.map { ($0.0, Array($0.1.prefix(220))) }
        #expect(Self.outcome(cut)[0].hasPrefix("confirmed"))
    }

    /// An open connection with a registration; what `change` does to it, and a datagram.
    private static func afterwards(_ change: (inout Conversation) -> Void) -> Conversation {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.register()
        change(&talk)
        talk.datagram()
        return talk
    }

    @Test("After FIN or RST nothing is registered any more", arguments: [true, false])
    func registrationAfterTheEnd(isOrderly: Bool) {
        let talk = Self.afterwards {
            if isOrderly { $0.close() } else { $0.reset() }
            $0.register(port: 3000, call: 9)
        }
        #expect(talk.registrations.map { $0.end?.cause } == [.connectionEnded])
        #expect(talk.levels == ["possible"])
    }

    @Test("A FIN ends a registration at once, even before what it follows is here")
    func hastyEnd() {
        let talk = Self.afterwards {
            $0.clientNext &+= 10
            $0.close()
        }
        #expect(talk.levels == ["possible"])
    }

    @Test("Segments from elsewhere in the sequence space: a few are strays, more are another connection")
    func strangers() {
        func level(_ count: Int) -> [String] {
            Self.afterwards { talk in
                talk.clientNext &+= 0x1000_0000
                for _ in 0..<count { talk.ask([1, 2, 3]) }
            }.levels
        }
        #expect(level(8) == ["confirmed"] && level(9) == ["possible"])
    }

    @Test("An acknowledgement of what cannot have been sent holds nothing up")
    func wildAcknowledgement() {
        var talk = Self.afterwards { _ in }
        let answer = talk.packets.count - 2
        talk.packets[answer].1.replaceSubrange(8..<12, with: Wire.u32(talk.clientNext &+ 0x1000_0000, true))
        #expect(talk.levels == ["confirmed"])
    }

    @Test("Too many segments behind a gap end the waiting")
    func overfull() {
        var talk = Conversation()
        talk.open()
        talk.bind()
        talk.clientNext &+= 10
        for _ in 0..<70 { talk.ask(Unit.request(11, [1, 2, 3], call: 3)) }
        talk.register(call: 9)
        talk.datagram()
        // All of it in less than the time that a gap is waited for.
        #expect(talk.time < ControlConnection.patience)
        #expect(talk.levels == ["confirmed"])
    }

    @Test("Overlapping segments in the wrong order")
    func overlapsOutOfOrder() {
        let packets = Self.talk().packets.flatMap { entry -> [(PacketRecord, [UInt8])] in
            guard entry.1.count > 60 else { return [entry] }
            let payload = Array(entry.1[20...])
            let sequence = entry.1[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
            return [
                Self.part(entry, sequence &+ 10, Array(payload[10...])),
                Self.part(entry, sequence, Array(payload[..<20])),
            ]
        }
        #expect(Self.outcome(packets) == Self.expected)
    }

    @Test("What waits twice waits once")
    func heldTwice() {
        var stream = TCPStream()
        func held(_ length: Int) -> TCPStream.Held {
            TCPStream.Held(
                sequence: 5, acknowledgement: nil, bytes: [UInt8](repeating: 1, count: length), length: length,
                isLast: false, seen: Sighting(time: Traffic.begin, frame: 1))
        }
        for length in [20, 20, 10, 30] { stream.hold(held(length)) }
        #expect(stream.held.map(\.length) == [30, 20] && stream.heldBytes == 50)
    }

    @Test("Fragments of IP have no segment")
    func fragments() {
        let (packet, bytes) = Self.talk().packets[3]
        var fragment = packet.ip
        fragment.isFragment = true
        bytes.withRawSpan { span in
            #expect(TCPSegment(packet.ip, span) != nil && TCPSegment(fragment, span) == nil)
        }
    }

    @Test("Bytes that wait on all connections together are bounded")
    func heldInAll() {
        var channels = ControlChannels(seed: 1, connectionLimit: 64, heldLimit: 3000)
        var control = MailControl(configuration: ClassifierConfiguration())
        var most = 0
        for number in 0..<20 {
            var talk = Conversation()
            talk.client = TCPEndpoint(address: Traffic.client(number), port: 50001)
            talk.open()
            talk.bind()
            talk.clientNext &+= 10
            talk.ask([UInt8](repeating: 3, count: 1000))
            for (packet, bytes) in talk.packets {
                bytes.withRawSpan { channels.observe(packet, $0, into: &control) }
                most = max(most, channels.heldBytes)
            }
        }
        #expect(most > 0 && most <= 4000)
    }

    @Test("Connections are bounded: the one that was silent longest is followed no more")
    func connectionBounds() throws {
        var configuration = ClassifierConfiguration()
        configuration.connectionLimit = 4
        var classifier = Classifier(configuration: configuration)
        for number in 0..<5 {
            var talk = Conversation()
            talk.client = TCPEndpoint(address: Traffic.client(number), port: 50001)
            talk.time = Int64(number) * Traffic.second
            talk.open()
            talk.bind()
            talk.register()
            for (packet, bytes) in talk.packets { _ = bytes.withRawSpan { classifier.observe(packet, transport: $0) } }
        }
        let ends = classifier.registrations.map { $0.end?.cause }
        #expect(ends == [.lostTrack, nil, nil, nil, nil])
        let loss = classifier.takeLetGo()
        #expect(loss?.kind == .registrationTable && loss?.count == 1 && classifier.takeLetGo() == nil)

        // The same for connections that have only begun, each on ports of its own.
        var channels = ControlChannels(seed: 1, connectionLimit: 4, heldLimit: 1 << 16)
        var control = MailControl(configuration: configuration)
        var looks: [Bool] = []
        for number in 0..<5 {
            var talk = Conversation()
            talk.client = TCPEndpoint(address: Traffic.client(1), port: UInt16(50001 + number))
            talk.open()
            for (packet, bytes) in talk.packets { bytes.withRawSpan { channels.observe(packet, $0, into: &control) } }
        }
        for number in 0..<5 {
            var talk = Conversation()
            talk.client = TCPEndpoint(address: Traffic.client(1), port: UInt16(50001 + number))
            talk.ask([1, 2, 3])
            looks.append(channels.concerns(talk.packets[0].0.ip))
        }
        #expect(looks == [false, true, true, true, true])
    }

    @Test("Other protocols are forgotten at their first byte")
    func ordinaryTraffic() {
        var channels = ControlChannels(seed: 1, connectionLimit: 16, heldLimit: 1 << 16)
        var control = MailControl(configuration: ClassifierConfiguration())
        var talk = Conversation()
        talk.server = TCPEndpoint(address: Traffic.server, port: 443)
        talk.open()
        for (packet, bytes) in talk.packets where channels.concerns(packet.ip) {
            bytes.withRawSpan { channels.observe(packet, $0, into: &control) }
        }
        talk.packets = []
        talk.ask([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3])
        talk.answer([0x16, 3, 3, 0, 5, 2, 0, 0, 1, 3])
        var looks: [Bool] = []
        for (packet, bytes) in talk.packets {
            looks.append(channels.concerns(packet.ip))
            if looks.last == true { bytes.withRawSpan { channels.observe(packet, $0, into: &control) } }
        }
        #expect(looks == [true, false])
    }

    @Test("Floods of connections and of held bytes stay in bounds")
    func floods() {
        var configuration = ClassifierConfiguration()
        configuration.connectionLimit = 8
        configuration.reassemblyLimit = 4096
        var classifier = Classifier(configuration: configuration)
        var generator = SeededGenerator(state: 5)
        for number in 0..<4000 {
            let from = TCPEndpoint(address: Traffic.client(number % 200), port: UInt16(1024 + number))
            let to = TCPEndpoint(address: Traffic.server, port: 1025)
            let flags: UInt8 = number % 3 == 0 ? 0x02 : 0x18
            let payload = flags == 2 ? [] : Unit.bind() + [UInt8](repeating: 5, count: 400)
            let offset = UInt32.random(in: 0...3000, using: &generator)
            let (packet, bytes) = Conversation.segment(
                from, to, offset, 0, flags: flags, payload, at: Int64(number), frame: number + 1)
            _ = bytes.withRawSpan { classifier.observe(packet, transport: $0) }
        }
        // What is followed afterwards still works.
        var tags: [TagDecision] = []
        for (packet, bytes) in Self.talk().packets {
            let decision = bytes.withRawSpan { classifier.observe(packet, transport: $0) }
            if packet.ip.transport == .udp { tags.append(decision) }
        }
        guard case .pending(let first) = tags[0] else {
            Issue.record("decided at once")
            return
        }
        #expect(classifier.resolve(first).confidence == .confirmed)
    }

    @Test("Random bytes on a followed connection do no harm", arguments: 0..<50)
    func mutations(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed) &* 977)
        var packets = Self.talk().packets
        for _ in 0..<6 {
            let index = Int.random(in: 0..<packets.count, using: &generator)
            guard packets[index].1.count > 20 else { continue }
            let place = Int.random(in: 4..<packets[index].1.count, using: &generator)
            packets[index].1[place] = UInt8.random(in: 0...255, using: &generator)
        }
        #expect(Conversation.run(packets).tags.count == 2)
    }
}
