import Classification
import Correlation
import Records

@testable import WhosentCLI

/// Datagrams of one machine, 192.0.2.1, and what its evidence says of them.
enum SmallTraffic {
    static let start = Timestamp(nanoseconds: 1_772_360_430_000_000_000)

    /// A raw IPv4 UDP packet from port 4000 of 192.0.2.`source` to 198.51.100.7.
    static func datagram(id: UInt16, from source: UInt8 = 1, port: UInt16, payload: [UInt8]) -> [UInt8] {
        let (total, udp) = (UInt16(28 + payload.count), UInt16(8 + payload.count))
        let header: [UInt8] = [
            0x45, 0, UInt8(total >> 8), UInt8(total & 0xFF), UInt8(id >> 8), UInt8(id & 0xFF), 0x40, 0, 64, 17, 0, 0,
        ]
        return header + [192, 0, 2, source, 198, 51, 100, 7]
            + [0x0F, 0xA0, UInt8(port >> 8), UInt8(port & 0xFF), UInt8(udp >> 8), UInt8(udp & 0xFF), 0, 0] + payload
    }

    /// The record of such a datagram of 192.0.2.1.
    static func record(
        id: UInt16, port: UInt16, payload: [UInt8], pid: UInt32 = 7, name: String = "store", at offset: Int64
    ) -> SendRecord {
        var packet = IPPacket(
            source: IPAddress(v4: 0xC000_0201), destination: IPAddress(v4: 0xC633_6407), transport: .udp)
        packet.identification = UInt32(id)
        packet.sourcePort = 4000
        packet.destinationPort = port
        packet.udpLength = UInt16(8 + payload.count)
        packet.payloadLength = UInt32(payload.count)
        packet.totalLength = UInt32(28 + payload.count)
        packet.payloadPrefix = PayloadPrefix(payload)
        return SendRecord(
            time: start.advanced(by: offset), packet: packet, process: ProcessKey(pid: pid, startTime: 70), thread: pid,
            threadName: TaskName(name.utf8))
    }

    /// A run over one capture, whose evidence begins a second before ``start``.
    static func attribution(keepsBytes: Bool = false) -> Attribution {
        var settings = Attribution.Settings()
        settings.captureNames = ["test.pcap"]
        settings.keepsBytes = keepsBytes
        var attribution = Attribution(
            settings: settings, classifier: Classifier(configuration: ClassifierConfiguration()),
            correlator: Correlator(seed: 7), processes: ProcessSource())
        let own = HostInterface(
            index: 2, name: "eth0", namespace: 1,
            addresses: [.init(address: IPAddress(v4: 0xC000_0201), prefixLength: 24)])
        attribution.setCoverage(Coverage(start: start.advanced(by: -1_000_000_000), interfaces: [own]), host: 0)
        return attribution
    }
}
