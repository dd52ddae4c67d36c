import Records
import SeededRandomness
import Testing

@testable import Correlation

/// What is said in short of packets is what is said at length.
@Suite("Verdicts in short")
struct BriefJudgementTests {
    /// A correlator in which records of all kinds meet: equal, in parts, unproven, of the kernel, with losses.
    private static func correlator(_ numbers: inout SeededGenerator, _ records: Int) -> Correlator {
        var limits = Correlator.Limits()
        limits.sendRecords = Int.random(in: 0..<2, using: &numbers) == 0 ? 1 << 9 : 40
        var correlator = Traffic.correlator(limits: limits)
        for _ in 0..<records {
            var record = GlanceTests.record(&numbers)
            // Batches make everything go the long way.
            if !Bool.random(using: &numbers) { record.segmentSize = 0 }
            if Int.random(in: 0..<3, using: &numbers) == 0 {
                record.creator = SocketCreator(process: ProcessKey(pid: 9, startTime: 9), name: .empty)
            }
            correlator.add(record)
        }
        if Int.random(in: 0..<3, using: &numbers) == 0 {
            correlator.add(
                WireRecord(
                    time: Traffic.start.advanced(by: 1_000_000_000), packet: GlanceTests.packet(&numbers),
                    origin: .kernel))
        }
        if Int.random(in: 0..<4, using: &numbers) == 0 {
            let start = Traffic.start.advanced(by: 3_000_000_000)
            correlator.add(LossInterval(kind: .send, count: 5, start: start, stop: start.advanced(by: 1000)))
        }
        return correlator
    }

    @Test(arguments: 1...40, [2, 30, 300])
    func areThoseAtLength(seed: Int, records: Int) {
        var numbers = SeededGenerator(state: UInt64(seed))
        var brief = Self.correlator(&numbers, records)
        var long = brief
        var packets: [PacketRecord] = []
        for _ in 0..<300 {
            let direction: Direction = Bool.random(using: &numbers) ? .egress : .ingress
            var packet = GlanceTests.packet(&numbers)
            if Int.random(in: 0..<4, using: &numbers) == 0 { swap(&packet.source, &packet.destination) }
            packets.append(
                Traffic.seen(
                    packet, at: Int64.random(in: 0..<26_000_000_000, using: &numbers), direction: direction))
        }
        let lookups = packets.indices.map { brief.lookupMaker.lookup(packets.span, $0) }
        _ = brief.touch(lookups.span)
        for index in packets.indices {
            // Records come in between, and may push out those that packets were made ready for.
            if Int.random(in: 0..<6, using: &numbers) == 0 {
                let record = GlanceTests.record(&numbers)
                let one = [record]
                var made: [PacketLookup] = []
                _ = brief.prepare(one.span, into: &made)
                brief.add(one.span, 0, made[0])
                long.add(record)
            }
            let expected = long.judge(packets[index])
            var verdicts: [Verdict] = []
            switch brief.judgeBriefly(packets.span, index, lookups[index], &verdicts) {
            case .sent(let record):
                #expect(expected.kind == .process && expected.confidence == .exact)
                #expect(expected.sender == brief.sender(ofRecord: record))
                let verdict = brief.verdict(packets[index], sentBy: record)
                #expect(verdict.reason == expected.reason && verdict.sender == expected.sender)
                #expect(verdict.socketCreator == expected.socketCreator)
            case .received(let confidence):
                #expect(expected.kind == .received && expected.confidence == confidence && expected.tunnel == nil)
            case .full:
                #expect(verdicts.count == 1)
                #expect(verdicts.last?.kind == expected.kind && verdicts.last?.confidence == expected.confidence)
                #expect(verdicts.last?.reason == expected.reason && verdicts.last?.sender == expected.sender)
                #expect(verdicts.last?.candidates == expected.candidates)
            }
        }
        #expect(brief.unmatchedRecords == long.unmatchedRecords)
    }

    @Test func theOrdinaryPacketIsBrief() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        let packets = [Traffic.seen(Traffic.udp()), Traffic.seen(Traffic.udp())]
        let lookups = packets.indices.map { correlator.lookupMaker.lookup(packets.span, $0) }
        _ = correlator.touch(lookups.span)
        var verdicts: [Verdict] = []
        guard case .sent(let record) = correlator.judgeBriefly(packets.span, 0, lookups[0], &verdicts) else {
            Issue.record("the only record was not taken")
            return
        }
        #expect(correlator.sender(ofRecord: record).process.pid == 2136)
        guard case .full = correlator.judgeBriefly(packets.span, 1, lookups[1], &verdicts) else {
            Issue.record("one record was taken for two packets")
            return
        }
        #expect(verdicts.first?.reason == .moreThanSent)
    }
}
