import Correlation
import Records
import Testing

/// What the matches say of clocks.
@Suite("Clock alignment")
struct ClockAlignmentTests {
    private static let second: Int64 = 1_000_000_000

    @Test("One match is enough to state an offset")
    func oneMatch() {
        var scene = ForeignScene()
        scene.packets = (0..<15).map { ForeignScene.packet(source: 36000 + $0) }
        scene.records = [ForeignScene.record(of: scene.packets[4])]
        let joined = scene.joined()
        #expect(
            joined.offset == ClockOffset(nanoseconds: ForeignScene.zone + ForeignScene.skew, spread: nil, matches: 1))
        #expect(joined.offset?.zone == ForeignScene.zone && joined.offset?.residual == ForeignScene.skew)
        #expect(joined.verdicts.map(\.kind).filter { $0 == .process }.count == 1)
        #expect(joined.verdicts[4].confidence == .probable && joined.verdicts[4].method == .flow)
        #expect(joined.verdicts[5].reason == .nothingMatches)
    }

    @Test("No match, or matches that contradict each other, state none and name nobody", arguments: [false, true])
    func noOffset(contradicts: Bool) {
        var scene = ForeignScene()
        scene.packets = (0..<4).map { ForeignScene.packet(source: 36000 + $0) }
        scene.records =
            contradicts
            ? (0..<4).map { ForeignScene.record(of: scene.packets[$0], late: Int64($0) * 3600 * Self.second) }
            : [ForeignScene.record(of: ForeignScene.packet(source: 1999))]
        let joined = scene.joined()
        #expect(joined.offset == nil)
        #expect(joined.verdicts.allSatisfy { $0.kind == .unknown })
        let reason = contradicts ? ForeignReason.contradictoryMatches(4) : .noMatches
        #expect(joined.verdicts.allSatisfy { $0.reason == .foreign(reason) })
        scene.given = ForeignScene.zone + ForeignScene.skew
        #expect(scene.joined().offset?.isGiven == true)
        #expect(scene.joined().verdicts[0].kind == (contradicts ? .process : .unknown))
    }

    @Test("One match between clocks that nobody can have set so is no match", arguments: [30 * 3600, 3600 + 450])
    func implausible(seconds: Int64) {
        var scene = ForeignScene()
        scene.packets = [ForeignScene.packet()]
        scene.records = [
            ForeignScene.record(
                of: scene.packets[0], late: ForeignScene.zone + ForeignScene.skew - seconds * Self.second)
        ]
        #expect(scene.joined().offset == nil)
    }

    @Test("A whole burst with one stamp on each side", arguments: [1, 2, 997])
    func coarse(count: Int) {
        var scene = ForeignScene()
        scene.packets = (0..<count).map { ForeignScene.packet(source: UInt16(10_000 + $0)) }
        scene.records = scene.packets.enumerated().map {
            ForeignScene.record(of: $1, pid: UInt32(100 + $0), line: UInt64($0 + 1))
        }.reversed()
        let joined = scene.joined()
        #expect(joined.offset?.matches == UInt64(count))
        #expect(joined.verdicts.map(\.sender?.process.pid) == (0..<count).map { UInt32(100 + $0) })
    }

    @Test("A clock that jumps by two seconds in the middle", arguments: [2, -2])
    func jump(seconds: Int64) {
        var scene = ForeignScene()
        scene.packets = (0..<1000).map {
            ForeignScene.packet(source: UInt16(10_000 + $0), at: Int64($0) * 50_000_000)
        }
        scene.records = scene.packets.enumerated().map { number, packet in
            ForeignScene.record(
                of: packet, pid: UInt32(100 + number % 7), late: number < 500 ? 0 : seconds * Self.second)
        }
        let joined = scene.joined()
        #expect(joined.offset?.matches == 1000)
        #expect(joined.offset?.spread == 2 * Self.second)
        #expect(joined.verdicts.map(\.sender?.process.pid) == (0..<1000).map { UInt32(100 + $0 % 7) })
    }

    @Test("Packets that all repeat are aligned by their pattern, where only one offset fits", arguments: [true, false])
    func repeated(isPeriodic: Bool) {
        var scene = ForeignScene()
        let times: [Int64] = isPeriodic ? [0, 60, 120, 180, 240] : [0, 47, 101, 230, 391]
        scene.packets = times.map { ForeignScene.packet(at: $0 * Self.second) }
        scene.records = scene.packets.map { ForeignScene.record(of: $0) }
        let joined = scene.joined()
        #expect((joined.offset == nil) == isPeriodic)
        #expect(joined.verdicts.allSatisfy { ($0.kind == .process) == !isPeriodic })
    }

    @Test("A bounded sample of a long capture finds the same offset", arguments: [16, 100, 100_000])
    func sampled(limit: Int) {
        var sample = PacketSample(limit: limit)
        var votes = ClockVotes()
        let packets = (0..<5003).map {
            ForeignScene.packet(source: UInt16(10_000 + $0), at: Int64($0) * 1_000_003)
        }
        for packet in packets { sample.add(packet.ip, at: packet.time) }
        for packet in packets { votes.add(ForeignScene.record(of: packet), sample: sample) }
        guard case .aligned(let offset) = votes.estimate(sample: sample) else {
            Issue.record("no offset")
            return
        }
        #expect(offset.nanoseconds == ForeignScene.zone + ForeignScene.skew)
        #expect(offset.matches > 0 && offset.matches <= UInt64(limit))
    }
}
