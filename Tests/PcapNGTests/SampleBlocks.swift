import PcapNG

/// Blocks put together byte by byte, in either byte order, independently of the encoder under test.
struct SampleBlocks {
    var order: ByteOrder
    var bytes: [UInt8] = []

    init(_ order: ByteOrder) { self.order = order }

    func integer(_ value: UInt64, _ size: Int) -> [UInt8] {
        let little = (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
        return order == .little ? little : little.reversed()
    }

    func u32(_ value: UInt32) -> [UInt8] { integer(UInt64(value), 4) }
    func u16(_ value: UInt16) -> [UInt8] { integer(UInt64(value), 2) }

    func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: -bytes.count & 3) }

    func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] { u16(code) + u16(UInt16(value.count)) + padded(value) }
    func option(_ code: UInt16, _ text: String) -> [UInt8] { option(code, Array(text.utf8)) }
    var endOfOptions: [UInt8] { [0, 0, 0, 0] }

    mutating func block(_ type: UInt32, _ body: [UInt8]) {
        let length = u32(UInt32(12 + body.count))
        bytes += u32(type) + length + body + length
    }

    mutating func section(_ options: [UInt8] = [], major: UInt16 = 1) {
        block(0x0A0D_0D0A, u32(0x1A2B_3C4D) + u16(major) + u16(0) + [UInt8](repeating: 0xFF, count: 8) + options)
    }

    mutating func interface(_ linkType: UInt16 = 1, snapLength: UInt32 = 0, _ options: [UInt8] = []) {
        block(1, u16(linkType) + u16(0) + u32(snapLength) + options)
    }

    mutating func packet(
        interface: UInt32 = 0, ticks: UInt64 = 0, _ data: [UInt8], original: UInt32? = nil, captured: UInt32? = nil,
        _ options: [UInt8] = []
    ) {
        block(
            6,
            u32(interface) + u32(UInt32(ticks >> 32)) + u32(UInt32(truncatingIfNeeded: ticks))
                + u32(captured ?? UInt32(data.count)) + u32(original ?? UInt32(data.count)) + padded(data) + options)
    }
}
