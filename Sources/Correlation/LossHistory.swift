import Records

/// The spans in which records were lost, bounded: when it is full, the two oldest become one that spans both.
struct LossHistory: Sendable {
    private var intervals: [LossInterval] = []
    private let capacity: Int

    init(capacity: Int) { self.capacity = max(capacity, 8) }

    mutating func add(_ loss: LossInterval) {
        guard loss.count > 0 else { return }
        if intervals.count >= capacity,
            let second = intervals.indices.dropFirst().first(where: { intervals[$0].kind == intervals[0].kind })
        {
            let oldest = intervals[0]
            intervals[second].count += oldest.count
            intervals[second].start = min(oldest.start, intervals[second].start)
            intervals[second].stop = max(oldest.stop, intervals[second].stop)
            intervals.removeFirst()
        }
        intervals.append(loss)
    }

    /// How many records of these kinds were lost in spans that touch `from`...`to`.
    func count(_ kinds: Set<LossInterval.Kind>, from: Timestamp, to: Timestamp) -> UInt64 {
        guard !intervals.isEmpty else { return 0 }
        return intervals.reduce(0) { sum, loss in
            kinds.contains(loss.kind) && loss.start <= to && loss.stop >= from ? sum + loss.count : sum
        }
    }
}
