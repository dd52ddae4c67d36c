import Classification
import Correlation
import Records
import TextEscaping

@testable import Reporting

/// A run with at least one packet of every kind that the formats treat differently.
enum Sample {
    static let server = IPAddress(v4: 0xC000_0201)  // 192.0.2.1
    static let client = IPAddress(v4: 0xC633_6407)  // 198.51.100.7
    static let inner = IPAddress(v4: 0xCB00_7105)  // 203.0.113.5
    static let serverV6 = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 1)
    static let clientV6 = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 7)
    /// 2026-03-01T10:20:30.123456789Z.
    static let begin = Timestamp(nanoseconds: 1_772_360_430_123_456_789)

    /// A name that carries everything a terminal or a parser might obey: a colour sequence, C1, a bidirectional
    /// override, line ends, quotes, a comma, a byte that is no UTF-8, and a forged identity.
    static let hostileBytes: [UInt8] =
        [0x1B] + Array("[31m\"a\",b\r\n".utf8) + [0xC2, 0x9B, 0xE2, 0x80, 0xAE, 0xFF] + Array("x[1] exact".utf8)
    static let hostile = LosslessEscape.text(hostileBytes)
    /// A task name of nothing but bytes that are no UTF-8.
    static let undecodable = LosslessEscape.text([UInt8](repeating: 0xFF, count: 16))

    static func udp(_ sourcePort: UInt16, _ destinationPort: UInt16, payload: [UInt8]) -> IPPacket {
        udp(server, sourcePort, client, destinationPort, payload: payload)
    }

    static func udp(
        _ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16, payload: [UInt8]
    ) -> IPPacket {
        var packet = IPPacket(source: source, destination: destination, transport: .udp)
        packet.sourcePort = sourcePort
        packet.destinationPort = destinationPort
        packet.payloadLength = UInt32(payload.count)
        packet.payloadPrefix = PayloadPrefix(payload)
        packet.udpLength = UInt16(8 + payload.count)
        packet.totalLength = UInt32((source.version == .v4 ? 28 : 48) + payload.count)
        return packet
    }

    static func icmp(
        _ source: IPAddress, _ destination: IPAddress, type: UInt8, code: UInt8 = 0, id: UInt16 = 0, seq: UInt16 = 0,
        payload: [UInt8] = []
    ) -> IPPacket {
        var packet = IPPacket(
            source: source, destination: destination, transport: source.version == .v4 ? .icmp : .icmpv6)
        packet.icmpType = type
        packet.icmpCode = code
        packet.sourcePort = id
        packet.destinationPort = seq
        packet.payloadLength = UInt32(payload.count)
        packet.payloadPrefix = PayloadPrefix(payload)
        packet.totalLength = UInt32((source.version == .v4 ? 28 : 48) + payload.count)
        return packet
    }

    static func sender(
        pid: UInt32, thread: UInt32? = nil, user: UInt32? = 1001, group: UInt32? = 1001, name: String = "store"
    ) -> Sender {
        Sender(
            SendRecord(
                time: begin, packet: udp(1, 2, payload: []), process: ProcessKey(pid: pid, startTime: UInt64(pid)),
                thread: thread ?? pid, threadName: TaskName(name.utf8), user: user, group: group))
    }

    static func process(pid: UInt32, name: String, executable: String?) -> ProcessDescription {
        var process = ProcessDescription(pid: pid, name: name)
        process.executable = executable
        process.arguments = executable.map { [$0, "-d"] }
        process.user = ProcessDescription.Principal(id: "1001", name: "exch")
        process.group = ProcessDescription.Principal(id: "1001")
        return process
    }

    static var store: ProcessDescription {
        var process = process(pid: 2136, name: "store", executable: "/opt/x/store")
        process.innerPID = 7
        process.start = Timestamp("2026-03-01T09:00:00.1Z")
        process.parents = [
            ProcessDescription(pid: 40, name: "supervise"), ProcessDescription(pid: 1, name: "systemd"),
            ProcessDescription(pid: 0, name: "swapper/0"),
        ]
        process.sha256 = String(repeating: "0f", count: 32)
        process.entityID = "b00710-2136-42"
        process.containerID = "c0ffee"
        process.serviceName = "store.service"
        process.image = .deleted
        return process
    }

    /// A complete match, this many nanoseconds after its record.
    static func matched(_ delay: Int64) -> Reason {
        .completeIdentity(delay: delay, records: 1, transport: .udp, hasIdentification: true)
    }

    static func exact(_ sender: Sender, method: Verdict.Method = .packet) -> Verdict {
        Verdict(
            kind: .process, confidence: .exact, method: method,
            reason: matched(1500),
            sender: sender)
    }

    static func without(
        _ kind: Verdict.Kind, _ confidence: Verdict.Confidence = .exact, ingress: String? = nil
    ) -> Verdict {
        Verdict(
            kind: kind, confidence: confidence, method: kind == .unknown ? .none : .packet, reason: .nothingMatches,
            ingressInterface: ingress)
    }

    static func report(
        _ frame: UInt64, _ direction: Direction, _ ip: IPPacket, _ verdict: Verdict,
        process: ProcessDescription? = nil, tag: Tag? = nil, configure: (inout ReportedPacket) -> Void = { _ in }
    ) -> ReportedPacket {
        let packet = PacketRecord(
            time: begin.advanced(by: Int64(frame - 1) * 1_001_000), frame: frame, direction: direction, ip: ip)
        var reported = ReportedPacket(
            packet: packet, captureName: "eth0.pcap", interfaceName: "eth0", verdict: verdict, process: process,
            tag: tag)
        configure(&reported)
        return reported
    }
}
