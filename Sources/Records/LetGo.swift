/// What a bounded table let go since it was last asked, while it may still have been needed.
package struct LetGo: Sendable {
    private var count: UInt64 = 0
    private var first = Timestamp.distantFuture
    private var last = Timestamp.distantPast

    /// Nothing.
    package init() {}

    /// Notes entries of a span.
    package mutating func note(_ entries: UInt64 = 1, from start: Timestamp, to stop: Timestamp) {
        count += entries
        first = min(first, start)
        last = max(last, stop)
    }

    /// The span of all that was noted, which is forgotten; nil for nothing.
    @inline(__always)
    package mutating func take(as kind: LossInterval.Kind) -> LossInterval? {
        guard count > 0 else { return nil }
        defer { self = LetGo() }
        return LossInterval(kind: kind, count: count, start: first, stop: last)
    }
}
