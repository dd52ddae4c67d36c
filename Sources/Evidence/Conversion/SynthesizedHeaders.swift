import Records

/// Headers for a packet of which a trace knows addresses, ports and length only, so that any reader of captures can show
/// it. What the trace did not say is 0: IP id, hop limit, checksums above IP.
enum SynthesizedHeaders {
    /// The IP header and the transport header.
    static func bytes(of record: TrafficRecord, isSource: Bool) -> (bytes: [UInt8], originalLength: Int) {
        let source = isSource ? record.localAddress : record.remoteAddress
        let destination = isSource ? record.remoteAddress : record.localAddress
        let ports = isSource ? [record.localPort, record.remotePort] : [record.remotePort, record.localPort]
        let transport = transport(record, ports)
        // Large sends pass what the length fields can say.
        let length = transport.count + Int(min(record.payloadLength ?? 0, 65_000))
        switch source.version {
        case .v4:
            let header = internet4(source, destination, protocolNumber(record.transport), length)
            return (header + transport, header.count + length)
        case .v6:
            let header =
                [0x60, 0, 0, 0] + big(UInt16(length)) + [protocolNumber(record.transport), 0]
                + big(source.high) + big(source.low) + big(destination.high) + big(destination.low)
            return (header + transport, header.count + length)
        }
    }

    private static func transport(_ record: TrafficRecord, _ ports: [UInt16]) -> [UInt8] {
        switch record.transport {
        case .udp:
            let length = UInt16(8 + min(record.payloadLength ?? 0, 65_000))
            return big(ports[0]) + big(ports[1]) + big(length) + [0, 0]
        case .tcp:
            // Data offset 5 words; flags ACK, or SYN where the connection began.
            let flags: UInt8 = record.action == .connected ? 0x02 : 0x10
            return big(ports[0]) + big(ports[1]) + [0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]
        default:
            return [record.transport == .icmp ? 8 : 128, 0, 0, 0] + big(ports[0]) + big(ports[1])
        }
    }

    private static func internet4(
        _ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ length: Int
    ) -> [UInt8] {
        var header: [UInt8] = [0x45, 0] + big(UInt16(20 + length)) + [0, 0, 0, 0, 0, number, 0, 0]
        header += big(UInt32(source.low)) + big(UInt32(destination.low))
        var sum: UInt32 = 0
        for index in stride(from: 0, to: header.count, by: 2) {
            sum += UInt32(header[index]) << 8 | UInt32(header[index + 1])
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        let checksum = ~UInt16(sum)
        header[10] = UInt8(checksum >> 8)
        header[11] = UInt8(checksum & 0xFF)
        return header
    }

    private static func protocolNumber(_ transport: IPPacket.Transport) -> UInt8 {
        switch transport {
        case .udp: 17
        case .tcp: 6
        case .icmp: 1
        case .icmpv6: 58
        case .other: 255
        }
    }

    private static func big<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        stride(from: Value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> Value($0)) }
    }
}
