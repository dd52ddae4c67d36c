internal import Records

/// What a rule says of how its packets behave, against what was seen of one source and destination.
struct RuleBehaviour: Sendable {
    /// What is remembered of one source's packets to one destination.
    struct History: Sendable {
        fileprivate var last = Timestamp.distantPast
        fileprivate var spanStart = Timestamp.distantPast
        fileprivate var count: UInt32 = 0
        fileprivate var reached = Timestamp.distantPast
    }

    private let rate: Rule.Rate?
    private let repetition: Rule.Repetition?

    init(_ rule: Rule) {
        rate = rule.rate
        repetition = rule.repetition
    }

    /// There is something to see.
    var isSet: Bool { rate != nil || repetition != nil }

    /// Notes a packet.
    ///
    /// - Returns: everything that the rule asks for was seen, this packet included.
    func note(_ time: Timestamp, in history: inout History) -> Bool {
        let hasRate = rate.map { Self.note(time, $0, &history) } ?? true
        let repeats = repetition.map { Self.note(time, $0, &history) } ?? true
        return hasRate && repeats
    }

    /// Counts from a first packet to the end of its span, then anew: what is said to have come within the span did. A
    /// rate that lasts is always found; one that is reached only across two spans may be missed.
    private static func note(_ time: Timestamp, _ rate: Rule.Rate, _ history: inout History) -> Bool {
        let age = time.since(history.spanStart)
        if age > rate.span || age < -rate.span {
            history.spanStart = time
            history.count = 1
        } else if age >= 0 {
            history.count += history.count < .max ? 1 : 0
        }
        if history.count >= rate.packets, age >= 0 { history.reached = time }
        let past = time.since(history.reached)
        return past >= 0 && past <= rate.span
    }

    private static func note(_ time: Timestamp, _ wanted: Rule.Repetition, _ history: inout History) -> Bool {
        let gap = time.since(history.last)
        let longest = wanted.interval.addingReportingOverflow(wanted.tolerance)
        let limit = longest.overflow ? Int64.max : longest.partialValue
        // A packet slightly out of order is no begin of a new capture.
        if gap >= 0 || gap < -limit { history.last = time }
        return gap >= max(wanted.interval - wanted.tolerance, 1) && gap <= limit
    }
}
