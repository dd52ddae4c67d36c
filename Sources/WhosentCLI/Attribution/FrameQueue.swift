import PcapNG

/// The bytes of frames that wait for their verdict, first in, first out, in one growing buffer.
struct FrameQueue {
    private var storage: [UInt8] = []
    private var head = 0

    /// Bytes that wait.
    var byteCount: Int { storage.count - head }

    /// Appends a frame's captured bytes.
    mutating func append(_ frame: RawSpan) {
        storage.append(frame)
    }

    /// Takes the oldest `count` bytes.
    mutating func removeFirst<Result>(_ count: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        defer {
            head += count
            // Moving what is left costs no more than what was taken since the last move.
            if head > 1 << 16, head * 2 > storage.count {
                storage.removeFirst(head)
                head = 0
            }
        }
        return try body(storage.rawSpan.extracting(head..<head + count))
    }
}
