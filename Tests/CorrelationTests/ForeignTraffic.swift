import Correlation
import Records

/// A kernel trace and what it says, for tables.
struct ForeignScene {
    static let zone: Int64 = 2 * 3_600_000_000_000
    static let skew: Int64 = 312_000_000
    static let dc = IPAddress(v4: 0xC633_640A)  // 198.51.100.10

    var records: [TrafficRecord] = []
    var packets: [PacketRecord] = []
    var sockets: [SocketSighting] = []
    var trust = EvidenceTrust.stated
    var clock = EvidenceClock(relation: .foreign, resolution: 100, description: "FILETIME")
    var given: Int64?
    var lives: [UInt32: [ProcessLife]] = [:]

    /// A packet of a flow, `at` nanoseconds after the start.
    static func packet(
        source: UInt16 = 36003, destination: UInt16 = 2762, from: IPAddress = Traffic.client,
        to: IPAddress = Traffic.server, length: Int = 8, at offset: Int64 = 0
    ) -> PacketRecord {
        var ip = Traffic.udp(length: length, sourcePort: source, destinationPort: destination)
        ip.source = from
        ip.destination = to
        return Traffic.seen(ip, at: offset)
    }

    /// A ping with one byte.
    static func ping(at offset: Int64, byte: UInt8 = 0x3F, to: IPAddress = dc) -> PacketRecord {
        var ip = IPPacket(source: Traffic.client, destination: to, transport: .icmp)
        ip.icmpType = 8
        ip.payloadLength = 1
        ip.totalLength = 29
        ip.payloadPrefix = PayloadPrefix([byte])
        return Traffic.seen(ip, at: offset)
    }

    /// The record of a packet, on the trace's clock.
    static func record(
        of packet: PacketRecord, pid: UInt32? = 2136, late: Int64 = 0, action: TrafficRecord.Action = .sent,
        line: UInt64 = 1, holdsPacket: Bool = false
    ) -> TrafficRecord {
        let isSent = action != .received
        return TrafficRecord(
            time: packet.time.advanced(by: late - zone - skew), action: action, transport: packet.ip.transport,
            localAddress: isSent ? packet.ip.source : packet.ip.destination,
            remoteAddress: isSent ? packet.ip.destination : packet.ip.source,
            localPort: isSent ? packet.ip.sourcePort : packet.ip.destinationPort,
            remotePort: isSent ? packet.ip.destinationPort : packet.ip.sourcePort,
            payloadLength: packet.ip.payloadLength, pid: pid, packet: holdsPacket ? packet.ip : nil, position: line)
    }

    /// A TCP event to a directory server.
    static func directory(
        pid: UInt32, port: UInt16 = 389, at offset: Int64 = 0, line: UInt64 = 1, server: IPAddress = dc
    ) -> TrafficRecord {
        TrafficRecord(
            time: Traffic.start.advanced(by: offset - zone - skew), action: .sent, transport: .tcp,
            localAddress: Traffic.client, remoteAddress: server, localPort: 1045, remotePort: port,
            payloadLength: 118, pid: pid, position: line)
    }

    /// A moment on the trace's clock.
    static func moment(_ offset: Int64) -> Timestamp { Traffic.start.advanced(by: offset - zone - skew) }

    /// What is said of each packet, and of the clock.
    func joined(isStreamed: Bool = false, limit: Int = 1 << 20) -> (
        verdicts: [Verdict], offset: ClockOffset?, matching: ForeignMatching
    ) {
        var sample = PacketSample()
        var pings = PingSeries()
        for packet in packets {
            sample.add(packet.ip, at: packet.time)
            pings.add(packet.ip, at: packet.time)
        }
        var matching = ForeignMatching(limit: limit)
        matching.declare(
            ForeignMatching.Evidence(machine: 0, trust: trust, file: "trace.csv", isText: true), number: 0)
        matching.set(pings)
        for record in records { matching.note(record, evidence: 0, sample: sample) }
        for socket in sockets { matching.note(socket, evidence: 0) }
        let offset = matching.align(evidence: 0, clock: clock, given: given, sample: sample)
        var left = records[...]
        var verdicts: [Verdict] = []
        for packet in packets {
            if matching.needsRecords(of: 0) {
                while matching.needsRecords(of: 0, through: packet.time), let record = left.popFirst() {
                    matching.add(record, evidence: 0)
                }
                matching.awaitPackets(from: packet.time)
            }
            verdicts.append(matching.judge(packet) { _, pid in lives[pid] ?? [] })
        }
        return (verdicts, offset, matching)
    }
}
