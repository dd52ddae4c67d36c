internal import Records

/// The latest datagram of that form to each port from each source: notifications come again after a minute, unchanged,
/// until the client fetches (MS-OXCRPC 3.1.4.5).
struct RepeatHistory: Sendable {
    private struct Latest {
        var payload: UInt64
        var seen: Sighting
    }

    /// About a minute, in nanoseconds.
    private static let interval: ClosedRange<Int64> = 55_000_000_000...65_000_000_000

    private var latest: RecencyTable<TupleFingerprint, Latest>

    init(capacity: Int) { latest = RecencyTable(capacity: capacity) }

    /// Notes a datagram.
    ///
    /// - Parameter flow: source address, destination address and port.
    /// - Returns: the datagram before it, if it was the same about a minute ago.
    mutating func note(_ flow: TupleFingerprint, payload: UInt64, _ seen: Sighting) -> Sighting? {
        var earlier: Sighting?
        latest.touch(flow, default: { Latest(payload: payload, seen: seen) }) { known in
            if known.payload == payload, Self.interval.contains(seen.time.since(known.seen.time)) {
                earlier = known.seen
            }
            known = Latest(payload: payload, seen: seen)
        }
        return earlier
    }
}
