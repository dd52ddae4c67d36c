import Correlation
import Records
import Testing

@Suite("Packets without a sending process")
struct AbsenceTests {
    private func incoming(_ direction: Direction = .ingress) -> PacketRecord {
        var packet = Traffic.udp()
        packet.source = Traffic.server
        packet.destination = Traffic.client
        return Traffic.seen(packet, direction: direction)
    }

    @Test(arguments: [Direction.ingress, .unknown])
    func whatCameToUsIsReceived(direction: Direction) {
        var correlator = Traffic.correlator()
        let verdict = correlator.judge(incoming(direction))
        #expect(verdict.kind == .received && verdict.confidence == .exact)
    }

    @Test("What a process here may have written unseen is probable at most", arguments: [2, 3, 4, 5] as [UInt32])
    func arrivalsOnVirtualDevices(index: UInt32) {
        var correlator = Traffic.correlator()
        var veth = HostInterface(index: 3, name: "veth0", namespace: 1)
        veth.isVirtual = true
        var tunnel = HostInterface(index: 4, name: "tun0", namespace: 1)
        tunnel.isTunnel = true
        let ethernet = HostInterface(
            index: 2, name: "eth0", namespace: 1, addresses: [.init(address: Traffic.client, prefixLength: 24)])
        correlator.setCoverage(
            Coverage(
                start: Traffic.start.advanced(by: -1_800_000_000_000), interfaces: [ethernet, veth, tunnel]), host: 0)
        var packet = incoming()
        packet.ingressIndex = index
        var verdict = correlator.judge(packet)
        let reasons: [UInt32: Reason] = [
            2: .arrived, 3: .arrivedFromHere, 4: .arrivedFromTunnel(holders: nil), 5: .arrivedFromHere,
        ]
        #expect(verdict.kind == .received && verdict.confidence == (index == 2 ? .exact : .probable))
        #expect(verdict.reason == reasons[index])
        #expect(verdict.tunnel?.interface == (index == 4 ? "tun0" : nil))
        let holder = TunnelHolder(
            namespace: 1, interface: "tun0", process: ProcessKey(pid: 9, startTime: 5), name: "vpnd")
        correlator.add(TunnelScan(time: Traffic.start, holders: [holder]))
        correlator.addHolders(to: &verdict, at: packet.time)
        if index == 4 { #expect(verdict.reason == .arrivedFromTunnel(holders: 1)) }
    }

    @Test("An index that two namespaces use is that of the interface with the packet's address")
    func sharedIndex() {
        var correlator = Traffic.correlator()
        var other = HostInterface(index: 2, name: "eth0", namespace: 9)
        other.isVirtual = true
        let own = HostInterface(
            index: 2, name: "eth0", namespace: 1, addresses: [.init(address: Traffic.client, prefixLength: 24)])
        correlator.setCoverage(
            Coverage(start: Traffic.start.advanced(by: -1_800_000_000_000), interfaces: [other, own]), host: 0)
        var packet = incoming()
        packet.ingressIndex = 2
        #expect(correlator.judge(packet).confidence == .exact)
        packet.namespace = 9
        #expect(correlator.judge(packet).confidence == .probable)
    }

    @Test func behindRareHeadersAbsenceProvesNothing() {
        var correlator = Traffic.correlator()
        var packet = incoming()
        packet.isBehindRareHeaders = true
        #expect(correlator.judge(packet).reason == .rareHeaders)
    }

    @Test("A forwarded flow is exact only from a device that leads outside", arguments: [2, 3, 7] as [UInt32])
    func forwardedFrom(index: UInt32) {
        var correlator = Traffic.correlator()
        var veth = HostInterface(index: 3, name: "veth0", namespace: 1)
        veth.isVirtual = true
        correlator.setCoverage(
            Coverage(
                start: Traffic.start.advanced(by: -1_800_000_000_000),
                interfaces: [HostInterface(index: 2, name: "eth0", namespace: 1), veth]), host: 0)
        correlator.add(
            WireRecord(
                time: Traffic.start, packet: Traffic.udp(),
                origin: .forwarded(ingressInterface: index, ingressName: nil), namespace: 1))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.kind == .forwarded && verdict.confidence == (index == 2 ? .exact : .probable))
        #expect(verdict.reason == (index == 2 ? .forwardedFlow : .forwardedFromHere))
    }

    @Test func whatCameInForOthersMayBePassedOnYet() {
        var correlator = Traffic.correlator()
        var packet = incoming()
        packet.ip.destination = IPAddress(v4: 0xCB00_7109)
        let verdict = correlator.judge(packet, seenHere: true)
        #expect(verdict.kind == .received && verdict.confidence == .probable)
    }

    @Test func withoutEvidenceNothingIsKnown() {
        var correlator = Correlator(seed: 1)
        #expect(correlator.judge(incoming()).reason == .noEvidence)
    }

    @Test(arguments: [-1_800_000_000_001, 1_800_000_000_001] as [Int64])
    func outsideTheSpanNothingIsReceived(offset: Int64) {
        var correlator = Traffic.correlator()
        var packet = incoming()
        packet.time = Traffic.start.advanced(by: offset)
        let verdict = correlator.judge(packet)
        #expect(verdict.kind == .unknown && verdict.reason.description.hasPrefix("no coverage"))
    }

    @Test func outsideTheFilterNothingIsReceived() {
        var correlator = Traffic.correlator(filter: "port 53")
        #expect(correlator.judge(incoming(), passesFilters: 0).reason == .outsideFilter("port 53"))
        #expect(correlator.judge(incoming(), passesFilters: 1).kind == .received)
    }

    @Test func inALossIntervalNothingIsReceived() {
        var correlator = Traffic.correlator()
        correlator.add(LossInterval(kind: .send, count: 7, start: Traffic.start, stop: Traffic.start))
        #expect(correlator.judge(incoming()).reason == .evidenceLost(count: 7))
    }

    @Test func aPacketOfOursWithoutARecordIsUnknown() {
        var correlator = Traffic.correlator()
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).reason == .nothingMatches)
        #expect(correlator.judge(Traffic.seen(Traffic.udp(), direction: .ingress)).reason == .nothingMatches)
    }

    @Test func aForeignCaptureIsUnknown() {
        var correlator = Traffic.correlator()
        var packet = Traffic.udp()
        packet.source = IPAddress(v4: 0xCB00_7101)
        packet.destination = IPAddress(v4: 0xCB00_7102)
        let verdict = correlator.judge(Traffic.seen(packet, direction: .unknown))
        #expect(verdict.kind == .unknown && verdict.reason == .foreignAddresses)
    }

    @Test(arguments: [0xE000_00FB, 0xFFFF_FFFF, 0xC000_02FF] as [UInt32])
    func groupsOnOurLinkAreReceived(group: UInt32) {
        var correlator = Traffic.correlator()
        var packet = Traffic.udp()
        packet.source = IPAddress(v4: 0xC000_0263)  // 192.0.2.99, on the link
        packet.destination = IPAddress(v4: group)
        #expect(correlator.judge(Traffic.seen(packet, direction: .unknown)).kind == .received)
    }

    @Test func theKernelsOwnPacketsAreTheKernels() {
        var correlator = Traffic.correlator()
        correlator.add(WireRecord(time: Traffic.start, packet: Traffic.echoReply(), origin: .kernel))
        let verdict = correlator.judge(Traffic.seen(Traffic.echoReply()))
        #expect(verdict.kind == .kernel && verdict.confidence == .exact)
        #expect(correlator.judge(Traffic.seen(Traffic.echoReply(sequence: 2))).kind == .unknown)
    }

    @Test func withoutASocketTheKernelIsProbable() {
        var correlator = Traffic.correlator()
        correlator.add(
            WireRecord(time: Traffic.start, packet: Traffic.udp(), origin: .kernel, hasKernelSocket: false))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).confidence == .probable)
    }

    @Test func oneWireRecordSpeaksForItsFlowForASecond() {
        var correlator = Traffic.correlator()
        let origin = WireRecord.Origin.forwarded(ingressInterface: 4, ingressName: "veth-lan")
        correlator.add(WireRecord(time: Traffic.start, packet: Traffic.udp(), origin: origin))
        for (offset, kind) in [(-10_000, .forwarded), (900_000_000, .forwarded), (2_000_000_000, .unknown)]
            as [(Int64, Verdict.Kind)]
        {
            let verdict = correlator.judge(Traffic.seen(Traffic.udp(id: 9, payload: [1, 2, 3]), at: offset))
            #expect(verdict.kind == kind, "at \(offset)")
            if kind == .forwarded { #expect(verdict.ingressInterface == "veth-lan") }
        }
        correlator.add(Traffic.record(Traffic.udp()))
        #expect(correlator.judge(Traffic.seen(Traffic.udp())).kind == .process, "a send record goes first")
    }
}
