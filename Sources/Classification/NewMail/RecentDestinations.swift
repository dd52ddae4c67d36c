internal import Records

/// The latest distinct destinations of one source's 8-byte datagrams, each with its last moment.
struct RecentDestinations: Sendable {
    /// A destination: address and port.
    struct Entry: Sendable {
        var destination: TupleFingerprint
        /// The tuple that an answer to its last datagram would have.
        var reverse: TupleFingerprint
        /// It answered an earlier datagram, of another source port perhaps: it converses.
        var hasAnswered = false
        var sourcePort: UInt16
        var time: Timestamp
    }

    /// The most that are kept; from here on a burst has that many "or more".
    static let capacity = 16

    private var entries: [Entry] = []

    /// How many are kept.
    var count: Int { entries.count }

    /// The entry at `index`, in no order that means anything.
    subscript(index: Int) -> Entry { entries[index] }

    /// Notes a datagram; the destination that was silent longest gives way.
    mutating func note(
        _ destination: TupleFingerprint, reverse: TupleFingerprint, sourcePort: UInt16, at time: Timestamp,
        history: TupleHistory
    ) {
        var oldest = 0
        for index in entries.indices {
            if entries[index].destination == destination {
                if history.contains(entries[index].reverse) { entries[index].hasAnswered = true }
                entries[index].reverse = reverse
                entries[index].sourcePort = sourcePort
                entries[index].time = time
                return
            }
            if entries[index].time < entries[oldest].time { oldest = index }
        }
        let entry = Entry(destination: destination, reverse: reverse, sourcePort: sourcePort, time: time)
        if entries.count < Self.capacity {
            entries.append(entry)
        } else {
            entries[oldest] = entry
        }
    }

    /// The datagrams around a moment went out by ever higher source ports. Of equal times the ports are the order.
    func hasRisingPorts(around time: Timestamp, within window: Int64) -> Bool {
        let reach = UInt64(max(window, 0))
        var pairs = 0
        for later in entries.indices where entries[later].time.since(time).magnitude <= reach {
            for earlier in entries.indices
            where earlier != later && entries[earlier].time.since(time).magnitude <= reach
                && entries[earlier].time <= entries[later].time
            {
                pairs += 1
                let (before, after) = (entries[earlier].sourcePort, entries[later].sourcePort)
                let isSimultaneous = entries[earlier].time == entries[later].time
                if isSimultaneous ? before == after : before >= after { return false }
            }
        }
        return pairs > 0
    }
}
