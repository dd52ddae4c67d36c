import Classification
import Correlation
import Records

@testable import Reporting

extension Sample {
    static let newmail = Tag(
        name: "newmail", confidence: .possible, reasons: ["8 bytes to 7 destinations within 1 s, none answered"])
    static let ping = Tag(
        name: "dsaccess-ping", confidence: .probable, reasons: ["one byte 0x3F", "TCP to port 389 of the same server"])

    /// One packet of each kind, in capture order.
    static var packets: [ReportedPacket] {
        sent + withoutSender + odd
    }

    /// Verdicts with a process or candidates.
    private static var sent: [ReportedPacket] {
        [
            report(
                1, .egress, udp(36003, 2762, payload: [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]),
                exact(sender(pid: 2136, thread: 2140)), process: store, tag: newmail
            ) {
                $0.threadName = "notify"
                $0.packet.sourceMAC = MACAddress(bits: 0x0053_0012_34AB)
                $0.packet.packetID = 77
            },
            report(
                2, .egress, icmp(server, client, type: 8, id: 512, seq: 3, payload: [0x3F]),
                exact(sender(pid: 311, user: 0)), process: process(pid: 311, name: "ping", executable: "/usr/bin/ping"),
                tag: ping),
            report(
                3, .egress, udp(serverV6, 40000, clientV6, 53, payload: Array(repeating: 0xAB, count: 29)),
                Verdict(
                    kind: .process, confidence: .probable, method: .flow, reason: .nothingMatches,
                    sender: sender(pid: 99, user: nil, group: nil)), process: nil),
            report(
                4, .unknown, udp(1024, 1025, payload: []),
                Verdict(
                    kind: .process, confidence: .ambiguous, method: .packet, reason: .nothingMatches,
                    candidates: [10, 11, 12, 13].map {
                        Candidate(
                            sender: sender(pid: $0),
                            reason: matched(20))
                    }), process: store
            ) {
                $0.candidateNames = ["a", nil, hostile]
                $0.candidateHosts = ["node1", "node2"]
            },
            report(
                5, .egress, udp(5000, 5001, payload: [0]), exact(sender(pid: 12), method: .nat),
                process: process(pid: 12, name: hostile, executable: "/tmp/" + hostile)
            ) {
                $0.verdict.beforeNAT = UntranslatedTuple(
                    source: inner, destination: client, sourcePort: 5999, destinationPort: 5001)
                $0.hostName = "node1"
            },
            report(
                6, .egress, udp(5000, 5001, payload: [0]), exact(sender(pid: 13)),
                process: process(pid: 13, name: undecodable, executable: nil)),
        ]
    }

    private static var withoutSender: [ReportedPacket] {
        [
            report(7, .egress, icmp(server, client, type: 0, id: 9, seq: 1, payload: [0x3F]), without(.kernel)),
            report(
                8, .egress, udp(inner, 68, client, 67, payload: Array(0..<40)),
                without(.forwarded, .probable, ingress: "veth-a")),
            report(9, .ingress, udp(inner, 68, client, 67, payload: []), without(.forwarded)),
            report(10, .ingress, udp(client, 2762, server, 36003, payload: [1]), without(.received)),
            report(11, .ingress, udp(client, 53, server, 36003, payload: [1]), without(.unknown, .none)),
        ]
    }

    /// Fragments, cut packets and other ICMP.
    private static var odd: [ReportedPacket] {
        var first = udp(7000, 7001, payload: Array(repeating: 0x61, count: 16))
        first.isFragment = true
        first.moreFragments = true
        var later = IPPacket(source: server, destination: client, transport: .udp)
        later.isFragment = true
        later.fragmentOffset = 1480
        later.identification = 4660
        later.payloadLength = 520
        later.totalLength = 540
        var cut = udp(7000, 0, payload: [])
        cut.isTruncated = true
        var cutPing = icmp(server, client, type: 8)
        cutPing.isTruncated = true
        return [
            report(12, .egress, first, exact(sender(pid: 2136)), process: store),
            report(13, .egress, later, exact(sender(pid: 2136)), process: store),
            report(14, .egress, cut, without(.unknown, .none)),
            report(15, .egress, cutPing, without(.unknown, .none)),
            report(16, .egress, icmp(server, client, type: 3, code: 3, payload: [0x45]), without(.kernel)),
            report(17, .egress, icmp(serverV6, clientV6, type: 135), without(.kernel, .probable)),
            report(
                18, .egress, icmp(serverV6, clientV6, type: 128, id: 1, seq: 2, payload: [0x3F]),
                exact(sender(pid: 311)), process: process(pid: 311, name: "ping", executable: "/usr/bin/ping")),
        ]
    }

    static var summary: RunSummary {
        var summary = RunSummary()
        summary.packets = UInt64(packets.count)
        for packet in packets {
            summary.verdicts[packet.verdict.kind, default: 0] += 1
            if let tag = packet.tag { summary.tags[tag.name, default: 0] += 1 }
        }
        summary.captured = 101
        summary.distinctPackets = 17
        summary.records = 23
        summary.unmatchedRecords = 2
        summary.lost = [.send: 5, .wire: 2, .capture: 3]
        summary.coverage = [
            Coverage(
                host: "node1", start: begin, stop: begin.advanced(by: 60_000_000_000), filter: "udp or \u{1B}[1micmp",
                losses: [LossInterval(kind: .send, count: 5, start: begin, stop: begin.advanced(by: 1_000_000))])
        ]
        summary.clockOffsets = [RunSummary.ClockOffset(seconds: -14400.312441, spread: 0.25, matches: 3)]
        summary.damage = [Damage(file: "eth0.pcap", offset: 1234, what: "the last block is cut after 17 bytes")]
        summary.interfaces = [RunSummary.InterfaceCounts(name: "eth0", received: 104, dropped: 3)]
        summary.commandStatus = 3
        return summary
    }

    /// The whole output of a format for this run.
    static func output(_ format: some ReportFormat) -> [UInt8] {
        var format = format
        var bytes: [UInt8] = []
        format.begin(into: &bytes)
        for packet in packets {
            format.count(packet)
            format.packet(packet, into: &bytes)
        }
        format.summary(summary, into: &bytes)
        return bytes
    }
}
