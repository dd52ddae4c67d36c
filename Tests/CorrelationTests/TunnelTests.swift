import Records
import Testing

@testable import Correlation

@Suite("Tunnels and copies")
struct TunnelTests {
    /// What the kernel transmits around, or as a copy of, another packet.
    private func made(
        _ packet: IPPacket, around inner: IPPacket? = nil, interface: UInt32 = 2, at offset: Int64 = 1000
    ) -> WireRecord {
        var record = WireRecord(
            time: Traffic.start.advanced(by: offset), packet: packet, origin: .kernel, namespace: 1,
            interface: interface, hasKernelSocket: false)
        record.inner = inner
        record.innerOffset = inner == nil ? 0 : 50
        return record
    }

    @Test("The outer packet is on behalf of the inner one's sender, by the inner one's record")
    func outerPacket() {
        var correlator = Traffic.correlator()
        let outer = Traffic.udp(id: 900, destinationPort: 4789)
        correlator.add(Traffic.record(Traffic.udp(id: 1), pid: 11))
        correlator.add(Traffic.record(Traffic.udp(id: 2), pid: 22))
        correlator.add(made(outer, around: Traffic.udp(id: 2)))
        let verdict = correlator.judge(Traffic.seen(outer))
        #expect(verdict.kind == .kernel && verdict.confidence == .exact)
        #expect(verdict.onBehalfOf?.process.pid == 22 && verdict.sender == nil)
    }

    /// A process's packet, recorded at bridge 2, and what was recorded of its clones without a socket.
    @Test(
        "A flooded packet is its sender's at every port",
        arguments: [
            (true, [(3, true), (4, true)], 2, .process), (true, [(3, true), (4, true)], 3, .process),
            (true, [(3, true), (4, true)], 5, .process), (true, [(3, true), (4, true)], 0, .process),
            (true, [(6, false)], 6, .kernel), (true, [(3, true), (6, false)], 6, .unknown),
            (true, [(3, true), (6, false)], 3, .unknown), (true, [(3, true), (6, false)], 2, .process),
            (false, [(3, true)], 3, .unknown), (false, [(2, false), (3, true)], 3, .kernel),
        ] as [(Bool, [(UInt32, Bool)], UInt32, Verdict.Kind)])
    func flooded(isSent: Bool, clones: [(UInt32, Bool)], seen: UInt32, expected: Verdict.Kind) {
        var correlator = Traffic.correlator()
        var send = Traffic.record(Traffic.udp())
        send.interface = 2
        if isSent { correlator.add(send) }
        for (interface, isAtPort) in clones {
            var record = made(Traffic.udp(), interface: interface)
            record.isAtPort = isAtPort
            correlator.add(record)
        }
        var packet = Traffic.seen(Traffic.udp())
        packet.egressIndex = seen
        let verdict = correlator.judge(packet)
        #expect(verdict.kind == expected)
        #expect(verdict.confidence == (expected == .process ? .exact : expected == .kernel ? .probable : .none))
    }

    @Test("A listener query is the bridge's own")
    func listenerQuery() {
        var correlator = Traffic.correlator()
        var query = IPPacket(source: Traffic.client6, destination: Traffic.server6, transport: .icmpv6)
        query.icmpType = 130
        query.hopLimit = 1
        var record = made(query, interface: 3)
        record.isAtPort = true
        correlator.add(record)
        #expect(correlator.judge(Traffic.seen(query)).kind == .kernel)
    }

    @Test("Equal outer packets with different senders inside name nobody", arguments: [11, 22] as [UInt32])
    func equalOuterPackets(second: UInt32) {
        var correlator = Traffic.correlator()
        let outer = Traffic.udp(v6: true, destinationPort: 4789)
        correlator.add(Traffic.record(Traffic.udp(id: 1), pid: 11))
        correlator.add(Traffic.record(Traffic.udp(id: 2), pid: second))
        correlator.add(made(outer, around: Traffic.udp(id: 1)))
        correlator.add(made(outer, around: Traffic.udp(id: 2)))
        let verdict = correlator.judge(Traffic.seen(outer))
        #expect(verdict.kind == .kernel)
        #expect(verdict.onBehalfOf?.process.pid == (second == 11 ? 11 : nil))
    }

    @Test("Where records were lost, an equal outer packet's names nobody", arguments: [LossInterval.Kind.wire, .send])
    func lossNearEqualOuterPackets(kind: LossInterval.Kind) {
        for (outer, isNamed) in [
            (Traffic.udp(v6: true, destinationPort: 4789), false), (Traffic.udp(id: 900, destinationPort: 4789), true),
        ] {
            var correlator = Traffic.correlator()
            correlator.add(Traffic.record(Traffic.udp(id: 1), pid: 11))
            correlator.add(made(outer, around: Traffic.udp(id: 1)))
            correlator.add(
                LossInterval(kind: kind, count: 1, start: Traffic.start, stop: Traffic.start.advanced(by: 100)))
            #expect((correlator.judge(Traffic.seen(outer)).onBehalfOf != nil) == isNamed)
        }
    }

    @Test("An inner packet that was sent once and carried twice names nobody; stacked devices show one twice")
    func carriedTwice() {
        var correlator = Traffic.correlator()
        let first = Traffic.udp(id: 900, destinationPort: 4789)
        let second = Traffic.udp(id: 901, destinationPort: 4789)
        correlator.add(Traffic.record(Traffic.udp(id: 2), pid: 22))
        correlator.add(made(first, around: Traffic.udp(id: 2), interface: 2))
        correlator.add(made(first, around: Traffic.udp(id: 2), interface: 3, at: 1500))
        #expect(correlator.judge(Traffic.seen(first)).onBehalfOf?.process.pid == 22)
        correlator.add(made(second, around: Traffic.udp(id: 2), at: 2000))
        #expect(correlator.judge(Traffic.seen(second)).onBehalfOf == nil)
    }

    @Test("An inner packet without a record of its own names nobody")
    func unknownInnerSender() {
        var correlator = Traffic.correlator()
        let outer = Traffic.udp(id: 900, destinationPort: 4789)
        correlator.add(Traffic.record(Traffic.udp(id: 1), pid: 11))
        correlator.add(made(outer, around: Traffic.udp(id: 2)))
        #expect(correlator.judge(Traffic.seen(outer)).onBehalfOf == nil)
    }

    @Test(
        "A copy and its original are told apart by where they leave",
        arguments: [(2, 3, 2, .process), (2, 3, 3, .kernel), (2, 3, 0, .unknown), (2, 2, 2, .unknown)]
            as [(UInt32, UInt32, UInt32, Verdict.Kind)])
    func copies(original: UInt32, copy: UInt32, seen: UInt32, kind: Verdict.Kind) {
        var correlator = Traffic.correlator()
        var record = Traffic.record(Traffic.udp())
        record.interface = original
        correlator.add(record)
        correlator.add(made(Traffic.udp(), interface: copy))
        var packet = Traffic.seen(Traffic.udp())
        packet.egressIndex = seen
        #expect(correlator.judge(packet).kind == kind)
    }

    @Test(
        "The holders are those of the looks around a packet",
        arguments: [
            ([(-100, [7])], [7]), ([(-100, [7]), (100, [7])], [7]), ([(-100, [7]), (100, [8])], [7, 8]),
            ([(100, [])], []), ([(-3000, [7])], nil), ([(900, [7])], nil), ([(-200, [6]), (-100, [7])], [7]),
        ] as [([(Int64, [UInt32])], [UInt32]?)])
    func holders(looks: [(Int64, [UInt32])], expected: [UInt32]?) {
        var correlator = correlatorWithTunnel()
        for (milliseconds, pids) in looks {
            let holders = pids.flatMap { pid in
                // The same name in another namespace is another device.
                [(UInt32(1), pid), (UInt32(9), 99)].map {
                    TunnelHolder(
                        namespace: $0.0, interface: "tun0", process: ProcessKey(pid: $0.1, startTime: 5), name: "vpnd")
                }
            }
            correlator.add(
                TunnelScan(time: Traffic.start.advanced(by: milliseconds * 1_000_000), holders: holders))
        }
        var verdict = correlator.judge(Traffic.seen(Traffic.udp(), at: 0))
        correlator.addHolders(to: &verdict, at: Traffic.start)
        #expect(verdict.kind == .forwarded && verdict.tunnel?.interface == "tun0")
        #expect(verdict.tunnel?.holders.map(\.process.pid) == (expected ?? []))
        #expect(verdict.reason == .fromTunnel(holders: expected?.count))
        #expect(verdict.confidence == .probable)
    }

    @Test("Where a look did not see everybody the holder is only possible", arguments: [true, false])
    func holdersOfAPartialLook(isWhole: Bool) {
        var correlator = correlatorWithTunnel()
        let holder = TunnelHolder(
            namespace: 1, interface: "tun0", process: ProcessKey(pid: 7, startTime: 5), name: "vpnd")
        correlator.add(TunnelScan(time: Traffic.start.advanced(by: -1), holders: [holder], isWhole: isWhole))
        var verdict = correlator.judge(Traffic.seen(Traffic.udp(), at: 0))
        correlator.addHolders(to: &verdict, at: Traffic.start)
        #expect(verdict.confidence == (isWhole ? .probable : .possible))
    }

    private func correlatorWithTunnel() -> Correlator {
        var correlator = Traffic.correlator()
        var tunnel = HostInterface(index: 5, name: "tun0", namespace: 1)
        tunnel.isTunnel = true
        correlator.setCoverage(
            Coverage(start: Traffic.start.advanced(by: -1_000_000_000_000), interfaces: [tunnel]), host: 0)
        correlator.add(
            WireRecord(
                time: Traffic.start, packet: Traffic.udp(),
                origin: .forwarded(ingressInterface: 5, ingressName: "tun0"), namespace: 1))
        return correlator
    }
}
