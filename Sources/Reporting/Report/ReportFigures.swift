internal import Correlation
public import Records
internal import TextEscaping

/// The counts of a run, or of several runs whose NDJSON a report is made of.
public struct ReportFigures: Hashable, Sendable {
    /// UDP and ICMP packets that were judged.
    public var packets: UInt64 = 0
    /// The same with a packet that was seen at several interfaces counted once; nil where it was not counted.
    public var distinctPackets: UInt64?
    /// Send records received.
    public var records: UInt64 = 0
    /// Send records that no packet matched.
    public var unmatchedRecords: UInt64 = 0
    /// What was lost, by kind.
    public var lost: [LossInterval.Kind: UInt64] = [:]
    /// What the evidence covers.
    public var coverage: [Span] = []
    /// What the clocks of foreign evidence were moved by.
    public var clockOffsets: [Offset] = []
    /// Damage found in files.
    public var damage: [Damage] = []
    /// Results with packets that no summary counts: how many more were judged and what was lost is not known.
    public var inputsWithoutSummary: [String] = []

    /// What one evidence file covers.
    public struct Span: Hashable, Sendable {
        /// The machine.
        public var host: String?
        /// From when.
        public var start: Timestamp
        /// Until when; the begin where the file does not say.
        public var stop: Timestamp
        /// The filter that records had to pass; empty for none.
        public var filter: String
        /// Spans in which records were lost, at most as many as a report keeps.
        public var losses: [LossInterval]
    }

    /// How far a capture's clock is ahead of the evidence's.
    public struct Offset: Hashable, Sendable {
        /// Seconds.
        public var seconds: Double
        /// How far the matches lie around it, in seconds; nil where there is no measure of it.
        public var spread: Double?
        /// From how many matches.
        public var matches: UInt64
    }

    /// The most loss intervals and findings of damage that are kept.
    static let spanLimit = 256

    /// Nothing counted.
    public init() {}

    /// The counts of a run.
    init(_ summary: RunSummary) {
        packets = summary.packets
        distinctPackets = summary.distinctPackets
        records = summary.records
        unmatchedRecords = summary.unmatchedRecords
        lost = summary.lost.filter { $0.value > 0 }
        coverage = summary.coverage.map { part in
            Span(
                host: part.host.map(printable), start: part.start, stop: part.stop ?? part.start,
                filter: printable(part.filter), losses: Array(part.losses.prefix(Self.spanLimit)))
        }
        clockOffsets =
            summary.mainClockOffset.map {
                [Offset(seconds: $0.seconds, spread: $0.spread, matches: $0.matches)]
            } ?? []
        damage = summary.damage.prefix(Self.spanLimit).map {
            // Where the file lay is not for the report: moved files are the same files.
            let name = $0.file.split(separator: "/").last.map(String.init) ?? $0.file
            return Damage(file: printable(name), offset: $0.offset, what: printable($0.what))
        }
    }

    /// The summary line of NDJSON; nil for what is none.
    init?(line: JSONValue) {
        guard let object = line["whosent"]?["summary"], let packets = object["packets"]?.integer(UInt64.self) else {
            return nil
        }
        self.packets = packets
        distinctPackets = object["distinct_packets"]?.integer()
        records = object["records"]?.integer() ?? 0
        unmatchedRecords = object["unmatched_records"]?.integer() ?? 0
        for kind in LossInterval.Kind.allCases {
            if let count = object["lost"]?[kind.rawValue]?.integer(UInt64.self), count > 0 { lost[kind] = count }
        }
        coverage = (object["coverage"]?.elements ?? []).prefix(Self.spanLimit).compactMap(Span.init)
        if let offset = object["clock_offset"], let seconds = offset["seconds"]?.decimal {
            clockOffsets = [
                Offset(
                    seconds: seconds, spread: offset["spread"]?.decimal, matches: offset["matches"]?.integer() ?? 0)
            ]
        }
        damage = (object["damage"]?.elements ?? []).prefix(Self.spanLimit).compactMap { finding in
            guard let file = finding["file"]?.string, let what = finding["what"]?.string else { return nil }
            return Damage(file: printable(file), offset: finding["offset"]?.integer() ?? 0, what: printable(what))
        }
    }

    /// Some evidence says what it covers and lost; without it, a loss of nothing means nothing.
    public var statesLosses: Bool { !coverage.isEmpty }

    /// Everything that was lost, of whatever kind.
    public var lostTotal: UInt64 { lost.values.reduce(0) { $0.addingSaturated($1) } }

    /// Adds the counts of another run.
    mutating func add(_ other: ReportFigures) {
        distinctPackets =
            packets == 0
            ? other.distinctPackets
            : distinctPackets.flatMap { own in
                other.distinctPackets.map { own.addingSaturated($0) }
            }
        packets = packets.addingSaturated(other.packets)
        records = records.addingSaturated(other.records)
        unmatchedRecords = unmatchedRecords.addingSaturated(other.unmatchedRecords)
        lost.merge(other.lost) { $0.addingSaturated($1) }
        coverage += other.coverage.prefix(max(0, Self.spanLimit - coverage.count))
        clockOffsets += other.clockOffsets
        damage += other.damage.prefix(max(0, Self.spanLimit - damage.count))
        inputsWithoutSummary += other.inputsWithoutSummary
    }

    /// Notes damage, within bounds.
    mutating func note(_ finding: Damage) {
        if damage.count < Self.spanLimit { damage.append(finding) }
    }
}

extension ReportFigures.Span {
    fileprivate init?(_ object: JSONValue) {
        guard let start = object["start"]?.string.flatMap({ Timestamp($0) }),
            let stop = object["stop"]?.string.flatMap({ Timestamp($0) })
        else { return nil }
        let losses = (object["lost"]?.elements ?? []).prefix(ReportFigures.spanLimit).compactMap { loss in
            LossInterval(loss)
        }
        self.init(
            host: object["host"]?.string.map(printable), start: start, stop: stop,
            filter: printable(object["filter"]?.string ?? ""), losses: losses)
    }
}

extension LossInterval {
    fileprivate init?(_ object: JSONValue) {
        guard let kind = object["kind"]?.string.flatMap({ Kind(rawValue: $0) }),
            let count = object["count"]?.integer(UInt64.self),
            let start = object["start"]?.string.flatMap({ Timestamp($0) }),
            let stop = object["stop"]?.string.flatMap({ Timestamp($0) })
        else { return nil }
        self.init(kind: kind, count: count, start: start, stop: stop)
    }
}

extension UInt64 {
    /// The sum, or the largest number where it is larger: read from a file, counts may be anything, and a loss that
    /// wraps to 0 would read as none.
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension JSONValue {
    /// The number, whatever its form.
    fileprivate var decimal: Double? {
        guard case .number(let text) = self else { return nil }
        return Double(text)
    }
}
