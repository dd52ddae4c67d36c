internal import PacketDecoding

/// Cuts one direction of a connection into DCE/RPC units, in bounded memory, and finds its way back after a gap.
///
/// Of a long request or response only the begin is kept: what is looked for in it stands there.
struct PDUStream: Sendable {
    /// More than a request of interest has; what is longer is kept to its headers.
    private static let longestCall = 1024
    private static let keptOfLongCall = 64
    /// A bind with many contexts and a Kerberos ticket behind them.
    private static let keptOfOthers = 4096
    /// Without any unit in so many bytes the connection is something else.
    private static let fruitlessLimit = 64 << 10
    private static let fruitlessBegin = 64

    private var held: [UInt8] = []
    private var header: PDUHeader?
    private var wanted = PDUHeader.length
    private var skipping = 0
    private var fruitless = 0
    private var hasFound = false

    /// Nothing in it looks like DCE/RPC.
    var isHopeless: Bool { fruitless > (hasFound ? Self.fruitlessLimit : Self.fruitlessBegin) }

    /// Takes bytes from `offset` on until a unit is complete.
    ///
    /// - Returns: the unit, as far as it is kept; nil when the bytes are used up.
    mutating func next(_ bytes: RawSpan, _ offset: inout Int, end: Int) -> (header: PDUHeader, bytes: [UInt8])? {
        while offset < end, !isHopeless {
            if skipping > 0 {
                let count = min(skipping, end - offset)
                offset += count
                skipping -= count
                continue
            }
            let count = min(wanted - held.count, end - offset)
            held.append(copying: bytes, in: offset..<offset + count)
            offset += count
            if header == nil { findHeader() }
            guard let header, held.count >= wanted else { continue }
            let unit = held
            skipping = header.fragmentLength - held.count
            reset()
            return (header, unit)
        }
        return nil
    }

    /// Takes the stream for something else from now on.
    mutating func giveUp() { fruitless = .max }

    /// Notes that bytes are missing; nil where it is not known how many.
    mutating func lose(_ count: Int?) {
        guard let count else {
            skipping = 0
            return reset()
        }
        if skipping >= count, held.isEmpty {
            skipping -= count
            return
        }
        // The unit under way is lost, but where it ends may be known.
        let rest = header.map { $0.fragmentLength - held.count } ?? 0
        skipping = rest > count ? rest - count : 0
        reset()
    }

    private mutating func reset() {
        held = []
        header = nil
        wanted = PDUHeader.length
    }

    private mutating func findHeader() {
        var start = 0
        while start < held.count, !PDUHeader.canBegin(Array(held[start...])) { start += 1 }
        if start > 0 {
            held.removeFirst(start)
            fruitless += start
        }
        guard held.count >= PDUHeader.length, let found = PDUHeader(held) else { return }
        header = found
        hasFound = true
        fruitless = 0
        let isCall = found.kind == .request || found.kind == .response
        let kept =
            !isCall
            ? Self.keptOfOthers : found.fragmentLength <= Self.longestCall ? Self.longestCall : Self.keptOfLongCall
        wanted = min(found.fragmentLength, kept)
    }
}
