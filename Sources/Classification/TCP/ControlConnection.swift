internal import PacketDecoding
internal import Records

/// What became of a connection with a segment.
enum ControlOutcome: Sendable {
    case goesOn
    /// It is no DCE/RPC: to be forgotten.
    case unrelated
    /// A FIN came before what it ends.
    case ending
    /// FIN or RST.
    case ended
}

/// A unit of a followed connection, handed out in the order in which the connection's ends saw them.
struct ControlUnit: Sendable {
    let header: PDUHeader
    let bytes: [UInt8]
    /// The sender: 0 for the connection's first end, 1 for the second.
    let direction: Int
    let seen: Sighting
}

/// A connection that may carry DCE/RPC: both streams put back into order.
///
/// A segment waits not only for those before it but also for what it acknowledges: so an answer never comes before its
/// question, however the capture shuffled them. What does not come is waited for only so long.
struct ControlConnection: Sendable {
    /// Longer than captures shuffle, about as long as the first retransmission takes.
    static let patience: Int64 = 300_000_000
    /// Of a connection that is not known to be DCE/RPC yet.
    private static let undecidedLimit = 16
    private static let strangerLimit = 8

    let id: UInt64
    /// Both ends, in an order of their own.
    let ends: (TCPEndpoint, TCPEndpoint)
    /// Nothing of either stream's begin was seen: the first byte decides.
    private(set) var isUndecided: Bool
    /// It has ended: what still comes is sent again or late, and must not begin anything.
    private var isClosed = false
    var rpc = RPCConnection()
    /// Which direction is the client's, once a unit has shown it.
    var clientDirection: Int?
    private var inferred: [UInt16] = []
    private var streams: InlineArray<2, TCPStream>
    private var oldest: Timestamp?

    /// A connection whose begin was seen, still to be decided; or one that is known by a unit in its middle.
    init(id: UInt64, ends: (TCPEndpoint, TCPEndpoint), isUndecided: Bool) {
        self.id = id
        self.ends = ends
        self.isUndecided = isUndecided
        streams = InlineArray(repeating: TCPStream())
    }

    /// Fills places that hold no connection.
    static let none = ControlConnection(
        id: 0,
        ends: (
            TCPEndpoint(address: .unspecified(.v4), port: 0), TCPEndpoint(address: .unspecified(.v4), port: 0)
        ), isUndecided: true)

    /// Takes a context whose bind was not seen for emsmdb's from now on.
    mutating func infer(_ context: UInt16) {
        guard !inferred.contains(context) else { return }
        inferred.append(context)
        rpc.presentations.infer(context, .emsmdb)
    }

    /// A context is only taken for emsmdb's.
    func hasInferred(_ context: UInt16) -> Bool { inferred.contains(context) }

    /// How many bytes wait.
    var heldBytes: Int { streams[0].heldBytes + streams[1].heldBytes }

    /// Notes a SYN.
    ///
    /// - Returns: false where it begins another connection between the same ends.
    mutating func synchronise(_ segment: TCPSegment, _ direction: Int) -> Bool {
        let begin = segment.sequence &+ 1
        guard let next = streams[direction].next else {
            streams[direction].next = begin
            return true
        }
        // Sent again, it lies where the stream began: at what is known of it or not far behind.
        return isUndecided ? next == begin : (0...TCPStream.farthest).contains(sequenceDistance(from: begin, to: next))
    }

    /// Takes a segment with its bytes from the TCP header on.
    mutating func take(
        _ segment: TCPSegment, _ bytes: RawSpan, _ direction: Int, at seen: Sighting, into units: inout [ControlUnit]
    ) -> ControlOutcome {
        if isClosed { return .goesOn }
        if segment.has(TCPSegment.Flag.rst) {
            close()
            return .ended
        }
        if let oldest, seen.time.since(oldest) > Self.patience {
            giveUp(into: &units)
            if isClosed {
                close()
                return .ended
            }
        }
        let isLast = segment.has(TCPSegment.Flag.fin)
        guard segment.length > 0 || isLast else { return outcome }
        if streams[direction].next == nil { streams[direction].next = segment.sequence }
        guard let offset = streams[direction].offset(of: segment.sequence) else {
            return takeStranger(segment, direction)
        }
        streams[direction].strangers = 0
        guard offset + segment.length + (isLast ? 1 : 0) > 0 else { return outcome }
        if offset <= 0, streams[direction].held.isEmpty, isCaused(segment.acknowledgement, direction) {
            let first = segment.payload.lowerBound
            if !deliver(
                bytes, first..<segment.payload.upperBound, skip: -offset, length: segment.length, isLast: isLast,
                direction, seen, into: &units)
            {
                return .unrelated
            }
        } else {
            hold(segment, bytes, direction, isLast: isLast, seen)
        }
        drain(into: &units)
        if streams[direction].isOverfull || isUndecided && streams[direction].held.count > Self.undecidedLimit {
            giveUp(into: &units)
        }
        if isClosed { close() }
        return isClosed ? .ended : outcome == .unrelated ? .unrelated : isLast ? .ending : .goesOn
    }

    private mutating func close() {
        isClosed = true
        oldest = nil
        for direction in 0..<2 { while streams[direction].takeFirst() != nil {} }
    }

    /// Stops waiting for what is missing.
    mutating func giveUp(into units: inout [ControlUnit]) {
        var rounds = 2 * TCPStream.heldLimit + 4
        while rounds > 0, streams[0].held.count + streams[1].held.count > 0 {
            rounds -= 1
            let direction = earliestHeldDirection
            guard let first = streams[direction].held.first else { break }
            let other = 1 - direction
            if let wanted = first.acknowledgement, !isCaused(wanted, direction), let next = streams[other].next {
                streams[other].units.lose(sequenceDistance(from: next, to: wanted))
                streams[other].next = wanted
            }
            if let next = streams[direction].next {
                let gap = sequenceDistance(from: next, to: first.sequence)
                if gap > 0 {
                    streams[direction].units.lose(gap)
                    streams[direction].next = first.sequence
                    // Its begin is lost: the search for a unit decides now.
                    isUndecided = false
                }
            }
            drain(into: &units)
        }
        oldest = nil
    }

    private var outcome: ControlOutcome {
        streams[0].units.isHopeless || streams[1].units.isHopeless ? .unrelated : .goesOn
    }

    private var earliestHeldDirection: Int {
        guard let first = streams[0].held.first else { return 1 }
        guard let second = streams[1].held.first else { return 0 }
        return first.seen.time <= second.seen.time ? 0 : 1
    }

    /// A segment from elsewhere in the sequence space: a stray one, or the capture missed a new connection's begin.
    private mutating func takeStranger(_ segment: TCPSegment, _ direction: Int) -> ControlOutcome {
        streams[direction].strangers += 1
        guard streams[direction].strangers > Self.strangerLimit else { return .goesOn }
        close()
        return .ended
    }

    private mutating func hold(
        _ segment: TCPSegment, _ bytes: RawSpan, _ direction: Int, isLast: Bool, _ seen: Sighting
    ) {
        var copy: [UInt8] = []
        copy.append(copying: bytes, in: segment.payload)
        streams[direction].hold(
            TCPStream.Held(
                sequence: segment.sequence, acknowledgement: segment.acknowledgement, bytes: copy,
                length: segment.length, isLast: isLast, seen: seen))
        oldest = min(oldest ?? seen.time, seen.time)
    }

    /// All that a segment acknowledges has been handed out.
    private func isCaused(_ acknowledgement: UInt32?, _ direction: Int) -> Bool {
        guard let acknowledgement, let next = streams[1 - direction].next else { return true }
        let distance = sequenceDistance(from: next, to: acknowledgement)
        return distance <= 0 || distance > TCPStream.farthest
    }

    /// Hands out held segments as long as one fits.
    private mutating func drain(into units: inout [ControlUnit]) {
        var hasMoved = true
        while hasMoved {
            hasMoved = false
            for direction in 0..<2 {
                while let first = streams[direction].held.first,
                    let offset = streams[direction].offset(of: first.sequence), offset <= 0,
                    isCaused(first.acknowledgement, direction), let segment = streams[direction].takeFirst()
                {
                    hasMoved = true
                    guard offset + segment.span > 0 else { continue }
                    segment.bytes.withRawSpan { bytes in
                        _ = deliver(
                            bytes, 0..<bytes.byteCount, skip: -offset, length: segment.length, isLast: segment.isLast,
                            direction, segment.seen, into: &units)
                    }
                }
            }
        }
        if streams[0].held.isEmpty, streams[1].held.isEmpty { oldest = nil }
    }

    /// Hands out what a segment has from `skip` on.
    ///
    /// - Returns: false where the connection's first bytes show that it is something else.
    private mutating func deliver(
        _ bytes: RawSpan, _ captured: Range<Int>, skip: Int, length: Int, isLast: Bool, _ direction: Int,
        _ seen: Sighting, into units: inout [ControlUnit]
    ) -> Bool {
        if isUndecided, length > skip {
            var begin: [UInt8] = []
            let first = min(captured.lowerBound + skip, captured.upperBound)
            begin.append(copying: bytes, in: first..<min(captured.upperBound, first + PDUHeader.length))
            guard Self.canBegin(begin) else {
                streams[direction].units.giveUp()
                return false
            }
            isUndecided = false
        }
        var offset = min(captured.lowerBound + skip, captured.upperBound)
        while let unit = streams[direction].units.next(bytes, &offset, end: captured.upperBound) {
            units.append(ControlUnit(header: unit.header, bytes: unit.bytes, direction: direction, seen: seen))
        }
        let missing = length - max(captured.count, skip)
        if missing > 0 { streams[direction].units.lose(missing) }
        if let next = streams[direction].next {
            streams[direction].next = next &+ UInt32(truncatingIfNeeded: length - skip + (isLast ? 1 : 0))
        }
        // Over half a connection nothing can be agreed on any more.
        if isLast { isClosed = true }
        return true
    }

    /// Whether a stream of interest may begin so.
    static func canBegin(_ bytes: [UInt8]) -> Bool {
        !bytes.isEmpty && (PDUHeader.canBegin(bytes) || httpBanner.starts(with: bytes.prefix(httpBanner.count)))
    }
}
