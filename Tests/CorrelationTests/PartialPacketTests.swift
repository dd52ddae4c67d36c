import Correlation
import Records
import Testing

@Suite("Segments and fragments")
struct PartialPacketTests {
    /// A batch of 2,500 payload bytes in segments of 1,000: 1,000 + 1,000 + 500.
    static func batch(v6: Bool) -> IPPacket { Traffic.udp(id: 40, payload: Array(0..<16), length: 2500, v6: v6) }

    static func segment(_ index: UInt32, length: Int, v6: Bool) -> IPPacket {
        Traffic.udp(id: 40 + index, payload: index == 0 ? Array(0..<16) : Array(100..<116), length: length, v6: v6)
    }

    @Test(arguments: [false, true])
    func everySegmentIsExact(v6: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Self.batch(v6: v6), segment: 1000))
        for (index, length) in [(0, 1000), (1, 1000), (2, 500)] {
            let verdict = correlator.judge(Traffic.seen(Self.segment(UInt32(index), length: length, v6: v6)))
            #expect(verdict.confidence == .exact && verdict.sender?.process.pid == 2136, "segment \(index)")
        }
        #expect(correlator.judge(Traffic.seen(Self.batch(v6: v6))).confidence == .exact, "seen whole")
    }

    @Test(arguments: [(3, 500), (1, 999), (2, 1000)])
    func whatIsNoSegmentDoesNotMatch(index: UInt32, length: Int) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Self.batch(v6: false), segment: 1000))
        #expect(correlator.judge(Traffic.seen(Self.segment(index, length: length, v6: false))).kind == .unknown)
    }

    @Test(arguments: [false, true])
    func anotherProcessOnTheFlowWeakensSegments(v6: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Self.batch(v6: v6), pid: 10, segment: 1000))
        correlator.add(Traffic.record(Traffic.udp(id: 999, v6: v6), pid: 11, at: 10))
        correlator.add(Traffic.record(Traffic.udp(id: 998, v6: v6), pid: 10, at: 20))
        let verdict = correlator.judge(Traffic.seen(Self.segment(1, length: 1000, v6: v6)))
        #expect(verdict.confidence == .probable && verdict.sender?.process.pid == 10)
    }

    @Test func manyBatchesBackIsStillFound() {
        var correlator = Traffic.correlator()
        for index in 0..<401 {
            var batch = Self.batch(v6: false)
            batch.identification = UInt32(index * 3)
            correlator.add(Traffic.record(batch, at: Int64(index) * 1000, segment: 1000))
        }
        var segment = Self.segment(1, length: 1000, v6: false)
        segment.identification = 4
        #expect(correlator.judge(Traffic.seen(segment)).confidence == .exact)
    }

    /// Of sockets that are not connected all batches begin with the same identification.
    private static func manyBatches(_ thread: (Int) -> UInt32, pid: (Int) -> UInt32 = { _ in 10 }) -> Correlator {
        var correlator = Traffic.correlator()
        for index in 0..<5000 {
            correlator.add(
                Traffic.record(
                    batch(v6: false), pid: pid(index), thread: thread(index), at: Int64(index) * 1000, segment: 1000))
        }
        return correlator
    }

    @Test("However many batches one thread sends, a segment is its, of the batch before it")
    func oneThreadsThousandsOfBatches() {
        var correlator = Self.manyBatches { _ in 10 }
        let verdict = correlator.judge(Traffic.seen(Self.segment(1, length: 1000, v6: false), at: 3_000_300))
        #expect(verdict.confidence == .exact && verdict.sender?.thread == 10)
        #expect(verdict.reason == .segment(index: 1, size: 1000, delay: 300))
    }

    @Test("Of several threads' batches, more than are compared, the process is known and the thread is not")
    func severalThreadsThousandsOfBatches() {
        var correlator = Self.manyBatches { UInt32(10 + $0 % 2) }
        let verdict = correlator.judge(Traffic.seen(Self.segment(1, length: 1000, v6: false), at: 3_000_300))
        #expect(verdict.confidence == .exact && verdict.sender?.process.pid == 10 && verdict.sender?.thread == 0)
    }

    @Test func severalProcessesThousandsOfBatchesNameNobody() {
        var correlator = Self.manyBatches({ _ in 10 }, pid: { $0 == 0 ? 11 : 10 })
        let verdict = correlator.judge(Traffic.seen(Self.segment(1, length: 1000, v6: false), at: 4_999_300))
        #expect(verdict.reason == .tooManyEqualRecords)
    }

    @Test("A lost record may be the segment's own, be its sender known on the flow or not", arguments: [false, true])
    func aLossNamesNobody(v6: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Self.batch(v6: v6), pid: 10, segment: 1000))
        let segment = Traffic.seen(Self.segment(1, length: 1000, v6: v6))
        #expect(correlator.judge(segment).confidence == .exact)
        correlator.add(LossInterval(kind: .send, count: 3, start: Traffic.start, stop: Traffic.start))
        #expect(correlator.judge(segment).reason == .evidenceLost(count: 3))
    }

    @Test("What is sent after the evidence's end fits batches before it: it names nobody", arguments: [false, true])
    func afterTheEnd(v6: Bool) {
        var correlator = Traffic.correlator()
        let end = Traffic.start.advanced(by: 1_800_000_000_000)
        var record = Traffic.record(Self.batch(v6: v6), pid: 10, segment: 1000)
        record.time = end.advanced(by: -1000)
        correlator.add(record)
        let segment = Self.segment(1, length: 1000, v6: v6)
        #expect(correlator.judge(Traffic.seen(segment, at: 1_800_000_001_000)).reason == .afterCoverage(stop: end))
        #expect(correlator.judge(Traffic.seen(segment, at: 1_800_000_000_000)).confidence == .exact)
    }

    @Test("Evidence of one interface says nothing of segments that left by another, or nobody knows by which")
    func ofAnotherInterface() {
        var correlator = Traffic.correlator()
        correlator.setCoverage(
            Coverage(
                host: "gateway", start: Traffic.start.advanced(by: -1_800_000_000_000), onlyInterface: "eth1"), host: 0)
        var record = Traffic.record(Self.batch(v6: false), pid: 10, segment: 1000)
        record.interface = 3
        correlator.add(record)
        var segment = Traffic.seen(Self.segment(1, length: 1000, v6: false))
        for (index, isNamed) in [(0, false), (2, false), (3, true)] as [(UInt32, Bool)] {
            segment.egressIndex = index
            #expect((correlator.judge(segment).kind == .process) == isNamed)
        }
    }

    @Test("A program that ran before and one after an exec are both candidates", arguments: [false, true])
    func anExecBetweenBatches(v6: Bool) {
        var correlator = Traffic.correlator()
        for (image, time) in [(1, 0), (2, 1000)] as [(UInt32, Int64)] {
            var record = Traffic.record(Self.batch(v6: v6), pid: 10, at: time, segment: 1000)
            record.imageVersion = image
            correlator.add(record)
        }
        let verdict = correlator.judge(Traffic.seen(Self.segment(1, length: 1000, v6: v6)))
        #expect(verdict.confidence == .ambiguous)
        #expect(verdict.candidates.map(\.sender.imageVersion).sorted() == [1, 2])
    }

    /// What a router made of segment 1 of a batch with identification 200: its identification is 201, and so is that of another
    /// process's datagram.
    private static func segmentPart(offset: UInt16, bytes: UInt32) -> IPPacket {
        var packet = segment(1, length: 1000, v6: false)
        packet.identification = 201
        packet.isFragment = true
        packet.moreFragments = true
        packet.payloadLength = bytes
        packet.totalLength = bytes + 28
        if offset > 0 {
            packet.fragmentOffset = offset
            packet.sourcePort = 0
            packet.destinationPort = 0
            packet.udpLength = 0
        }
        return packet
    }

    @Test("Fragments of a segment are its sender's, not those of who sent a datagram with their identification")
    func fragmentsOfSegments() {
        var correlator = Traffic.correlator()
        var batch = Self.batch(v6: false)
        batch.identification = 200
        correlator.add(Traffic.record(batch, pid: 10, segment: 1000))
        correlator.add(Traffic.record(Traffic.udp(id: 201, length: 4000, sourcePort: 9), pid: 11, at: 10))
        let later = Traffic.seen(Self.segmentPart(offset: 400, bytes: 400))
        #expect(correlator.judge(later).confidence == .probable, "by the identification alone")
        let first = correlator.judge(Traffic.seen(Self.segmentPart(offset: 0, bytes: 400)))
        #expect(first.confidence == .exact && first.sender?.process.pid == 10)
        #expect(correlator.judge(later).sender?.process.pid == 10)
    }

    @Test("Batches are found also where so many flows were seen since that their flow's senders are forgotten")
    func batchesOutliveTheTableOfFlows() {
        var limits = Correlator.Limits()
        limits.flows = 4
        var correlator = Traffic.correlator(limits: limits)
        correlator.add(Traffic.record(Self.batch(v6: false), pid: 10, segment: 1000))
        for port: UInt16 in 1000..<2000 {
            correlator.add(Traffic.record(Traffic.udp(sourcePort: port), pid: 12, at: 20))
        }
        let segment = Traffic.seen(Self.segment(1, length: 1000, v6: false))
        let verdict = correlator.judge(segment)
        #expect(verdict.confidence == .probable && verdict.sender?.process.pid == 10)
        correlator.add(Traffic.record(Self.batch(v6: false), pid: 11, at: 30, segment: 1000))
        #expect(correlator.judge(segment).confidence == .ambiguous)
    }

    /// 4,000 bytes over an MTU of 1,500: 1,480 + 1,480 + 1,048 bytes of IP payload.
    static func fragment(offset: UInt16, bytes: UInt32, more: Bool, v6: Bool, of id: UInt32) -> IPPacket {
        var packet = Traffic.udp(payload: Array(0..<16), length: 4000, v6: v6)
        packet.identification = id
        packet.isFragment = true
        packet.moreFragments = more
        packet.fragmentOffset = offset
        packet.totalLength = bytes + (v6 ? 48 : 20)
        if offset == 0 {
            packet.payloadLength = bytes - 8
        } else {
            packet.payloadLength = bytes
            packet.sourcePort = 0
            packet.destinationPort = 0
            packet.udpLength = 0
            packet.payloadPrefix = PayloadPrefix(Array(60..<76))
        }
        return packet
    }

    @Test(arguments: [false, true])
    func everyFragmentIsExact(v6: Bool) {
        var correlator = Traffic.correlator()
        var whole = Traffic.udp(payload: Array(0..<16), length: 4000, v6: v6)
        whole.identification = v6 ? 0 : 77
        correlator.add(Traffic.record(whole))
        for (offset, bytes, more) in [(0, 1480, true), (1480, 1480, true), (2960, 1048, false)]
            as [(UInt16, UInt32, Bool)]
        {
            let packet = Self.fragment(offset: offset, bytes: bytes, more: more, v6: v6, of: 77)
            let verdict = correlator.judge(Traffic.seen(packet))
            #expect(verdict.confidence == .exact && verdict.sender?.process.pid == 2136, "offset \(offset)")
        }
    }

    @Test func anIPv6FragmentWithoutItsFirstNamesNobody() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(payload: Array(0..<16), length: 4000, v6: true)))
        let packet = Self.fragment(offset: 1480, bytes: 1480, more: true, v6: true, of: 77)
        #expect(correlator.judge(Traffic.seen(packet)).kind == .unknown)
    }

    @Test func aForgedFirstFragmentMakesTheLaterOnesAmbiguous() {
        var correlator = Traffic.correlator()
        var forged = Traffic.udp(payload: Array(16..<32), length: 4000, v6: true)
        forged.sourcePort = 6666
        correlator.add(Traffic.record(Traffic.udp(payload: Array(0..<16), length: 4000, v6: true), pid: 10))
        correlator.add(Traffic.record(forged, pid: 11))
        var theirs = Self.fragment(offset: 0, bytes: 1480, more: true, v6: true, of: 77)
        theirs.sourcePort = 6666
        theirs.payloadPrefix = forged.payloadPrefix
        _ = correlator.judge(Traffic.seen(Self.fragment(offset: 0, bytes: 1480, more: true, v6: true, of: 77)))
        #expect(correlator.judge(Traffic.seen(theirs)).sender?.process.pid == 11)
        let later = correlator.judge(
            Traffic.seen(Self.fragment(offset: 1480, bytes: 1480, more: true, v6: true, of: 77)))
        #expect(later.confidence == .ambiguous && later.sender == nil)
    }

    @Test func twoDatagramsWithOneIdAreAmbiguousInTheirLaterFragments() {
        var correlator = Traffic.correlator()
        for (pid, port) in [(10, 1000), (11, 1001)] as [(UInt32, UInt16)] {
            correlator.add(
                Traffic.record(Traffic.udp(id: 77, payload: Array(0..<16), length: 4000, sourcePort: port), pid: pid))
        }
        let packet = Self.fragment(offset: 1480, bytes: 1480, more: true, v6: false, of: 77)
        #expect(correlator.judge(Traffic.seen(packet)).confidence == .ambiguous)
    }

    @Test("A segment may have the identity of another process's whole packet: both are candidates")
    func aSegmentMayEqualAWholePacket() {
        var correlator = Traffic.correlator()
        let payload = Array("same day".utf8)
        correlator.add(Traffic.record(Traffic.udp(id: 100, payload: payload, length: 32), pid: 2, segment: 8))
        correlator.add(Traffic.record(Traffic.udp(id: 102, payload: payload), pid: 1))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: 102, payload: payload)))
        #expect(verdict.confidence == .ambiguous)
        #expect(Set(verdict.candidates.map(\.sender.process.pid)) == [1, 2])
        let other = correlator.judge(Traffic.seen(Traffic.udp(id: 102, payload: payload, destinationPort: 9)))
        #expect(other.kind != .process, "another flow")
    }
}
