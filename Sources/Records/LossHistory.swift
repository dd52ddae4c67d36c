/// The spans in which records were lost, bounded.
///
/// Losses of one kind that follow each other closely become one span of at most ``longestSpan``; where there are too
/// many spans nonetheless, the two oldest of a kind become one.
public struct LossHistory: Sendable {
    /// Losses less than so many nanoseconds apart are one span.
    static let gap: Int64 = 20_000_000
    /// Nanoseconds.
    static let longestSpan: Int64 = 1_000_000_000

    /// The spans, in the order in which they began to be added.
    public private(set) var intervals: [LossInterval] = []
    private let capacity: Int

    /// A history of at most `capacity` spans, at least 16.
    public init(capacity: Int) { self.capacity = max(capacity, 16) }

    /// Whether nothing was lost.
    public var isEmpty: Bool { intervals.isEmpty }

    /// Adds a span; one without a loss is ignored.
    public mutating func add(_ loss: LossInterval) {
        guard loss.count > 0, !extend(with: loss) else { return }
        if intervals.count >= capacity,
            let second = intervals.indices.dropFirst().first(where: { intervals[$0].kind == intervals[0].kind })
        {
            intervals[second].take(in: intervals[0])
            intervals.removeFirst()
        }
        intervals.append(loss)
    }

    /// Forgets everything, and returns it.
    public mutating func removeAll() -> [LossInterval] {
        defer { intervals.removeAll(keepingCapacity: true) }
        return intervals
    }

    /// How many records of these kinds were lost in spans that touch `from`...`to`.
    public func count(_ kinds: Set<LossInterval.Kind>, from: Timestamp, to: Timestamp) -> UInt64 {
        guard !intervals.isEmpty else { return 0 }
        return intervals.reduce(0) { sum, loss in
            loss.start <= to && loss.stop >= from && kinds.contains(loss.kind) ? sum &+ loss.count : sum
        }
    }

    /// Whether one of the latest spans could take it in. Few kinds are lost at once.
    private mutating func extend(with loss: LossInterval) -> Bool {
        for index in intervals.indices.suffix(LossInterval.Kind.allCases.count).reversed()
        where intervals[index].kind == loss.kind {
            var widened = intervals[index]
            guard loss.start <= widened.stop.advanced(by: Self.gap), loss.stop >= widened.start.advanced(by: -Self.gap)
            else { return false }
            widened.take(in: loss)
            guard widened.stop.since(widened.start) <= Self.longestSpan else { return false }
            intervals[index] = widened
            return true
        }
        return false
    }
}

extension LossInterval {
    /// Spans both.
    fileprivate mutating func take(in other: LossInterval) {
        count &+= other.count
        start = min(start, other.start)
        stop = max(stop, other.stop)
    }
}
