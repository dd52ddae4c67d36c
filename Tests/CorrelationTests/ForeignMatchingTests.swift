import Correlation
import Records
import Testing

/// Who sent a packet, by what other tools say.
@Suite("Joining by other tools' evidence")
struct ForeignMatchingTests {
    private static let second: Int64 = 1_000_000_000

    /// A packet that aligns the clocks, and its record.
    private static func scene() -> ForeignScene {
        var scene = ForeignScene()
        scene.packets = [ForeignScene.packet(source: 5001, destination: 6001)]
        scene.records = [ForeignScene.record(of: scene.packets[0], pid: 77, line: 99)]
        return scene
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// Process ids of records of the packet itself, and of one with its ports between other addresses.
        var same: [UInt32?] = []
        var ports: [UInt32?] = []
        var trust = EvidenceTrust.stated
        var action = TrafficRecord.Action.sent
        var holdsPacket = false
        var confidence: Verdict.Confidence
        var method: Verdict.Method
    }

    static let rows = [
        Row(testDescription: "one record", same: [2136], confidence: .probable, method: .flow),
        Row(testDescription: "two of one process", same: [2136, 2136], confidence: .probable, method: .flow),
        Row(testDescription: "two processes", same: [2136, 88], confidence: .ambiguous, method: .flow),
        Row(testDescription: "nobody named", same: [nil], confidence: .none, method: .none),
        Row(testDescription: "one named, one not", same: [2136, nil], confidence: .none, method: .none),
        Row(testDescription: "ports", ports: [2136], confidence: .possible, method: .ports),
        Row(testDescription: "ports of two", ports: [2136, 88], confidence: .ambiguous, method: .ports),
        Row(testDescription: "addresses before ports", same: [2136], ports: [88], confidence: .probable, method: .flow),
        Row(testDescription: "nothing", confidence: .none, method: .none),
        Row(testDescription: "received only", same: [2136], action: .received, confidence: .none, method: .none),
        Row(
            testDescription: "the packet itself", same: [2136], holdsPacket: true, confidence: .probable,
            method: .packet),
        Row(
            testDescription: "who was running", same: [2136], trust: .running, holdsPacket: true,
            confidence: .possible, method: .packet),
    ]

    @Test("Evidence, confidence and method", arguments: rows)
    func verdicts(row: Row) {
        var scene = Self.scene()
        scene.trust = row.trust
        let packet = ForeignScene.packet(at: Self.second)
        let elsewhere = ForeignScene.packet(
            from: IPAddress(v4: 0xCB00_7105), to: IPAddress(v4: 0xCB00_7106), at: Self.second)
        scene.packets.append(packet)
        scene.records += row.same.map {
            ForeignScene.record(of: packet, pid: $0, action: row.action, line: 3, holdsPacket: row.holdsPacket)
        }
        scene.records += row.ports.map { ForeignScene.record(of: elsewhere, pid: $0, line: 4) }
        scene.given = ForeignScene.zone + ForeignScene.skew
        let verdict = scene.joined().verdicts[1]
        #expect(verdict.confidence == row.confidence && verdict.method == row.method, "\(verdict.reason)")
        #expect(verdict.confidence != .exact)
        let named = row.confidence > .ambiguous
        #expect(verdict.sender?.process.pid == (named ? 2136 : nil))
        #expect(verdict.candidates.count == (row.confidence == .ambiguous ? 2 : 0))
        if row.method == .ports {
            #expect(verdict.reason.description.contains("ports match, address differs"))
        }
    }

    @Test("Ports that everybody uses tell nobody", arguments: [(137, 137), (68, 67), (5353, 5353)])
    func commonPorts(source: UInt16, destination: UInt16) {
        var scene = Self.scene()
        let packet = ForeignScene.packet(source: source, destination: destination, at: Self.second)
        let elsewhere = ForeignScene.packet(
            source: source, destination: destination, to: IPAddress(v4: 0xCB00_7106), at: Self.second)
        scene.packets.append(packet)
        scene.records.append(ForeignScene.record(of: elsewhere))
        #expect(scene.joined().verdicts[1].kind == .unknown)
    }

    @Test("A machine that the trace does not know, to a destination of its own, is not named by ports")
    func strangers() {
        var scene = Self.scene()
        let stranger = ForeignScene.packet(
            from: IPAddress(v4: 0xCB00_7109), to: IPAddress(v4: 0xCB00_710A), at: Self.second)
        scene.packets.append(stranger)
        scene.records.append(ForeignScene.record(of: ForeignScene.packet(at: Self.second)))
        #expect(scene.joined().verdicts[1].reason == .nothingMatches)
    }

    @Test(
        "A record is of a packet near it only", arguments: [(0, true), (4, true), (-4, true), (7, false), (-7, false)])
    func window(seconds: Int64, isNamed: Bool) {
        var scene = Self.scene()
        let packet = ForeignScene.packet(at: 20 * Self.second)
        scene.packets.append(packet)
        scene.records.append(ForeignScene.record(of: packet, late: seconds * Self.second))
        scene.records.append(ForeignScene.record(of: ForeignScene.packet(source: 9, at: 60 * Self.second)))
        scene.given = ForeignScene.zone + ForeignScene.skew
        let verdict = scene.joined().verdicts[1]
        #expect((verdict.kind == .process) == isNamed, "\(verdict.reason)")
    }

    @Test("Records that are read beside the packets give the same answers in bounded memory", arguments: [1, 64, 1021])
    func streamed(disorder: Int) {
        var scene = ForeignScene()
        let count = 80_021
        for number in 0..<count {
            let source = UInt16(1024 + number % 50_021)
            let destination = UInt16(2000 + number / 50_021)
            scene.packets.append(
                ForeignScene.packet(source: source, destination: destination, at: Int64(number) * 1_000_000))
        }
        var records: [TrafficRecord] = []
        for (number, packet) in scene.packets.enumerated() {
            let pid = UInt32(1 + number % 5)
            records.append(ForeignScene.record(of: packet, pid: pid, line: UInt64(number + 1)))
        }
        for start in stride(from: 0, to: count, by: disorder) {
            records[start..<min(start + disorder, count)].reverse()
        }
        scene.records = records
        let joined = scene.joined(limit: 40_000)
        let matching = joined.matching
        let isRead = matching.needsRecords(of: 0)
        #expect(isRead)
        let wrong = joined.verdicts.enumerated().filter { $1.sender?.process.pid != UInt32(1 + $0 % 5) }
        #expect(wrong.count == 0)
        let (known, unmatched, dropped) = (matching.records, matching.unmatchedRecords, matching.droppedRecords)
        #expect(known == UInt64(count) && unmatched == 0 && dropped == 0)
    }

    @Test("What finds no room weakens answers and is counted")
    func full() {
        var scene = ForeignScene()
        for number in 0..<70_001 {
            let destination = UInt16(1 + number / 60_013)
            scene.packets.append(ForeignScene.packet(source: UInt16(1024 + number % 60_013), destination: destination))
        }
        scene.records = scene.packets.map { ForeignScene.record(of: $0) }
        let joined = scene.joined(limit: 5000)
        let dropped = joined.matching.droppedRecords
        let named = joined.verdicts.filter { $0.kind == .process }.count
        let strongest = joined.verdicts.map(\.confidence).max()
        #expect(dropped == 70_001 - 5000 && named == 5000 && strongest == .possible)
        #expect(joined.verdicts.last?.reason == .recordsLetGo)
    }
}
