import TextEscaping

/// What is wrong with a block that can be used all the same. It becomes a sentence only where it is told: a text would be
/// counted for every packet.
enum BlockFlaw: Hashable {
    case optionCut
    case optionOverrun(code: UInt16)
    case capturedBeyondOriginal(captured: Int, original: Int)

    var sentence: String {
        switch self {
        case .optionCut: "an option is cut"
        case .optionOverrun(let code): "option \(code) runs past its block"
        case .capturedBeyondOriginal(let captured, let original):
            "a packet states \(captured) captured of only \(original) original bytes"
        }
    }
}

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
    private(set) var problem: BlockFlaw?

    init(at position: Int, order: ByteOrder) {
        self.position = position
        self.order = order
    }

    /// The next option; nil at the end, with or without an end marker, and where the rest is malformed.
    @inline(__always)
    mutating func next(in body: RawSpan) -> Option? {
        guard position <= body.byteCount - 4 else { return cut(body) }
        // Code and length at one load.
        let head = body.load(UInt32.self, at: position, order)
        let code = UInt16(truncatingIfNeeded: order == .little ? head : head >> 16)
        if code == OptionCode.end {
            position = body.byteCount
            return nil
        }
        // Nothing here comes near to an overflow: a block has at most 16 MiB.
        let begin = position &+ 4
        let end = begin &+ Int(order == .little ? head >> 16 : head & 0xFFFF)
        guard end <= body.byteCount else {
            problem = .optionOverrun(code: code)
            position = body.byteCount
            return nil
        }
        position = begin &+ (end &- begin &+ 3) & ~3
        return Option(code: code, value: begin..<end)
    }

    private mutating func cut(_ body: RawSpan) -> Option? {
        if position < body.byteCount { problem = .optionCut }
        position = body.byteCount
        return nil
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
