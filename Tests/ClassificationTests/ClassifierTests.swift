import Records
import SeededRandomness
import Testing

@testable import Classification

@Suite("Classifier")
struct ClassifierTests {
    private static func datagram(_ offset: Int64, client: Int, source: IPAddress = Traffic.server) -> PacketRecord {
        Traffic.at(offset, Traffic.udp(source, 36000, Traffic.client(client), 2500))
    }

    @Test func tagsDoNotDependOnWhenTheyAreAsked() {
        var generator = SystemRandomNumberGenerator()
        var packets: [PacketRecord] = []
        var time: Int64 = 0
        for _ in 0..<3000 {
            time += Int64.random(in: 0...60_000_000, using: &generator)
            let client = Int.random(in: 1...12, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<6: packets.append(Self.datagram(time, client: client))
            case 6: packets.append(Traffic.at(time, Traffic.udp(Traffic.client(client), 2500, Traffic.server, 36000)))
            case 7: packets.append(Traffic.at(time, Traffic.tcp(Traffic.server, Traffic.client(client), port: 389)))
            default: packets.append(Traffic.at(time, Traffic.echo(Traffic.server, Traffic.client(client))))
            }
        }
        let early = Traffic.tags(packets)
        var classifier = Classifier(configuration: ClassifierConfiguration())
        let decisions = packets.map { classifier.observe($0) }
        // All at the end, the last first.
        var late: [Classification.Tag?] = decisions.reversed().map { decision in
            switch decision {
            case .none: nil
            case .final(let tag): tag
            case .pending(let pending): classifier.resolve(pending)
            }
        }
        late.reverse()
        #expect(late == early)
        #expect(Set(early.compactMap { $0?.confidence }).count == 3)
    }

    @Test func deadlineIsOneSecondAfterThePacket() throws {
        var classifier = Classifier(configuration: ClassifierConfiguration())
        guard case .pending(let pending) = classifier.observe(Self.datagram(5, client: 1)) else {
            Issue.record("decided at once")
            return
        }
        #expect(pending.deadline == Traffic.begin.advanced(by: 5 + Traffic.second))
    }

    @Test func aTagAskedForTwiceIsTheForm() {
        var classifier = Classifier(configuration: ClassifierConfiguration())
        var pending: [PendingTag] = []
        for client in 1...6 {
            if case .pending(let tag) = classifier.observe(Self.datagram(0, client: client)) { pending.append(tag) }
        }
        #expect(pending.map { classifier.resolve($0).confidence } == Array(repeating: .possible, count: 6))
        #expect(pending.map { classifier.resolve($0).confidence } == Array(repeating: .shape, count: 6))
    }

    @Test func aSecondCaptureBeginsANewTimeline() {
        // The same burst again, from an hour before: each half on its own has too few destinations.
        let later = (1...3).map { Self.datagram(Int64($0), client: $0) }
        let earlier = (4...6).map { Self.datagram(Int64($0) - 3600 * Traffic.second, client: $0) }
        #expect(Set(Traffic.names(later + earlier)) == ["newmail/shape"])
        let whole = (1...6).map { Self.datagram(Int64($0) - 3600 * Traffic.second, client: $0) }
        #expect(Traffic.names(later + whole).suffix(6).allSatisfy { $0 == "newmail/possible" })
    }

    @Test func aSecondCaptureHasNoSayInTheFirst() {
        let burst = (1...5).map { Self.datagram(Int64($0), client: $0) }
        let answers = (1...5).map { client in
            Traffic.at(
                Int64(client) - 3600 * Traffic.second,
                Traffic.udp(Traffic.client(client), 2500, Traffic.server, 36000, payload: [1]))
        }
        #expect(Set(Traffic.names(burst + answers).prefix(5)) == ["newmail/possible"])
        #expect(Set(Traffic.names(answers + burst).suffix(5)) == ["newmail/shape"])
    }

    @Test func anAnswerIsFinalAtOnce() {
        var classifier = Classifier(configuration: ClassifierConfiguration())
        let request = Traffic.udp(Traffic.client(1), 2500, Traffic.server, 36000, payload: [1])
        _ = classifier.observe(Traffic.at(0, request))
        guard case .final(let tag) = classifier.observe(Self.datagram(1, client: 1)) else {
            Issue.record("a later packet could change nothing, yet it waits")
            return
        }
        #expect(tag.confidence == .shape)
    }

    @Test func packetsSlightlyOutOfOrderCountAllTheSame() {
        let packets = [3, 1, 5, 2, 4].map { Self.datagram(Int64($0) * 1_000_000, client: $0) }
        #expect(Set(Traffic.names(packets)) == ["newmail/possible"])
    }

    @Test func beyondThePendingLimitThePastDecides() {
        var configuration = ClassifierConfiguration()
        configuration.pendingLimit = 3
        var classifier = Classifier(configuration: configuration)
        var finals: [Classification.Tag.Confidence?] = []
        var pending: [PendingTag] = []
        for client in 1...6 {
            switch classifier.observe(Self.datagram(Int64(client), client: client)) {
            case .none: finals.append(nil)
            case .final(let tag): finals.append(tag.confidence)
            case .pending(let tag): pending.append(tag)
            }
        }
        #expect(pending.count == 3)
        #expect(finals == [.shape, .possible, .possible])
        #expect(pending.map { classifier.resolve($0).confidence } == [.possible, .possible, .possible])
        // Asked for, they make room.
        guard case .pending = classifier.observe(Self.datagram(7, client: 7)) else {
            Issue.record("no room")
            return
        }
    }

    @Test func floodedSourceTableForgetsTheSilentOneOnly() {
        var configuration = ClassifierConfiguration()
        configuration.sourceLimit = 4
        var packets: [PacketRecord] = []
        for client in 1...6 {
            packets.append(Self.datagram(Int64(packets.count), client: client))
            // Three more sources each time: the notifier is never the one that was silent longest.
            for other in 0..<3 {
                let source = IPAddress(v4: 0xCB00_7100 + UInt32(packets.count * 3 + other))
                packets.append(Self.datagram(Int64(packets.count), client: 99, source: source))
            }
        }
        let names = zip(packets, Traffic.names(packets, configuration: configuration))
        // The last one of the flood's candidates pushed nobody out; the notifier's all count.
        #expect(names.filter { $0.0.ip.source == Traffic.server }.allSatisfy { $0.1 == "newmail/possible" })
        #expect(names.filter { $0.0.ip.source != Traffic.server }.allSatisfy { $0.1 == "newmail/shape" })
    }

    @Test func recencyTableReferencesDieWithTheirEntry() {
        var table = RecencyTable<CollidingKey, String>(capacity: 2)
        let first = table.touch(CollidingKey(1), default: { "one" })
        let second = table.touch(CollidingKey(2), default: { "two" })
        table.touch(CollidingKey(1), default: { "never" })
        table.touch(CollidingKey(3), default: { "three" })
        #expect(table[first] == "one")
        #expect(table[second] == nil)
        #expect(table[CollidingKey(2)] == nil && table[CollidingKey(3)] == "three" && table.count == 2)
    }

    @Test("A recency table forgets as a list of keys does, also where keys share their places")
    func recencyTableAgainstList() {
        var table = RecencyTable<CollidingKey, Int>(capacity: 60)
        var list: [(key: Int, value: Int)] = []
        var generator = SeededGenerator(state: 11)
        for step in 0..<5000 {
            let key = Int.random(in: 0..<200, using: &generator)
            table.touch(CollidingKey(key), default: { step }) { $0 += 1 }
            let known = list.firstIndex { $0.key == key }.map { list.remove(at: $0).value }
            list.append((key, (known ?? step) + 1))
            if list.count > 60 { list.removeFirst() }
            guard step % 50 == 0 else { continue }
            for key in 0..<200 {
                #expect(table[CollidingKey(key)] == list.first { $0.key == key }?.value)
            }
        }
        #expect(table.count == 60)
    }

    @Test func tupleHistoryForgetsTheOldestOfASetOnly() {
        var history = TupleHistory(capacity: 4)
        let tuples = (0..<5).map { TupleFingerprint(Traffic.server, $0, Traffic.client(1), 1, seed: 1) }
        for tuple in tuples.prefix(4) { history.insert(tuple) }
        #expect(tuples.prefix(4).allSatisfy { history.contains($0) })
        history.insert(tuples[0])
        history.insert(tuples[4])
        #expect(tuples.map { history.contains($0) } == [true, false, true, true, true])
    }

    @Test func fingerprintsTellDirectionVersionAndPortsApart() {
        let v4 = IPAddress(v4: 1)
        let v6 = IPAddress(v6High: 0, low: 1)
        let other = IPAddress(v4: 2)
        let fingerprints = [
            TupleFingerprint(v4, 1, other, 2, seed: 0), TupleFingerprint(other, 2, v4, 1, seed: 0),
            TupleFingerprint(v4, 2, other, 1, seed: 0), TupleFingerprint(other, 1, v4, 2, seed: 0),
            TupleFingerprint(v6, 1, IPAddress(v6High: 0, low: 2), 2, seed: 0),
            TupleFingerprint(v4, 1, other, 2, seed: 1),
        ]
        #expect(Set(fingerprints).count == fingerprints.count)
    }
}

/// A number that shares its place with every seventh, and its bits with every hundredth.
private struct CollidingKey: TableKey {
    let number: Int
    init(_ number: Int) { self.number = number }
    var mixed: UInt64 { UInt64(number % 100 % 7) | UInt64(number % 100) << 40 }
}
