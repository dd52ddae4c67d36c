/// Reads fields one after the other; reading beyond the end yields zeros and is remembered.
struct WireCursor {
    private let bytes: [UInt8]
    private let end: Int
    private let isBigEndian: Bool
    private(set) var position: Int
    /// Something that was read did not exist.
    private(set) var hasOverrun = false

    init(_ bytes: [UInt8], from start: Int = 0, to end: Int? = nil, isBigEndian: Bool) {
        self.bytes = bytes
        self.end = min(end ?? bytes.count, bytes.count)
        self.isBigEndian = isBigEndian
        position = start
    }

    /// How many bytes are left.
    var remaining: Int { max(end - position, 0) }

    mutating func uint8() -> UInt8 { UInt8(truncatingIfNeeded: integer(1)) }
    mutating func uint16() -> UInt16 { UInt16(truncatingIfNeeded: integer(2)) }
    mutating func uint32() -> UInt32 { UInt32(truncatingIfNeeded: integer(4)) }
    /// In network byte order, whatever the sender's own is.
    mutating func networkUInt16() -> UInt16 { UInt16(uint8()) << 8 | UInt16(uint8()) }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            hasOverrun = true
            position = end
            return []
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func skip(_ count: Int) { _ = bytes(count) }

    /// NDR aligns each field to its size, from the begin of the stub.
    mutating func align(_ size: Int, from origin: Int = 0) {
        let excess = (position - origin) % size
        if excess != 0 { skip(size - excess) }
    }

    private mutating func integer(_ count: Int) -> UInt64 {
        let field = bytes(count)
        return isBigEndian
            ? field.reduce(0) { $0 << 8 | UInt64($1) } : field.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
