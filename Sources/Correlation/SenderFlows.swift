import Records

/// Which processes sent on a flow lately.
///
/// A segment's own payload is not in any record, so what makes it certain is that nobody else used the flow in the
/// window. Bounded: a set-associative table whose sets let go of the flow that was idle longest.
struct SenderFlows: Sendable {
    /// What is known of one flow.
    struct Entry: Sendable {
        var tuple: FlowTuple
        var owner: SenderImage
        var thread: UInt32
        var ownerLast: Timestamp
        /// When a record of any other process, or of another program of this one, was last seen.
        var othersLast: Timestamp
        /// The same of any other thread, be it of the same process.
        var otherThreadsLast: Timestamp
    }

    private static let ways = 4
    private var entries: [Entry?]
    /// A few bits of each flow's hash, never 0: most flows need no look at their entries to be told apart.
    private var marks: [UInt16]
    /// For each set: the newest time of a flow it let go.
    private var horizons: [Timestamp]
    /// Flows let go.
    var letGo = LetGo()

    /// - Parameters:
    ///   - capacity: flows, rounded up to a power of two.
    ///   - start: what was sent before is not known.
    init(capacity: Int, knownSince start: Timestamp = .distantPast) {
        var sets = 16
        while sets * Self.ways < capacity { sets *= 2 }
        entries = Array(repeating: nil, count: sets * Self.ways)
        marks = Array(repeating: 0, count: sets * Self.ways)
        horizons = Array(repeating: start, count: sets)
    }

    /// Notes a record.
    mutating func note(_ packet: IPPacket, hash: UInt64, owner: SenderImage, thread: UInt32, time: Timestamp) {
        let tuple = FlowTuple(packet)
        let first = firstWay(hash)
        if let way = way(of: tuple, hash) {
            entries[way]?.note(owner, thread, at: time)
            return
        }
        var target = first
        for way in first..<first + Self.ways {
            guard let entry = entries[way] else {
                target = way
                break
            }
            if let oldest = entries[target], lastUse(entry) < lastUse(oldest) { target = way }
        }
        if let old = entries[target] {
            let set = first / Self.ways
            horizons[set] = max(horizons[set], lastUse(old))
            letGo.note(from: lastUse(old), to: time)
        }
        marks[target] = Self.mark(hash)
        entries[target] = Entry(
            tuple: tuple, owner: owner, thread: thread, ownerLast: time, othersLast: .distantPast,
            otherThreadsLast: .distantPast)
    }

    /// The flow's entry, if it is held.
    func entry(for packet: IPPacket, hash: UInt64) -> Entry? {
        way(of: FlowTuple(packet), hash).flatMap { entries[$0] }
    }

    /// Whether the table let go of a flow of this set after `time`, so that another owner may be forgotten.
    func mayHaveForgotten(hash: UInt64, since time: Timestamp) -> Bool {
        horizons[firstWay(hash) / Self.ways] >= time
    }

    private func firstWay(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash & UInt64(horizons.count - 1)) * Self.ways
    }

    private static func mark(_ hash: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: hash >> 48) | 1 }

    private func way(of tuple: FlowTuple, _ hash: UInt64) -> Int? {
        let first = firstWay(hash)
        let mark = Self.mark(hash)
        for way in first..<first + Self.ways where marks[way] == mark {
            if let known = entries[way]?.tuple, known == tuple { return way }
        }
        return nil
    }

    private func lastUse(_ entry: Entry) -> Timestamp { max(entry.ownerLast, entry.othersLast) }
}

extension SenderFlows.Entry {
    fileprivate mutating func note(_ owner: SenderImage, _ thread: UInt32, at time: Timestamp) {
        if self.owner != owner || self.thread != thread {
            otherThreadsLast = max(otherThreadsLast, ownerLast)
            self.thread = thread
        }
        if self.owner == owner {
            ownerLast = max(ownerLast, time)
        } else {
            othersLast = max(othersLast, ownerLast)
            self.owner = owner
            ownerLast = time
        }
    }
}

/// A process of one of the machines that the evidence speaks for.
struct HostProcess: Hashable, Sendable {
    let machine: UInt16
    let process: ProcessKey
}

/// Flows that the machine passes on. One wire record stands for the packets of a flow for about a second.
struct ForwardedFlows: Sendable {
    /// How a flow comes in.
    struct Way: Hashable, Sendable {
        var host: UInt16
        /// The network namespace, 0 where unknown.
        var namespace: UInt32
        var ingressInterface: UInt32
        var ingressName: String?
        /// Its packets hold other packets.
        var isTunnel = false
    }

    struct Entry: Sendable {
        var way: Way
        var first: Timestamp
        var last: Timestamp
    }

    /// How long a record speaks for its flow: the kernel side records a flow once a second.
    static let lifetime: Int64 = 1_250_000_000

    private var flows: [FlowTuple: [Entry]] = [:]
    private let capacity: Int
    /// The newest time of a flow that was let go for want of room.
    private(set) var horizon = Timestamp.distantPast
    /// Flows let go that may still be in use.
    var letGo = LetGo()

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    var isEmpty: Bool { flows.isEmpty }

    mutating func note(_ packet: IPPacket, way: Way, time: Timestamp) {
        let tuple = FlowTuple(packet)
        if flows.count >= capacity, flows[tuple] == nil { letGo(before: time) }
        var entries = flows[tuple, default: []]
        if let index = entries.lastIndex(where: { $0.way == way && time.since($0.last) <= Self.lifetime }) {
            entries[index].last = max(entries[index].last, time)
            entries[index].first = min(entries[index].first, time)
        } else {
            // The latest few: a flow that changes its way within the window keeps both.
            if entries.count == 4 { entries.removeFirst() }
            entries.append(Entry(way: way, first: time, last: time))
        }
        flows[tuple] = entries
    }

    /// The way a packet of this flow came in around `time`, newest first.
    func entry(for packet: IPPacket, at time: Timestamp, lookahead: Int64) -> Entry? {
        flows[FlowTuple(packet)]?.last {
            time >= $0.first.advanced(by: -lookahead) && time <= $0.last.advanced(by: Self.lifetime)
        }
    }

    private mutating func letGo(before time: Timestamp) {
        let limit = time.advanced(by: -4 * Self.lifetime)
        flows = flows.filter { $0.value.contains { $0.last >= limit } }
        if flows.count >= capacity {
            horizon = time
            letGo.note(UInt64(flows.count), from: limit, to: time)
            flows.removeAll(keepingCapacity: true)
        }
    }
}
