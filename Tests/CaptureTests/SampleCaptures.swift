import Capture
import Records

/// Bytes from hex digits, a string a field; blanks are free.
func hex(_ fields: String...) -> [UInt8] {
    let digits = fields.joined().utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// The bytes of an integer in either order.
func bytes<Value: FixedWidthInteger>(_ value: Value, bigEndian: Bool = false) -> [UInt8] {
    let shifts = stride(from: 0, to: Value.bitWidth, by: 8)
    let little = shifts.map { UInt8(truncatingIfNeeded: value >> Value($0)) }
    return bigEndian ? little.reversed() : little
}

/// One packet that a sample file holds.
struct SamplePacket: Equatable, Sendable {
    var seconds: UInt32
    var nanoseconds: UInt32
    var frame: [UInt8]
    var originalLength: Int

    var time: Timestamp { Timestamp(seconds: Int64(seconds), nanoseconds: Int64(nanoseconds)) }

    /// Three packets: one whole, one cut, one without a byte.
    static let three = [
        SamplePacket(seconds: 1_700_000_000, nanoseconds: 123_456_000, frame: SampleFrame.udp, originalLength: 50),
        SamplePacket(
            seconds: 1_700_000_001, nanoseconds: 999_999_000, frame: Array(SampleFrame.udp.prefix(42)),
            originalLength: 1500),
        SamplePacket(seconds: 1_700_000_001, nanoseconds: 999_999_000, frame: [], originalLength: 60),
    ]
}

enum SampleFrame {
    /// 192.0.2.1:36003 → 198.51.100.7:2762, 8 bytes of payload.
    static let udp =
        hex("0053 0000 0002", "0053 0000 0001", "0800")
        + hex("45", "00", "0024", "1234", "4000", "40", "11", "0000", "C000 0201", "C633 6407")
        + hex("8CA3", "0ACA", "0010", "0000", "1122 3344 5566 7788")
}

/// A pcap file put together field by field.
struct PcapSample: Sendable {
    var bigEndian = false
    var nanoseconds = true
    /// The format of old Red Hat kernels.
    var modified = false
    var linkType: UInt32 = 1
    var snapLength: UInt32 = 65_535

    var header: [UInt8] {
        let magic: UInt32 = modified ? 0xA1B2_CD34 : nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4
        return order(magic) + order(UInt16(2)) + order(UInt16(4))  // version
            + order(UInt32(0)) + order(UInt32(0))  // zone, accuracy
            + order(snapLength) + order(linkType)
    }

    func record(_ packet: SamplePacket, capturedLength: UInt32? = nil) -> [UInt8] {
        let fraction = nanoseconds && !modified ? packet.nanoseconds : packet.nanoseconds / 1000
        // Interface, protocol, packet type, padding.
        let more = modified ? order(UInt32(2)) + order(UInt16(0x0800)) + hex("00 00") : []
        return order(packet.seconds) + order(fraction)
            + order(capturedLength ?? UInt32(packet.frame.count)) + order(UInt32(packet.originalLength))
            + more + packet.frame
    }

    func file(_ packets: [SamplePacket]) -> [UInt8] { header + packets.flatMap { record($0) } }

    private func order<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        bytes(value, bigEndian: bigEndian)
    }
}

/// pcapng blocks put together field by field.
struct PcapNGSample: Sendable {
    var bigEndian = false

    var section: [UInt8] {
        block(0x0A0D_0D0A, order(UInt32(0x1A2B_3C4D)) + order(UInt16(1)) + order(UInt16(0)) + order(UInt64.max))
    }

    func interface(_ linkType: UInt16, name: String? = nil, resolution: UInt8? = nil) -> [UInt8] {
        var options: [UInt8] = []
        if let name { options += option(2, Array(name.utf8)) }
        if let resolution { options += option(9, [resolution]) }
        if !options.isEmpty { options += option(0, []) }
        return block(1, order(linkType) + order(UInt16(0)) + order(UInt32(262_144)) + options)
    }

    func packet(
        _ packet: SamplePacket, interface: UInt32 = 0, ticks: UInt64? = nil, flags: UInt32? = nil, id: UInt64? = nil
    ) -> [UInt8] {
        let ticks = ticks ?? UInt64(packet.seconds) * 1_000_000 + UInt64(packet.nanoseconds / 1000)
        var options: [UInt8] = []
        if let flags { options += option(2, order(flags)) }
        if let id { options += option(5, order(id)) }
        if !options.isEmpty { options += option(0, []) }
        return block(
            6,
            order(interface) + order(UInt32(ticks >> 32)) + order(UInt32(truncatingIfNeeded: ticks))
                + order(UInt32(packet.frame.count)) + order(UInt32(packet.originalLength)) + padded(packet.frame)
                + options)
    }

    func simplePacket(_ frame: [UInt8]) -> [UInt8] { block(3, order(UInt32(frame.count)) + padded(frame)) }

    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let length = order(UInt32(body.count + 12))
        return order(type) + length + body + length
    }

    private func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
        order(code) + order(UInt16(value.count)) + padded(value)
    }

    private func padded(_ value: [UInt8]) -> [UInt8] {
        value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    private func order<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        bytes(value, bigEndian: bigEndian)
    }
}

/// What reading a file to its end gave.
struct Reading {
    var frames: [CapturedFrame] = []
    var contents: [[UInt8]] = []
    var interfaces: [CaptureInterface] = []
    var damage: [Damage] = []

    init(_ path: String) throws(CaptureError) { self.init(try Savefile(path: path)) }

    init(_ file: Savefile) {
        while let (frame, content) = file.next({ ($0, copy($1)) }) {
            frames.append(frame)
            contents.append(content)
        }
        interfaces = file.interfaces
        damage = file.damage
    }

    var packets: [SamplePacket] {
        zip(frames, contents).map { frame, content in
            SamplePacket(
                seconds: UInt32(frame.time.nanoseconds / 1_000_000_000),
                nanoseconds: UInt32(frame.time.nanoseconds % 1_000_000_000), frame: content,
                originalLength: frame.originalLength)
        }
    }
}

func copy(_ span: RawSpan) -> [UInt8] { unsafe span.withUnsafeBytes { unsafe Array($0) } }

/// The error that opening a file gives; nil where it opens.
func openingError(_ path: String) -> CaptureError? {
    do throws(CaptureError) {
        _ = try Savefile(path: path)
        return nil
    } catch {
        return error
    }
}
