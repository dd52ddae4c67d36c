import Correlation
import Records
import Testing

/// Captures at a gateway, evidence from the hosts behind it.
@Suite("A gateway's view")
struct HostSendsTests {
    private static let gateway = IPAddress(v4: 0xCB00_7101)  // 203.0.113.1

    private static func translated(_ packet: IPPacket) -> IPPacket {
        var seen = packet
        seen.source = gateway
        return seen
    }

    @Test("A translated packet is bridged by ports, IP id, length and payload")
    func bridged() {
        var sends = HostSends()
        let sent = Traffic.udp(id: 4711)
        sends.add(Traffic.record(sent, host: 1))
        let verdict = sends.verdict(Traffic.seen(Self.translated(sent)))
        #expect(verdict?.confidence == .probable && verdict?.method == .nat)
        #expect(verdict?.sender?.host == 1 && verdict?.beforeNAT?.source == Traffic.client)
    }

    @Test("Two hosts with equal packets are two candidates")
    func ambiguous() {
        var sends = HostSends()
        let sent = Traffic.udp(id: 4711)
        var other = sent
        other.source = IPAddress(v4: 0xC000_0202)
        sends.add(Traffic.record(sent, host: 1))
        sends.add(Traffic.record(other, pid: 99, host: 2))
        let verdict = sends.verdict(Traffic.seen(Self.translated(sent)))
        #expect(verdict?.confidence == .ambiguous && verdict?.sender == nil)
        #expect(Set(verdict?.candidates.map(\.sender.host) ?? []) == [1, 2])
    }

    enum Change: CaseIterable {
        case identification, payload, ports, length, bothAddresses, tooLate, noIdentification, borrowed
    }

    @Test("Anything else names nobody", arguments: Change.allCases)
    func different(change: Change) {
        var sends = HostSends()
        var sent = Traffic.udp(id: 4711)
        if change == .noIdentification { sent.identification = 0 }
        sends.add(Traffic.record(sent, proof: change == .borrowed ? .borrowed : .verified))
        var seen = Self.translated(sent)
        switch change {
        case .identification: seen.identification = 4712
        case .payload: seen.payloadPrefix = PayloadPrefix(Array("12345679".utf8))
        case .ports: seen.sourcePort += 1
        case .length: seen.payloadLength += 1
        case .bothAddresses: seen.destination = Self.gateway
        case .tooLate, .noIdentification, .borrowed: break
        }
        #expect(sends.verdict(Traffic.seen(seen, at: change == .tooLate ? 6_000_000_000 : 500_000)) == nil)
    }

    @Test("A host's clock may be a little ahead", arguments: [(-500_000_000, true), (-2_000_000_000, false)])
    func skew(delay: Int64, isNamed: Bool) {
        var sends = HostSends()
        let sent = Traffic.udp(id: 4711)
        sends.add(Traffic.record(sent))
        let verdict = sends.verdict(Traffic.seen(sent, at: delay))
        #expect((verdict != nil) == isNamed)
        #expect(verdict?.method ?? .packet == .packet && verdict?.confidence ?? .probable == .probable)
    }

    @Test("The newest records are held", arguments: [1, 7, 1000])
    func bounded(capacity: Int) {
        var sends = HostSends(capacity: capacity)
        for number in 0..<1000 {
            sends.add(Traffic.record(Traffic.udp(id: UInt32(number + 1)), pid: UInt32(number + 1)))
        }
        let named = (0..<1000).filter {
            sends.verdict(Traffic.seen(Self.translated(Traffic.udp(id: UInt32($0 + 1)))))?.sender?.process.pid
                == UInt32($0 + 1)
        }
        #expect(named == Array(1000 - capacity..<1000))
    }
}
