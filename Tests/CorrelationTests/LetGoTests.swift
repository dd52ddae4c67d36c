import Correlation
import Records
import Testing

@Suite("What full tables let go")
struct LetGoTests {
    private func smallCorrelator() -> Correlator {
        var limits = Correlator.Limits()
        limits.sendRecords = 4
        limits.forwardedFlows = 4
        return Traffic.correlator(limits: limits)
    }

    private func flood(_ correlator: inout Correlator, count: UInt32, at offset: Int64 = 0) {
        for id in 0..<count { correlator.add(Traffic.record(Traffic.udp(id: 1000 + id), pid: 666, at: offset)) }
    }

    @Test func aRecordLetGoBeforeItsPacketCameIsALoss() {
        var correlator = smallCorrelator()
        correlator.add(Traffic.record(Traffic.udp()))
        flood(&correlator, count: 4, at: 1_000_000)
        let letGo = correlator.takeLetGo()
        #expect(letGo == [LossInterval(kind: .table, count: 1, start: Traffic.start, stop: Traffic.start)])
        #expect(correlator.takeLetGo().isEmpty)
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).reason == .evidenceLost(count: 1))
    }

    @Test func aRecordWhosePacketWasJudgedIsNoLoss() {
        var correlator = smallCorrelator()
        correlator.add(Traffic.record(Traffic.udp()))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).confidence == .exact)
        flood(&correlator, count: 4)
        #expect(correlator.takeLetGo().isEmpty)
    }

    @Test func whatIsTooOldToBeAwaitedIsNoLoss() {
        var correlator = smallCorrelator()
        correlator.add(Traffic.record(Traffic.udp()))
        correlator.awaitPackets(from: Traffic.start.advanced(by: 200_000_000))
        flood(&correlator, count: 4, at: 200_000_000)
        #expect(correlator.takeLetGo().isEmpty)
        let late = correlator.judge(Traffic.seen(Traffic.udp(id: 7), at: 200_000_000))
        #expect(late.reason == .recordsLetGo)
    }

    @Test func aFullTableNamesNobodyElse() {
        var correlator = smallCorrelator()
        correlator.add(Traffic.record(Traffic.udp()))
        flood(&correlator, count: 1000)
        for id: UInt32 in [100, 1000, 1500] {
            #expect(correlator.judge(Traffic.seen(Traffic.udp(id: id))).kind == .unknown)
        }
        let last = correlator.judge(Traffic.seen(Traffic.udp(id: 1999)))
        #expect(last.sender?.process.pid == 666 && last.confidence == .exact)
    }

    @Test("A unique complete match stays exact in a loss interval, one without an IP id does not")
    func matchesInALossInterval() {
        var correlator = Traffic.correlator()
        correlator.add(LossInterval(kind: .send, count: 9, start: Traffic.start, stop: Traffic.start))
        correlator.add(Traffic.record(Traffic.udp()))
        correlator.add(Traffic.record(Traffic.udp(v6: true)))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).confidence == .exact)
        let indistinct = correlator.judge(Traffic.seen(Traffic.udp(v6: true)))
        #expect(indistinct.confidence == .probable && indistinct.reason == .lossNearIndistinctPacket)
    }

    @Test("A lost wire record may have been of an equal answer of the kernel", arguments: [0, 8] as [UInt8])
    func lostWireRecords(type: UInt8) {
        var correlator = Traffic.correlator()
        correlator.add(LossInterval(kind: .wire, count: 9, start: Traffic.start, stop: Traffic.start))
        var packet = Traffic.echoReply(id: 0)
        packet.icmpType = type
        correlator.add(Traffic.record(packet))
        #expect(correlator.judge(Traffic.seen(packet)).confidence == (type == 8 ? .exact : .probable))
    }

    @Test("Later fragments name nobody once first ones were let go", arguments: [4, 8])
    func fragments(capacity: Int) {
        var limits = Correlator.Limits()
        limits.fragments = capacity
        var correlator = Traffic.correlator(limits: limits)
        for id: UInt32 in 1...6 {
            correlator.add(Traffic.record(Traffic.udp(payload: Array(0..<16), length: 4000, v6: true)))
            let first = PartialPacketTests.fragment(offset: 0, bytes: 1480, more: true, v6: true, of: id)
            #expect(correlator.judge(Traffic.seen(first)).kind == .process)
        }
        #expect(correlator.takeLetGo().map(\.kind) == (capacity < 6 ? [.fragmentTable] : []))
        let later = PartialPacketTests.fragment(offset: 1480, bytes: 1480, more: true, v6: true, of: 6)
        let verdict = correlator.judge(Traffic.seen(later))
        if capacity < 6 { #expect(verdict.reason == .recordsLetGo) } else { #expect(verdict.confidence == .exact) }
    }

    @Test("A forwarded flow that was let go is not said to have been received")
    func forwardedFlows() {
        var correlator = smallCorrelator()
        let origin = WireRecord.Origin.forwarded(ingressInterface: 4, ingressName: "veth-lan")
        var routed = Traffic.udp()
        routed.source = IPAddress(v4: 0xCB00_7101)
        for port: UInt16 in 1...9 {
            routed.sourcePort = port
            correlator.add(WireRecord(time: Traffic.start, packet: routed, origin: origin))
        }
        #expect(Set(correlator.takeLetGo().map(\.kind)) == [.flowTable])
        routed.sourcePort = 1
        let verdict = correlator.judge(Traffic.seen(routed, direction: .ingress), seenHere: true)
        #expect(verdict.kind == .unknown && verdict.reason == .recordsLetGo)
    }

    @Test(
        "Where records were lost, an old record names nobody once its IP id may have come round",
        arguments: [100, 65_536])
    func identificationsComeRound(lost: UInt64) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        let moment = Traffic.start.advanced(by: 1_000_000_000)
        correlator.add(LossInterval(kind: .send, count: lost, start: moment, stop: moment))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(), at: 2_000_000_000))
        #expect(verdict.kind == (lost == 100 ? .process : .unknown))
        let prompt = correlator.judge(Traffic.seen(Traffic.udp(), at: 1_000_000))
        #expect(lost == 100 || prompt.confidence == .exact, "the packet that the record is of")
    }
}
