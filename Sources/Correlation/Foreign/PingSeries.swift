public import Records

/// The one-byte pings of a capture, by source and destination: when they were silent.
///
/// Read before any packet is judged: that pings stop is known only afterwards. Bounded: beyond the limit further pairs
/// are not followed, and of each only the longest silences are kept.
public struct PingSeries: Sendable {
    struct Pair: Hashable {
        var source: IPAddress
        var destination: IPAddress
    }

    /// A span without a ping, from one to the next, or to an end of the capture.
    struct Silence: Hashable {
        /// The ping before it; nil where the capture begins with it.
        var lastPing: Timestamp?
        /// The ping after it; nil where the capture ends with it.
        var nextPing: Timestamp?
    }

    struct Series: Sendable {
        static let gapLimit = 32
        static let intervalLimit = 64
        var count: UInt64 = 1
        var first: Timestamp
        var last: Timestamp
        /// The longest gaps, in no order.
        var gaps: [(from: Timestamp, to: Timestamp)] = []
        /// The first intervals.
        var intervals: [Int64] = []

        init(_ time: Timestamp) {
            first = time
            last = time
        }

        mutating func add(_ time: Timestamp) {
            count += 1
            guard time > last else { return }
            let interval = time.since(last)
            if intervals.count < Self.intervalLimit { intervals.append(interval) }
            gaps.append((last, time))
            if gaps.count > Self.gapLimit, let shortest = gaps.indices.min(by: { length(gaps[$0]) < length(gaps[$1]) })
            {
                gaps.remove(at: shortest)
            }
            last = time
        }

        private func length(_ gap: (from: Timestamp, to: Timestamp)) -> Int64 { gap.to.since(gap.from) }

        /// What lies between two pings as a rule; nil where there are too few for a rule.
        var usualInterval: Int64? {
            guard intervals.count >= 3 else { return nil }
            return intervals.sorted()[(intervals.count - 1) / 2]
        }
    }

    private static let pairLimit = 1024
    private var series: [Pair: Series] = [:]
    private var captureFirst: Timestamp?
    private var captureLast: Timestamp?

    /// Nothing seen yet.
    public init() {}

    /// Adds a captured packet of any kind: other packets say that the capture was running.
    public mutating func add(_ packet: IPPacket, at time: Timestamp) {
        captureFirst = min(captureFirst ?? time, time)
        captureLast = max(captureLast ?? time, time)
        guard packet.isDirectoryPing else { return }
        let pair = Pair(source: packet.source, destination: packet.destination)
        if series[pair] != nil {
            series[pair]?.add(time)
        } else if series.count < Self.pairLimit {
            series[pair] = Series(time)
        }
    }

    /// The silence in which a moment lies, where it is one: several times what lies between pings as a rule.
    ///
    /// - Parameter slack: how far the moment may be off, in nanoseconds.
    func silence(of pair: Pair, around moment: Timestamp, slack: Int64) -> Silence? {
        guard let series = series[pair], let usual = series.usualInterval, let captureFirst, let captureLast else {
            return nil
        }
        let long = max(5 * usual, 2_000_000_000)
        var spans = series.gaps.map {
            (from: $0.from, to: $0.to, silence: Silence(lastPing: $0.from, nextPing: $0.to))
        }
        spans.append((captureFirst, series.first, Silence(lastPing: nil, nextPing: series.first)))
        spans.append((series.last, captureLast, Silence(lastPing: series.last, nextPing: nil)))
        return spans.first {
            $0.to.since($0.from) >= long && $0.from <= moment.advanced(by: slack)
                && $0.to >= moment.advanced(by: -slack)
        }?.silence
    }

    /// What lies between pings as a rule.
    func usualInterval(of pair: Pair) -> Int64? { series[pair]?.usualInterval }

    /// The capture's last moment.
    var end: Timestamp? { captureLast }
}

extension IPPacket {
    /// The ping that directory clients of Windows send: one byte, 0x3F where the capture shows it.
    var isDirectoryPing: Bool {
        isEchoRequest && payloadLength == 1 && (payloadPrefix.count == 0 || payloadPrefix[0] == 0x3F)
    }
}
