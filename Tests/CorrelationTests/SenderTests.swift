import Correlation
import Records
import Testing

@Suite("Naming the sender")
struct SenderTests {
    @Test(arguments: [false, true])
    func completeIdentityIsExact(v6: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(v6: v6)))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(v6: v6)))
        #expect(verdict.kind == .process && verdict.confidence == .exact && verdict.method == .packet)
        #expect(verdict.sender?.process.pid == 2136)
        #expect(verdict.reason.description.contains("the only send record"))
        #expect(correlator.unmatchedRecords == 0)
    }

    @Test func aRecordIsNotConsumedByAMatch() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        for direction in [Direction.egress, .ingress, .unknown] {
            #expect(correlator.judge(Traffic.seen(Traffic.udp(), direction: direction)).sender?.process.pid == 2136)
        }
    }

    /// Every field of the identity counts: a packet that differs in one of them has another sender.
    @Test(arguments: [
        Traffic.udp(id: 101), Traffic.udp(payload: Array("12345679".utf8)), Traffic.udp(sourcePort: 36004),
        Traffic.udp(destinationPort: 2763), Traffic.udp(payload: Array("12345678".utf8), length: 9),
        Traffic.udp(v6: true),
    ])
    func anyDifferenceIsNoMatch(packet: IPPacket) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        let verdict = correlator.judge(Traffic.seen(packet))
        #expect(verdict.kind == .unknown && verdict.sender == nil)
        #expect(correlator.unmatchedRecords == 1)
    }

    @Test(
        arguments: [
            (-5_000_000_001, false), (-4_999_000_000, true), (0, true), (100_000, true), (100_001, false),
        ] as [(Int64, Bool)])
    func theWindowHasTwoSides(recordOffset: Int64, matches: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), at: recordOffset))
        #expect((correlator.judge(Traffic.seen(Traffic.udp(), at: 0)).kind == .process) == matches)
    }

    @Test func equalRecordsOfTwoProcessesAreAmbiguous() {
        var correlator = Traffic.correlator()
        let packet = Traffic.udp(id: 0)
        correlator.add(Traffic.record(packet, pid: 10))
        correlator.add(Traffic.record(packet, pid: 11, at: 100_000))
        let verdict = correlator.judge(Traffic.seen(packet))
        #expect(verdict.kind == .process && verdict.confidence == .ambiguous && verdict.sender == nil)
        #expect(Set(verdict.candidates.map(\.sender.process.pid)) == [10, 11])
    }

    /// Two recordings of one machine tell of one process; two machines may have processes alike.
    @Test(arguments: [(UInt16(0), Verdict.Confidence.exact), (1, .ambiguous)])
    func recordsOfTwoRecordingsAreOneProcess(machine: UInt16, confidence: Verdict.Confidence) {
        var correlator = Traffic.correlator()
        var again = Traffic.record(Traffic.udp(id: 0), at: 1_000, host: 1)
        again.machine = machine
        correlator.add(Traffic.record(Traffic.udp(id: 0)))
        correlator.add(again)
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: 0)))
        #expect(verdict.kind == .process && verdict.confidence == confidence)
        #expect(verdict.candidates.count == (machine == 0 ? 0 : 2))
    }

    /// Two recordings of one machine have a record each of one send: a second equal packet is nobody's.
    @Test func twoRecordingsAreNoLeaveForTwoPackets() {
        var correlator = Traffic.correlator()
        for host in [UInt16(0), 1] {
            var record = Traffic.record(Traffic.udp(), at: Int64(host), host: host)
            record.machine = 0
            correlator.add(record)
        }
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).sender?.process.pid == 2136)
        let second = correlator.judge(Traffic.seen(Traffic.udp(), at: 600_000, frame: 2))
        #expect(second.kind == .unknown && second.reason == .moreThanSent)
    }

    /// One record is one packet at each place, at the sixth as at the first.
    @Test func everyPlaceIsCounted() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(id: 0)))
        for capture in UInt16(0)..<6 {
            var packet = Traffic.seen(Traffic.udp(id: 0))
            packet.capture = capture
            #expect(correlator.judge(packet).sender?.process.pid == 2136)
            #expect(correlator.judge(packet).reason == .moreThanSent)
        }
    }

    /// Without an IP id an equal packet of another process cannot be told, and behind the evidence's end nobody recorded it.
    @Test(
        arguments: [
            (UInt32(100), Int64(3_000_000_000), Verdict.Confidence.exact), (0, 3_000_000_000, .none),
            (0, 1_500_000, .probable),
        ])
    func equalPacketsBehindTheEvidence(id: UInt32, offset: Int64, confidence: Verdict.Confidence) {
        var correlator = Traffic.correlator()
        correlator.setCoverage(
            Coverage(start: Traffic.start.advanced(by: -1_000), stop: Traffic.start.advanced(by: 1_000)), host: 0)
        correlator.add(Traffic.record(Traffic.udp(id: id)))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: id), at: offset))
        #expect(verdict.confidence == confidence && (verdict.kind == .process) == (confidence != .none))
    }

    /// The same id at another start time is another process.
    @Test func aReusedPidIsAnotherProcess() {
        var correlator = Traffic.correlator()
        var second = Traffic.record(Traffic.udp(id: 0), at: 100)
        second.process.startTime += 1
        correlator.add(Traffic.record(Traffic.udp(id: 0)))
        correlator.add(second)
        #expect(correlator.judge(Traffic.seen(Traffic.udp(id: 0))).confidence == .ambiguous)
    }

    @Test func aFloodOfEqualPacketsOfOneProcessStaysExactAndSmall() {
        var limits = Correlator.Limits()
        limits.sendRecords = 64
        var correlator = Traffic.correlator(limits: limits)
        let packet = Traffic.udp(v6: true)
        for index in 0..<10_007 { correlator.add(Traffic.record(packet, at: Int64(index) * 10_000)) }
        let verdict = correlator.judge(Traffic.seen(packet, at: 60_000_000))
        #expect(verdict.confidence == .exact)
        #expect(correlator.records == 10_007)
    }

    @Test func twoThreadsWithEqualRecordsNameTheProcessOnly() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 10, thread: 10))
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 10, thread: 12, at: 50))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: 0)))
        #expect(verdict.confidence == .exact && verdict.sender?.process.pid == 10 && verdict.sender?.thread == 0)
    }

    @Test func anUncheckedContextIsProbable() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), proof: .unverified))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.kind == .process && verdict.confidence == .probable)
    }

    /// NFQUEUE: the daemon runs when the packet passes, with the sender's socket. It must never be named.
    @Test func aBorrowedContextIsNeverNamed() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), pid: 99, proof: .borrowed))
        let alone = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(alone.kind == .unknown && alone.reason == .borrowedContext)
        correlator.add(Traffic.record(Traffic.udp(), pid: 10))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.kind == .unknown && verdict.reason == .equalBorrowed, "it may be the unknown sender's")
    }

    /// An equal packet of another process a moment later: which is which is not decided by time.
    @Test func anEqualRecordSoonAfterIsACandidateToo() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 10))
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 11, at: 2_000_000))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: 0), at: 10_000))
        #expect(verdict.confidence == .ambiguous)
        #expect(Set(verdict.candidates.map(\.sender.process.pid)) == [10, 11])
    }

    /// Whoever reads a packet and sends it on is not the sender of what was read.
    @Test(arguments: [Direction.ingress, .unknown])
    func aForwarderInUserSpaceIsNotTheSenderOfWhatItRead(direction: Direction) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), at: 20_000))
        #expect(correlator.judge(Traffic.seen(Traffic.udp(), at: 0, direction: direction)).kind == .unknown)
    }

    /// Announcements repeat themselves, also on other machines: an old equal record says nothing of what arrives.
    @Test func whatArrivesLongAfterAnEqualPacketIsNotItsSenders() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(v6: true)))
        let late = correlator.judge(Traffic.seen(Traffic.udp(v6: true), at: 1_700_000_000, direction: .ingress))
        #expect(late.kind == .unknown)
        let soon = correlator.judge(Traffic.seen(Traffic.udp(v6: true), at: 30_000, direction: .ingress))
        #expect(soon.confidence == .exact)
    }

    @Test func aCopyMoreThanWasSentIsUnknown() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).kind == .process)
        #expect(correlator.judge(Traffic.seen(Traffic.udp(), direction: .ingress)).kind == .process, "another place")
        #expect(correlator.judge(Traffic.seen(Traffic.udp(), at: 600_000)).reason == .moreThanSent)
    }

    /// Two equal packets of one process that left a slow queue together: each has its record.
    @Test func packetsThatBunchUpBehindAQueueKeepTheirRecords() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(id: 0)))
        correlator.add(Traffic.record(Traffic.udp(id: 0), at: 60_000_000))
        for offset in [70_000_000, 70_010_000] as [Int64] {
            #expect(correlator.judge(Traffic.seen(Traffic.udp(id: 0), at: offset)).confidence == .exact)
        }
        #expect(correlator.judge(Traffic.seen(Traffic.udp(id: 0), at: 70_020_000)).reason == .moreThanSent)
    }

    @Test func twoCandidatesStayTwoForEveryCopy() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 10))
        correlator.add(Traffic.record(Traffic.udp(id: 0), pid: 11, at: 1000))
        for offset in [5000, 6000, 7000] as [Int64] {
            #expect(correlator.judge(Traffic.seen(Traffic.udp(id: 0), at: offset)).confidence == .ambiguous)
        }
    }

    @Test func anEqualPacketOfTheKernelLeavesItOpen() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.echoReply()))
        correlator.add(WireRecord(time: Traffic.start, packet: Traffic.echoReply(), origin: .kernel))
        #expect(correlator.judge(Traffic.seen(Traffic.echoReply())).reason == .kernelAndProcess)
    }

    @Test func whereRecordsWereLostAnOldEqualOneNamesNobody() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(v6: true)))
        let loss = Traffic.start.advanced(by: 1_000_000_000)
        correlator.add(LossInterval(kind: .send, count: 9, start: loss, stop: loss))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(v6: true), at: 1_990_000_000))
        #expect(verdict.reason == .evidenceLost(count: 9))
    }

    @Test func aCutPayloadIsProbable() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp()))
        var packet = Traffic.udp()
        packet.payloadPrefix = packet.payloadPrefix.first(3)
        let verdict = correlator.judge(Traffic.seen(packet))
        #expect(verdict.confidence == .probable && verdict.reason == .cutPayload(bytes: 3))
    }

    @Test func lossNearbyWeakensOnlyWhatIsNotDistinctive() {
        var correlator = Traffic.correlator()
        correlator.add(LossInterval(kind: .send, count: 3, start: Traffic.start, stop: Traffic.start))
        correlator.add(Traffic.record(Traffic.udp(id: 5)))
        correlator.add(Traffic.record(Traffic.udp(payload: [1], v6: true)))
        #expect(correlator.judge(Traffic.seen(Traffic.udp(id: 5))).confidence == .exact)
        #expect(correlator.judge(Traffic.seen(Traffic.udp(payload: [1], v6: true))).confidence == .probable)
    }

    @Test func hostsAreToldApart() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), pid: 10, host: 0))
        correlator.add(Traffic.record(Traffic.udp(), pid: 10, host: 1))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).confidence == .ambiguous)
    }

    @Test func considerationsSayWhy() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), pid: 10))
        correlator.add(Traffic.record(Traffic.udp(id: 101), pid: 11))
        correlator.add(Traffic.record(Traffic.udp(), pid: 12, proof: .borrowed))
        let found = correlator.considerations(for: Traffic.seen(Traffic.udp()))
        #expect(found.map(\.sender.process.pid).first == 10)
        #expect(found.filter(\.isTaken).count == 1)
        #expect(found.contains { $0.reason == "rejected: the IP id differs" })
        #expect(found.contains { $0.reason.contains("does not use the packet's socket") })
    }
}
