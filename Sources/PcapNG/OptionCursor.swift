import TextEscaping

/// Walks over the options of a block.
struct OptionCursor {
    struct Option {
        var code: UInt16
        /// Where its value stands in the block's body.
        var value: Range<Int>
    }

    private var position: Int
    private let order: ByteOrder
    /// What is wrong with the options, once the walk came to it; those before it stand.
    private(set) var problem: String?

    init(at position: Int, order: ByteOrder) {
        self.position = position
        self.order = order
    }

    /// The next option; nil at the end, with or without an end marker, and where the rest is malformed.
    @inline(__always)
    mutating func next(in body: RawSpan) -> Option? {
        guard position < body.byteCount, problem == nil else { return nil }
        guard position <= body.byteCount - 4 else {
            problem = "an option is cut"
            return nil
        }
        let code = body.load(UInt16.self, at: position, order)
        if code == OptionCode.end {
            position = body.byteCount
            return nil
        }
        let begin = position + 4
        let end = begin + Int(body.load(UInt16.self, at: position + 2, order))
        guard end <= body.byteCount else {
            problem = "option \(code) runs past its block"
            return nil
        }
        position = begin + (end - begin + 3) & ~3
        return Option(code: code, value: begin..<end)
    }
}

extension RawSpan {
    /// A text in the lossless escape; nil where it is empty.
    func text(_ range: Range<Int>) -> String? {
        // Some writers count a terminating NUL.
        let bytes = extracting(range).array.prefix { $0 != 0 }
        return bytes.isEmpty ? nil : LosslessEscape.text(bytes)
    }

    /// A time stamp as two halves, the high one first.
    @inline(__always)
    func ticks(at offset: Int, _ order: ByteOrder) -> UInt64 {
        UInt64(load(UInt32.self, at: offset, order)) << 32 | UInt64(load(UInt32.self, at: offset + 4, order))
    }
}
