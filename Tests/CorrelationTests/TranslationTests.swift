import Correlation
import Records
import Testing

@Suite("Behind address translation")
struct TranslationTests {
    private static let outer = IPAddress(v4: 0xCB00_7101)  // 203.0.113.1

    private static func translated(_ packet: IPPacket, port: UInt16 = 1024) -> IPPacket {
        var result = packet
        result.source = outer
        result.sourcePort = port
        return result
    }

    private static func wire(_ packet: IPPacket, before: IPPacket, at offset: Int64 = 0) -> WireRecord {
        WireRecord(
            time: Traffic.start.advanced(by: offset), packet: packet,
            origin: .forwarded(ingressInterface: 5, ingressName: "veth-c"),
            beforeNAT: UntranslatedTuple(
                source: before.source, destination: before.destination, sourcePort: before.sourcePort,
                destinationPort: before.transport == .udp ? before.destinationPort : 0))
    }

    @Test(arguments: [Traffic.udp(), Traffic.echoReply()])
    func theSenderBehindMasqueradeIsExact(inner: IPPacket) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(inner))
        correlator.add(Self.wire(Self.translated(inner), before: inner))
        let verdict = correlator.judge(Traffic.seen(Self.translated(inner)))
        #expect(verdict.kind == .process && verdict.confidence == .exact && verdict.method == .nat)
        #expect(verdict.sender?.process.pid == 2136)
        #expect(verdict.beforeNAT?.source == Traffic.client && verdict.beforeNAT?.sourcePort == inner.sourcePort)
        #expect(correlator.judge(Traffic.seen(inner)).method == .packet, "inside it is an ordinary match")
    }

    @Test func twoTranslationsAreFollowed() {
        var correlator = Traffic.correlator()
        let inner = Traffic.udp()
        var middle = inner
        middle.source = IPAddress(v4: 0xC000_0299)
        middle.sourcePort = 5000
        correlator.add(Traffic.record(inner))
        correlator.add(Self.wire(middle, before: inner))
        correlator.add(Self.wire(Self.translated(middle), before: middle))
        let verdict = correlator.judge(Traffic.seen(Self.translated(middle)))
        #expect(verdict.method == .nat && verdict.sender?.process.pid == 2136)
        #expect(verdict.beforeNAT?.source == Traffic.client)
    }

    @Test func aTranslatedPacketOfTheKernelIsTheKernels() {
        var correlator = Traffic.correlator()
        let inner = Traffic.echoReply()
        correlator.add(WireRecord(time: Traffic.start, packet: inner, origin: .kernel))
        correlator.add(Self.wire(Self.translated(inner), before: inner))
        #expect(correlator.judge(Traffic.seen(Self.translated(inner))).kind == .kernel)
    }

    /// Another packet of the flow, without a record: forwarded at best, never the process of the other packet.
    @Test func aFlowAloneNamesNobody() {
        var correlator = Traffic.correlator()
        let inner = Traffic.udp()
        correlator.add(Traffic.record(inner))
        correlator.add(Self.wire(Self.translated(inner), before: inner))
        var another = Self.translated(inner)
        another.identification += 1
        #expect(correlator.judge(Traffic.seen(another)).kind == .forwarded)
    }

    @Test func aPortThatChangedHandsIsAmbiguousWhereBothFit() {
        var correlator = Traffic.correlator()
        let first = Traffic.udp(id: 0)
        var second = first
        second.source = IPAddress(v4: 0xC000_0202)
        correlator.add(Traffic.record(first, pid: 10))
        correlator.add(Traffic.record(second, pid: 11))
        correlator.add(Self.wire(Self.translated(first), before: first))
        correlator.add(Self.wire(Self.translated(first), before: second, at: 1000))
        let verdict = correlator.judge(Traffic.seen(Self.translated(first)))
        #expect(verdict.confidence == .ambiguous && verdict.beforeNAT != nil)
        #expect(Set(verdict.candidates.map(\.sender.process.pid)) == [10, 11])
    }
}
