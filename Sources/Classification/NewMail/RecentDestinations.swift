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

    /// The datagrams around a moment went out by ever higher source ports.
    func hasRisingPorts(around time: Timestamp, within window: Int64) -> Bool {
        let near = entries.filter { $0.time.since(time).magnitude <= UInt64(max(window, 0)) }
            .sorted { ($0.time, $0.sourcePort) < ($1.time, $1.sourcePort) }
        return near.count > 1 && zip(near, near.dropFirst()).allSatisfy { $0.sourcePort < $1.sourcePort }
    }
}
