import Correlation
import Records

/// Packets and records between documentation addresses, for tables.
enum Traffic {
    static let start = Timestamp(nanoseconds: 1_772_360_430_000_000_000)
    static let client = IPAddress(v4: 0xC000_0201)  // 192.0.2.1
    static let server = IPAddress(v4: 0xC633_6407)  // 198.51.100.7
    static let client6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)
    static let server6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 7)

    static func udp(
        id: UInt32 = 100, payload: [UInt8] = Array("12345678".utf8), length: Int? = nil, v6: Bool = false,
        sourcePort: UInt16 = 36003, destinationPort: UInt16 = 2762
    ) -> IPPacket {
        let count = length ?? payload.count
        var packet = IPPacket(source: v6 ? client6 : client, destination: v6 ? server6 : server, transport: .udp)
        packet.identification = v6 ? 0 : id
        packet.sourcePort = sourcePort
        packet.destinationPort = destinationPort
        packet.payloadLength = UInt32(count)
        packet.udpLength = UInt16(truncatingIfNeeded: count + 8)
        packet.totalLength = UInt32(count + (v6 ? 48 : 28))
        packet.payloadPrefix = PayloadPrefix(payload)
        return packet
    }

    static func echoReply(id: UInt32 = 7, sequence: UInt16 = 1) -> IPPacket {
        var packet = IPPacket(source: client, destination: server, transport: .icmp)
        packet.identification = id
        packet.sourcePort = 9
        packet.destinationPort = sequence
        packet.payloadLength = 1
        packet.totalLength = 29
        packet.payloadPrefix = PayloadPrefix([0x3F])
        return packet
    }

    static func record(
        _ packet: IPPacket, pid: UInt32 = 2136, thread: UInt32? = nil, at offset: Int64 = 0, segment: UInt16 = 0,
        proof: SendRecord.Proof = .verified, host: UInt16 = 0
    ) -> SendRecord {
        SendRecord(
            time: start.advanced(by: offset), packet: packet,
            process: ProcessKey(pid: pid, startTime: UInt64(pid) * 1000),
            thread: thread ?? pid, threadName: TaskName("store".utf8), segmentSize: segment, proof: proof, host: host)
    }

    static func seen(
        _ packet: IPPacket, at offset: Int64 = 500_000, direction: Direction = .egress, frame: UInt64 = 1
    ) -> PacketRecord {
        PacketRecord(time: start.advanced(by: offset), frame: frame, direction: direction, ip: packet)
    }

    /// A correlator whose evidence covers an hour around ``start`` and the client's address.
    static func correlator(limits: Correlator.Limits = Correlator.Limits(), filter: String = "") -> Correlator {
        var correlator = Correlator(limits: limits, seed: 42)
        let interface = HostInterface(
            index: 2, name: "eth0", namespace: 1, mac: MACAddress(bits: 0x0053_0000_0001),
            addresses: [
                .init(address: client, prefixLength: 24), .init(address: client6, prefixLength: 64),
            ])
        correlator.setCoverage(
            Coverage(
                host: "gateway", start: start.advanced(by: -1_800_000_000_000),
                stop: start.advanced(by: 1_800_000_000_000), filter: filter, interfaces: [interface]), host: 0)
        return correlator
    }
}
