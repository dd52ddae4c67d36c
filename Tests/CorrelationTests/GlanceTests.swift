import Records
import SeededRandomness
import Testing

@testable import Correlation

/// The short way to a packet's record and the long one come to the same.
@Suite("First looks at the records")
struct GlanceTests {
    /// Few of everything, so that packets meet records that are equal, nearly equal, cut, in parts, too early or too late.
    static func packet(_ numbers: inout SeededGenerator) -> IPPacket {
        let version6 = Int.random(in: 0..<4, using: &numbers) == 0
        var packet = Traffic.udp(
            id: UInt32.random(in: 0..<4, using: &numbers),
            payload: Array(repeating: UInt8.random(in: 1...2, using: &numbers), count: 20), v6: version6,
            destinationPort: UInt16.random(in: 9...10, using: &numbers))
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0: packet.payloadPrefix = packet.payloadPrefix.first(5)
        case 1:
            packet.isFragment = true
            packet.moreFragments = true
            packet.totalLength -= 8
            packet.payloadLength -= 8
        case 2 where !version6:
            packet.isFragment = true
            packet.fragmentOffset = 16
            packet.sourcePort = 0
            packet.destinationPort = 0
        case 3:
            packet.payloadLength = 10
            packet.totalLength -= 10
            packet.udpLength = 18
        default: break
        }
        return packet
    }

    static func record(_ numbers: inout SeededGenerator) -> SendRecord {
        let proofs: [SendRecord.Proof] = [.verified, .verified, .verified, .unverified, .borrowed, .socketUser]
        return Traffic.record(
            packet(&numbers), pid: UInt32.random(in: 1...3, using: &numbers),
            at: Int64.random(in: 0..<20_000_000_000, using: &numbers),
            segment: Int.random(in: 0..<9, using: &numbers) == 0 ? 10 : 0,
            proof: proofs.randomElement(using: &numbers) ?? .verified)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8], [2, 30, 300])
    func saysWhatGatheringFinds(seed: UInt64, records: Int) {
        var numbers = SeededGenerator(state: seed)
        var limits = Correlator.Limits()
        limits.sendRecords = 1 << 9
        var correlator = Traffic.correlator(limits: limits)
        for _ in 0..<records { correlator.add(Self.record(&numbers)) }
        var told = 0
        for _ in 0..<500 {
            let direction: Direction = Bool.random(using: &numbers) ? .egress : .ingress
            let seen = Traffic.seen(
                Self.packet(&numbers), at: Int64.random(in: 0..<26_000_000_000, using: &numbers), direction: direction)
            let matches = correlator.gather(seen)
            switch correlator.glance(seen, correlator.key.hashes(seen.ip)) {
            case .sole(let record):
                told += 1
                let match = correlator.match(record, seen, .complete)
                #expect(matches.accepted.count == 1 && matches.rivals.isEmpty && matches.borrowers.isEmpty)
                #expect(matches.accepted.first?.slot == match.slot && match.comparison == .complete)
                #expect(matches.accepted.first?.delay == match.delay && matches.accepted.first?.proof == .verified)
                #expect(!matches.truncatedWalk)
            case .nothing:
                told += 1
                #expect(matches.accepted.isEmpty && matches.borrowers.isEmpty && !matches.truncatedWalk)
            case .unclear: break
            }
        }
        #expect(told > 0 || correlator.flows != nil, "some packets are ordinary")
    }

    @Test func tellsTheOrdinaryPacket() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        func glance(_ packet: PacketRecord) -> Correlator.Glance {
            correlator.glance(packet, correlator.key.hashes(packet.ip))
        }
        guard case .sole = glance(Traffic.seen(Traffic.udp())) else {
            Issue.record("the only record was not seen at first sight")
            return
        }
        guard case .nothing = glance(Traffic.seen(Traffic.udp(id: 5))) else {
            Issue.record("a packet without a record was not seen at first sight")
            return
        }
    }

    @Test func fewKeepsItsOrder() {
        var few = Few<Int>()
        #expect(few.isEmpty && few.first == nil)
        for number in 1...4 { few.append(number) }
        #expect(Array(few) == [1, 2, 3, 4])
        few.removeAll { $0 % 2 == 1 }
        #expect(Array(few) == [2, 4] && few.first == 2)
        few.removeAll { $0 == 4 }
        #expect(Array(few) == [2])
        few.removeAll()
        #expect(few.isEmpty)
    }
}
