import Records

@testable import Classification

/// Packets for classifiers, and a run that asks for every tag as the commands do.
enum Traffic {
    static let server = IPAddress(v4: 0xC000_0201)  // 192.0.2.1
    static let serverV6 = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 1)
    static let second: Int64 = 1_000_000_000
    /// 2026-03-01T10:20:30Z.
    static let begin = Timestamp(nanoseconds: 1_772_360_430_000_000_000)
    /// A payload with no property of its own.
    static let context: [UInt8] = [0x11, 0x22, 0x33, 0x44, 0x95, 0x66, 0x77, 0x88]

    /// 198.51.100.`number`, or 2001:db8:1::`number`.
    static func client(_ number: Int, _ version: IPAddress.Version = .v4) -> IPAddress {
        version == .v4
            ? IPAddress(v4: 0xC633_6400 + UInt32(number))
            : IPAddress(v6High: 0x2001_0DB8_0001_0000, low: UInt64(number))
    }

    static func at(_ offset: Int64, _ packet: IPPacket) -> PacketRecord {
        PacketRecord(time: begin.advanced(by: offset), frame: 1, ip: packet)
    }

    static func udp(
        _ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16,
        payload: [UInt8] = context
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

    static func tcp(_ source: IPAddress, _ destination: IPAddress, port: UInt16, sourcePort: UInt16 = 50123) -> IPPacket
    {
        var packet = IPPacket(source: source, destination: destination, transport: .tcp)
        packet.sourcePort = sourcePort
        packet.destinationPort = port
        packet.tcpFlags = 0x02
        return packet
    }

    static func echo(
        _ source: IPAddress, _ destination: IPAddress, payload: [UInt8] = [0x3F], type: UInt8? = nil, code: UInt8 = 0
    ) -> IPPacket {
        let isV4 = source.version == .v4
        var packet = IPPacket(source: source, destination: destination, transport: isV4 ? .icmp : .icmpv6)
        packet.icmpType = type ?? (isV4 ? 8 : 128)
        packet.icmpCode = code
        packet.sourcePort = 512
        packet.destinationPort = 1
        packet.payloadLength = UInt32(payload.count)
        packet.payloadPrefix = PayloadPrefix(payload)
        packet.totalLength = UInt32((isV4 ? 28 : 48) + payload.count)
        return packet
    }

    /// The tags of a capture's packets, each asked for as soon as a packet past its deadline came, or at the end.
    static func tags(
        _ packets: [PacketRecord], configuration: ClassifierConfiguration = ClassifierConfiguration()
    ) -> [Tag?] {
        var classifier = Classifier(configuration: configuration)
        var tags = [Tag?](repeating: nil, count: packets.count)
        var waiting: [(index: Int, tag: PendingTag)] = []
        for (index, packet) in packets.enumerated() {
            switch classifier.observe(packet) {
            case .none: break
            case .final(let tag): tags[index] = tag
            case .pending(let pending): waiting.append((index, pending))
            }
            while let first = waiting.first, first.tag.deadline < packet.time {
                tags[first.index] = classifier.resolve(first.tag)
                waiting.removeFirst()
            }
        }
        for (index, pending) in waiting { tags[index] = classifier.resolve(pending) }
        return tags
    }

    /// `newmail/possible` and the like; `-` for none.
    static func names(
        _ packets: [PacketRecord], configuration: ClassifierConfiguration = ClassifierConfiguration()
    ) -> [String] {
        tags(packets, configuration: configuration).map { tag in
            tag.map { "\($0.name)/\($0.confidence.name)" } ?? "-"
        }
    }
}
