/// Small captures for tests, written by hand so that nothing of the tool is trusted to make them.
enum CaptureBytes {
    /// A classic pcap file's header: magic (microseconds), version 2.4, zone, accuracy, snap length, link type.
    static func header(snapLength: UInt32 = 262_144, linkType: UInt32 = 1) -> [UInt8] {
        little(0xA1B2_C3D4) + [2, 0, 4, 0] + little(0) + little(0) + little(snapLength) + little(linkType)
    }

    /// A record: seconds, microseconds, captured and original length, the frame.
    static func record(
        _ frame: [UInt8], captured: UInt32? = nil, original: Int? = nil, seconds: UInt32 = 1_772_360_430
    ) -> [UInt8] {
        let lengths = little(captured ?? UInt32(frame.count)) + little(UInt32(original ?? frame.count))
        return little(seconds) + little(7) + lengths + frame
    }

    /// An Ethernet frame with a UDP datagram of 8 bytes from 192.0.2.1:36000 to 198.51.100.7, checksums left out.
    static func frame(port: UInt16 = 2762) -> [UInt8] {
        let ethernet: [UInt8] = [2, 0, 0x5E, 0, 0, 0xFE, 2, 0, 0x5E, 0, 0, 1, 8, 0]
        let ip: [UInt8] = [0x45, 0, 0, 36, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]
        let udp: [UInt8] = [0x8C, 0xA0, UInt8(port >> 8), UInt8(port & 0xFF), 0, 16, 0, 0]
        return ethernet + ip + udp + [1, 2, 3, 4, 5, 6, 7, 8]
    }

    /// A sound capture of `count` datagrams to different ports.
    static func sound(count: UInt16 = 23) -> [UInt8] {
        (0..<count).reduce(into: header()) { bytes, index in bytes += record(frame(port: 2000 + index)) }
    }

    /// A pcapng block with both its lengths.
    static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count + 12)
        return little(type) + little(length) + body + little(length)
    }

    /// A pcapng file of one Ethernet interface and `count` packets.
    static func soundPcapNG(count: UInt16 = 23) -> [UInt8] {
        let section = block(0x0A0D_0D0A, little(0x1A2B_3C4D) + [1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
        let interface = block(1, [1, 0, 0, 0] + little(262_144))
        return (0..<count).reduce(into: section + interface) { bytes, index in
            let frame = frame(port: 2000 + index)
            let padding = [UInt8](repeating: 0, count: (4 - frame.count % 4) % 4)
            let length = little(UInt32(frame.count))
            bytes += block(
                6, little(0) + little(0x0005_F000) + little(UInt32(index)) + length + length + frame + padding)
        }
    }

    static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
