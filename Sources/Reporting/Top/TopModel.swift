internal import Correlation
public import Records

/// What a run has counted by one moment: what the main loop hands to whoever draws it.
public struct TopFrame: Sendable {
    /// Nanoseconds of a clock that never jumps.
    public var time: UInt64
    /// The groups, each always at the same place (``SummaryTable/rowsByAge``).
    public var rows: [SummaryTable.Row]
    /// UDP and ICMP packets judged, before any output filter.
    public var packets: UInt64
    /// What was lost, by kind.
    public var lost: [LossInterval.Kind: UInt64]

    /// A frame.
    public init(time: UInt64, rows: [SummaryTable.Row], packets: UInt64, lost: [LossInterval.Kind: UInt64]) {
        self.time = time
        self.rows = rows
        self.packets = packets
        self.lost = lost
    }
}

/// The latest counts, with rates: how many packets came in about the last two seconds.
public struct TopModel: Sendable {
    private struct Sample {
        var time: UInt64
        var packets: UInt64
        var rows: [UInt64]
    }

    /// Over how many nanoseconds a rate is taken at least: long enough to be calm, short enough to follow.
    static let span: UInt64 = 2_000_000_000

    /// The latest frame.
    public private(set) var frame = TopFrame(time: 0, rows: [], packets: 0, lost: [:])
    /// When the first frame was taken.
    public private(set) var begin: UInt64?
    /// The latest last, and only one that is older than the span: what is kept does not grow.
    private var samples: [Sample] = []

    /// Nothing counted yet.
    public init() {}

    /// Takes the next frame.
    public mutating func update(_ next: TopFrame) {
        frame = next
        begin = begin ?? next.time
        // Frames come out of turn when something was lost; rates need no finer steps than a tenth of their span.
        if let last = samples.last, samples.count > 1, next.time < last.time + Self.span / 10 { samples.removeLast() }
        samples.append(Sample(time: next.time, packets: next.packets, rows: next.rows.map(\.packets)))
        while samples.count > 2, samples[1].time + Self.span <= next.time { samples.removeFirst() }
    }

    /// Packets a second of the row at `index`.
    public func rate(of index: Int) -> Double {
        guard frame.rows.indices.contains(index) else { return 0 }
        return rate(frame.rows[index].packets) { index < $0.rows.count ? $0.rows[index] : 0 }
    }

    /// Packets a second of all rows and of what no output filter let through.
    public var rate: Double { rate(frame.packets, \.packets) }

    private func rate(_ now: UInt64, _ count: (Sample) -> UInt64) -> Double {
        guard let first = samples.first, first.time < frame.time else { return 0 }
        let before = count(first)
        return now > before ? Double(now - before) * 1e9 / Double(frame.time - first.time) : 0
    }
}
