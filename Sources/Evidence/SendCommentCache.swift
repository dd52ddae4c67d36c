import PcapNG
import Records

/// Comments that were written lately. Everything in a comment is the same for all packets that a thread sends on a
/// socket, and senders send many: finding the line again is several times cheaper than making it.
struct SendCommentCache {
    private static let size = 1 << 12

    private struct Slot {
        var comment: SendComment
        var line: [UInt8]
    }

    private var slots = [Slot?](repeating: nil, count: size)

    /// Forgets everything: what a line was made of has changed.
    mutating func removeAll() { slots = [Slot?](repeating: nil, count: Self.size) }

    /// The line of a comment; `write` makes it where it is not known.
    mutating func line(
        for comment: SendComment, _ write: (SendComment, inout PacketCommentWriter) -> Void,
        _ writer: inout PacketCommentWriter
    ) -> [UInt8] {
        let index = Self.index(comment.cookie, UInt32(truncatingIfNeeded: comment.startTime))
        if let slot = slots[index], slot.comment == comment { return slot.line }
        write(comment, &writer)
        let line = writer.bytes
        slots[index] = Slot(comment: comment, line: line)
        return line
    }

    @inline(__always)
    private static func index(_ first: UInt64, _ second: UInt32) -> Int {
        Int((first &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(second) &* 0xBF58_476D_1CE4_E5B9) >> 52)
    }
}
