import Records

/// Cuts a stream of bytes into blocks: lengths, byte order, and what is wrong with them.
struct BlockScanner: ~Copyable {
    /// A block as long as this or longer is damage. Decoders accept 256 KiB packets; 16 MiB leaves room for whatever
    /// else a capture tool stores, and bounds what a hostile length can make us hold.
    static let lengthLimit = 16 << 20
    private static let chunk = 256 << 10

    private var source: any ByteSource
    private var buffer: [UInt8]
    private var start = 0
    private var end = 0
    private var sourceEnded = false

    /// The file offset of the current block.
    private(set) var offset: UInt64 = 0
    /// The whole length of the current block, 0 before the first.
    private(set) var length = 0
    /// The current block's type.
    private(set) var type: UInt32 = 0
    /// The current section's byte order.
    private(set) var byteOrder = ByteOrder.little
    /// What ended the reading early: a sentence about the block at ``offset``.
    private(set) var damage: String?

    init(_ source: any ByteSource) {
        self.source = source
        buffer = [UInt8](repeating: 0, count: Self.chunk)
    }

    /// The current block without its head and its trailing length.
    var body: RawSpan {
        @_lifetime(borrow self)
        get { buffer.rawSpan.extracting(start + 8..<start + length - 4) }
    }

    /// Goes to the next block.
    ///
    /// - Returns: false at the end or where the file is damaged beyond reading on; see ``damage``.
    @inline(__always)
    mutating func advance() throws(ByteSourceError) -> Bool {
        start += length
        offset += UInt64(length)
        length = 0
        guard damage == nil, try hold(12) else {
            if damage == nil, end > start { damage = "the file ends \(end - start) bytes into a block" }
            return false
        }
        guard beginSectionIfAny() else { return false }
        let stated = Int(buffer.rawSpan.load(UInt32.self, at: start + 4, byteOrder))
        guard stated >= 12, stated % 4 == 0 else {
            damage = "a block states a length of \(stated) bytes, which no block can have"
            return false
        }
        guard stated < Self.lengthLimit else {
            damage = "a block states a length of \(stated) bytes, more than the \(Self.lengthLimit) accepted here"
            return false
        }
        guard try hold(stated) else {
            damage = "the last block states \(stated) bytes, but the file ends after \(end - start) of them"
            return false
        }
        let trailing = Int(buffer.rawSpan.load(UInt32.self, at: start + stated - 4, byteOrder))
        guard trailing == stated else {
            damage = "a block's two lengths differ: \(stated) at its begin, \(trailing) at its end"
            return false
        }
        length = stated
        return true
    }

    /// Reads the type, and the byte order where a section begins.
    @inline(__always)
    private mutating func beginSectionIfAny() -> Bool {
        type = buffer.rawSpan.load(UInt32.self, at: start, byteOrder)
        if type == BlockType.sectionHeader {
            let magic = buffer.rawSpan.load(UInt32.self, at: start + 8, .little)
            switch magic {
            case 0x1A2B_3C4D: byteOrder = .little
            case 0x4D3C_2B1A: byteOrder = .big
            default:
                damage = "a section header has no valid byte-order magic"
                return false
            }
        } else if offset == 0 {
            damage = "the file does not begin with a section header"
            return false
        }
        return true
    }

    /// The block after the current one is in the buffer as a whole.
    var holdsNextBlock: Bool {
        let next = start + length
        guard damage == nil, end - next >= 12 else { return false }
        return end - next >= Int(buffer.rawSpan.load(UInt32.self, at: next + 4, byteOrder))
    }

    /// Makes sure that `count` bytes from `start` on are in the buffer; false where the source ends before.
    @inline(__always)
    private mutating func hold(_ count: Int) throws(ByteSourceError) -> Bool {
        end - start >= count ? true : try fill(count)
    }

    private mutating func fill(_ count: Int) throws(ByteSourceError) -> Bool {
        while end - start < count {
            if sourceEnded { return false }
            makeRoom(for: count)
            let read = try buffer.fill(from: end, &source)
            if read == 0 { sourceEnded = true }
            end += read
        }
        return true
    }

    /// Moves what is unread to the front; doubles the buffer only when it is full of bytes that really came, so that a
    /// false length alone costs no memory.
    private mutating func makeRoom(for count: Int) {
        if start > 0, start + count > buffer.count {
            var target = 0
            while target < end - start {
                buffer[target] = buffer[start + target]
                target += 1
            }
            end -= start
            start = 0
        }
        if end == buffer.count {
            buffer.append(contentsOf: repeatElement(0, count: buffer.count))
        }
    }
}
