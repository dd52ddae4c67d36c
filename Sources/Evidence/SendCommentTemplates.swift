import PcapNG
import Records

/// Comments that were read lately, to know them again without reading them.
///
/// The comments of a thread differ in the socket's cookie and in little else. So a comment is kept as the bytes before
/// the cookie's number and those behind it: a line with the same bytes in both places says the same but for the number.
/// Where a line holds what changes from packet to packet or from socket to socket besides (segments, a translation, the
/// socket's creator), it is kept as a whole.
struct SendCommentTemplates {
    private static let count = 1 << 11
    /// Longer lines are rare, and not worth the memory.
    private static let lengthLimit = 192

    private struct Slot {
        var comment = SendComment()
        /// Bytes before the cookie's number, or all where the line is kept as a whole; 0 for a free slot.
        var head = 0
        /// Bytes behind the number; nil where the line is kept as a whole.
        var tail: Int?
    }

    /// One more than there are places: the last is that of a line which is not kept.
    private var slots: [Slot] = []
    /// The bytes of each slot's line, without the cookie's number.
    private var bytes: [UInt8] = []
    /// What was read last.
    private var current = count
    private var cookie: UInt64 = 0
    private var turn = 0

    /// Reads a line; false where it is malformed.
    ///
    /// - Parameter thread: the sender's, which tells where to look and proves nothing.
    @inline(__always)
    mutating func read(_ line: RawSpan, thread: UInt32) -> Bool {
        // What stands before the cookie: namespace and interface. A cookie of another length must not look like another.
        let start = line.extracting(0..<min(24, line.byteCount))
        let near = Self.place(start.mixed(first: 24) ^ UInt64(thread))
        return matches(line, near) || matches(line, near ^ 1) || readAnew(line, near: near)
    }

    /// The record of a packet with the line that was read last.
    @inline(__always)
    func record(time: Timestamp, packet: IPPacket, pid: UInt32, thread: UInt32, host: UInt16) -> SendRecord {
        slots[current].comment.record(
            time: time, packet: packet, pid: pid, thread: thread, cookie: cookie, host: host)
    }

    private mutating func readAnew(_ line: RawSpan, near: Int) -> Bool {
        if slots.isEmpty {
            slots = Array(repeating: Slot(), count: Self.count + 1)
            bytes = Array(repeating: 0, count: Self.count * Self.lengthLimit)
        }
        let exact = Self.place(line.mixed(first: Self.lengthLimit))
        if matches(line, exact) { return true }
        var place: Range<Int>?
        guard let comment = SendComment(line, cookie: &place) else { return false }
        let isPlain = comment.beforeNAT == nil && comment.creator == nil && comment.segmentSize == 0
        keep(comment, line, cookie: isPlain ? place : nil, at: isPlain ? free(of: near) : exact)
        cookie = comment.cookie
        return true
    }

    /// The one of two neighbours that is free, or else the one whose turn it is: two threads that meet at a place share it.
    private mutating func free(of near: Int) -> Int {
        if slots[near].head == 0 { return near }
        if slots[near ^ 1].head == 0 { return near ^ 1 }
        turn ^= 1
        return near ^ turn
    }

    /// Whether a slot's line says the same but for the cookie: then it is the current one.
    @inline(__always)
    private mutating func matches(_ line: RawSpan, _ index: Int) -> Bool {
        guard index < slots.count else { return false }
        let head = slots[index].head
        let begin = index * Self.lengthLimit
        guard head > 0, head <= line.byteCount,
            line.extracting(0..<head).hasSameBytes(as: bytes.rawSpan.extracting(begin..<begin + head))
        else { return false }
        if let tail = slots[index].tail {
            let end = line.byteCount - tail
            let kept = begin + head..<begin + head + tail
            guard end > head,
                line.extracting(end..<line.byteCount).hasSameBytes(as: bytes.rawSpan.extracting(kept)),
                let number = line.decimal(in: head..<end)
            else { return false }
            cookie = number
        } else {
            guard head == line.byteCount else { return false }
            cookie = slots[index].comment.cookie
        }
        current = index
        return true
    }

    /// Makes a comment the current one, and keeps it if its line is not too long.
    private mutating func keep(_ comment: SendComment, _ line: RawSpan, cookie: Range<Int>?, at index: Int) {
        let head = cookie?.lowerBound ?? line.byteCount
        let tail = cookie.map { line.byteCount - $0.upperBound }
        guard head + (tail ?? 0) <= Self.lengthLimit else {
            current = Self.count
            slots[current].comment = comment
            return
        }
        current = index
        slots[index] = Slot(comment: comment, head: head, tail: tail)
        let begin = index * Self.lengthLimit
        for offset in 0..<head { bytes[begin + offset] = line.byte(at: offset) }
        guard let cookie, let tail else { return }
        for offset in 0..<tail { bytes[begin + head + offset] = line.byte(at: cookie.upperBound + offset) }
    }

    @inline(__always)
    private static func place(_ mixed: UInt64) -> Int { Int((mixed &* 0x9E37_79B9_7F4A_7C15) >> 53) }
}
