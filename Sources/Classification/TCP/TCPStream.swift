internal import PacketDecoding

/// One direction of a followed connection: what comes next, and what came too early.
struct TCPStream: Sendable {
    /// A segment that waits for those before it.
    struct Held: Sendable {
        let sequence: UInt32
        let acknowledgement: UInt32?
        let bytes: [UInt8]
        /// Payload bytes on the wire, at least as many as `bytes`.
        let length: Int
        let isLast: Bool
        let seen: Sighting

        /// How much of the sequence space it takes.
        var span: Int { length + (isLast ? 1 : 0) }
    }

    static let heldLimit = 64
    static let heldByteLimit = 64 << 10
    /// Farther off than any window in use on such connections: not of this stream.
    static let farthest = 4 << 20

    /// The sequence number of the next byte; nil until anything of this direction was seen.
    var next: UInt32?
    /// In order of their sequence numbers.
    private(set) var held: [Held] = []
    private(set) var heldBytes = 0
    /// Segments in a row that do not belong into this stream.
    var strangers = 0
    var units = PDUStream()

    var isOverfull: Bool { held.count > Self.heldLimit || heldBytes > Self.heldByteLimit }

    /// Where a segment begins relative to the next byte; nil for one that is not of this stream.
    func offset(of sequence: UInt32) -> Int? {
        guard let next else { return 0 }
        let distance = sequenceDistance(from: next, to: sequence)
        return distance.magnitude <= Self.farthest ? distance : nil
    }

    /// Keeps a segment for later. Of equal ones the first is kept.
    mutating func hold(_ segment: Held) {
        var index = held.count
        while index > 0 {
            let distance = sequenceDistance(from: held[index - 1].sequence, to: segment.sequence)
            if distance > 0 { break }
            if distance == 0, held[index - 1].span >= segment.span { return }
            index -= 1
        }
        held.insert(segment, at: index)
        heldBytes += segment.bytes.count
    }

    /// Takes the first held segment.
    mutating func takeFirst() -> Held? {
        guard !held.isEmpty else { return nil }
        let first = held.removeFirst()
        heldBytes -= first.bytes.count
        return first
    }
}
