internal import Correlation
internal import Records

/// How sure a report is, and why: what was lost, what the evidence covers, what the clocks say, what is damaged.
public struct AssuranceStatement: Hashable, Sendable {
    /// What it is about.
    public enum Subject: String, Hashable, Sendable {
        /// Lost records and packets.
        case losses
        /// What the evidence covers.
        case coverage
        /// Clocks.
        case clocks
        /// How packets were matched.
        case matches
        /// What the report leaves out.
        case completeness
        /// Damaged files.
        case damage
    }

    /// What it is about.
    public var subject: Subject
    /// Something that weakens the answers.
    public var isCaution: Bool
    /// A sentence or two.
    public var text: String
}

extension IncidentReport {
    /// The statements, in the order in which they should be read.
    public var assurance: [AssuranceStatement] {
        losses + coverage + clocks + matches + completeness + damage
    }

    private func statement(
        _ subject: AssuranceStatement.Subject, caution: Bool = false, _ text: String
    ) -> AssuranceStatement {
        AssuranceStatement(subject: subject, isCaution: caution, text: text)
    }

    private var hasEvidence: Bool { question.inputs.contains { $0.role != .capture } }

    private var losses: [AssuranceStatement] {
        if !figures.inputsWithoutSummary.isEmpty {
            let names = Self.list(figures.inputsWithoutSummary)
            return [
                statement(
                    .losses, caution: true,
                    "\(names) \(figures.inputsWithoutSummary.count == 1 ? "holds" : "hold") packets without a summary that counts them: a run was cut short, and what it lost is not known."
                )
            ]
        }
        guard hasEvidence else {
            return [statement(.losses, caution: true, "No evidence of who sent what was given: nobody can be named.")]
        }
        let kinds = LossInterval.Kind.allCases.filter { figures.lost[$0] ?? 0 > 0 }
        guard !kinds.isEmpty else {
            guard figures.statesLosses else {
                return [statement(.losses, caution: true, "The evidence does not say whether any records were lost.")]
            }
            return [statement(.losses, "Nothing is recorded as lost: neither send records nor captured packets.")]
        }
        var result = kinds.map { kind in
            statement(.losses, caution: true, Self.sentence(kind, figures.lost[kind] ?? 0))
        }
        result += lossSpans
        return result
    }

    private static func sentence(_ kind: LossInterval.Kind, _ count: UInt64) -> String {
        let s = count == 1 ? "" : "s"
        let were = count == 1 ? "was" : "were"
        switch kind {
        case .send:
            return
                "\(count) send record\(s) \(were) lost for want of room in the kernel: packets near them are unknown where a lost record could have changed the answer."
        case .wire: return "\(count) record\(s) of forwarded or kernel-made packets \(were) lost in the kernel."
        case .process: return "\(count) record\(s) of process starts and ends \(were) lost: some names may be missing."
        case .capture: return "\(count) packet\(s) \(were) lost by the capture: they are not in this report."
        case .table: return "\(count) record\(s) \(were) let go before the packets came, because a table was full."
        case .processTable:
            return "\(count) process\(count == 1 ? "" : "es") \(were) let go while they may still have sent."
        case .flowTable: return "\(count) flow\(s) \(were) let go while in use."
        case .fragmentTable: return "\(count) fragmented datagram\(s) \(were) let go before their later fragments came."
        case .registrationTable:
            return
                "\(count) registration\(s) for new mail \(were) let go while \(count == 1 ? "it" : "they") lasted: notifications may lack their proof."
        }
    }

    private var lossSpans: [AssuranceStatement] {
        let spans = figures.coverage.flatMap(\.losses).sorted { ($0.start, $0.stop) < ($1.start, $1.stop) }
        guard !spans.isEmpty else { return [] }
        let shown = spans.prefix(8).map { "\($0.count) \($0.kind.rawValue) between \($0.start) and \($0.stop)" }
        let rest = spans.count > 8 ? ", and \(spans.count - 8) spans more" : ""
        return [statement(.losses, caution: true, "When: \(shown.joined(separator: "; "))\(rest).")]
    }

    private var coverage: [AssuranceStatement] {
        var result = figures.coverage.map { part in
            let host = part.host.map { "The evidence of \($0)" } ?? "The evidence"
            let filter = part.filter.isEmpty ? "" : " It holds only packets that pass “\(part.filter)”."
            return statement(
                .coverage, "\(host) covers \(part.start) to \(part.stop).\(filter)")
        }
        let outside = packets { $0.hasPrefix("no coverage") }
        if outside > 0 {
            let are = outside == 1 ? "packet lies" : "packets lie"
            result.append(
                statement(
                    .coverage, caution: true,
                    "\(outside) \(are) outside of what the evidence covers; nothing can be said of them."))
        }
        if let span, let part = figures.coverage.first, figures.coverage.count == 1,
            span.first < part.start || span.last > part.stop
        {
            result.append(
                statement(.coverage, caution: true, "The packets begin before or end after the evidence."))
        }
        if figures.coverage.isEmpty, question.inputs.contains(where: { $0.role == .evidence }) {
            result.append(
                statement(
                    .coverage, caution: true,
                    "This evidence does not state what it covers, so that the lack of a record proves nothing: no packet can be called received."
                ))
        }
        return result
    }

    /// Packets of unknown sender whose reason is of a kind.
    private func packets(because isReason: (String) -> Bool) -> UInt64 {
        groups.filter { $0.kind == .unknown }.flatMap(\.reasons).filter { isReason($0.text) }
            .reduce(0) { $0 + $1.packets }
    }

    private var clocks: [AssuranceStatement] {
        if figures.clockOffsets.isEmpty {
            if let offset = question.statedClockOffset {
                return [
                    statement(
                        .clocks, "An offset of \(offset) s was stated, and the evidence's times were moved by it.")
                ]
            }
            guard !figures.coverage.isEmpty else { return [] }
            // Results do not say what was stated when they were made.
            return [
                statement(
                    .clocks,
                    isOfResults
                        ? "Capture and evidence are taken to share one machine's clock; the results tell of no offset between them."
                        : "Capture and evidence are taken to share one machine's clock; times were not moved.")
            ]
        }
        return figures.clockOffsets.map { offset in
            let relation = offset.seconds < 0 ? "behind" : "ahead of"
            let spread = offset.spread.map { " They lie within \($0) s of it." } ?? ""
            let matches = "\(offset.matches) match\(offset.matches == 1 ? "" : "es")"
            let origin =
                question.statedClockOffset == nil
                ? "This was found from \(matches).\(spread)"
                : "This was stated; \(matches) agree\(offset.matches == 1 ? "s" : "")."
            return statement(
                .clocks, caution: offset.matches < 2,
                "The capture's clock is \(offset.seconds.magnitude) s \(relation) the evidence's. \(origin)"
                    + (offset.matches < 2 ? " One match alone is thin ground." : ""))
        }
    }

    private var matches: [AssuranceStatement] {
        var counts: [Verdict.Method: UInt64] = [:]
        for group in groups where group.kind == .process {
            counts.merge(group.methods) { $0 + $1 }
        }
        var result = Verdict.Method.allCases.compactMap { method -> AssuranceStatement? in
            guard let count = counts[method], let text = method.meaning else { return nil }
            return statement(.matches, "\(Self.packets(count)) \(count == 1 ? "was" : "were") matched \(text).")
        }
        if figures.unmatchedRecords > 0 {
            result.append(statement(.matches, unmatched(figures.unmatchedRecords)))
        }
        return result
    }

    private var isOfResults: Bool { question.inputs.contains { $0.role == .results } }

    /// Only one recording beside a whole capture shows that a record's packet was not captured.
    private func unmatched(_ count: UInt64) -> String {
        let records = "\(count) send record\(count == 1 ? "" : "s") of \(figures.records)"
        guard
            isOfResults || question.captureFilter != nil
                || question.inputs.filter({ $0.role == .evidence }).count > 1
        else {
            return
                "\(records) match no captured packet: these were sent by what the evidence says, but are not in the capture."
        }
        return
            "\(records) match no captured packet that was looked at, or one that another recording of the same send matched."
    }

    private var completeness: [AssuranceStatement] {
        var result: [AssuranceStatement] = []
        let reported = groups.reduce(0) { $0 + $1.packets }
        if figures.packets > reported {
            result.append(
                statement(
                    .completeness, caution: true,
                    "\(figures.packets - reported) of \(Self.packets(figures.packets)) that were judged are not in this report: "
                        + (isOfResults
                            ? "the results have fewer lines than their summaries count; they were filtered out or are missing."
                            : "output filters left them out.")
                ))
        }
        if leftOut.packets > 0 {
            result.append(
                statement(
                    .completeness, caution: true,
                    "A report tells at most \(leftOut.groupLimit) groups apart; \(Self.packets(leftOut.packets)) of further groups are in every count, but joined by verdict and confidence, without names, tags or candidates."
                        + (tally.unlisted > 0 ? " A sender may have sent more than its own groups say." : "")
                ))
        }
        if leftOut.destinationPackets > 0 {
            result.append(
                statement(
                    .completeness,
                    "Destinations are listed up to a bound; \(Self.packets(leftOut.destinationPackets)) went to others, which are counted only."
                ))
        }
        return result
    }

    private var damage: [AssuranceStatement] {
        figures.damage.map { statement(.damage, caution: true, "\($0.file) at byte \($0.offset): \($0.what)") }
    }
}

extension Verdict.Method {
    /// How it decides, as the end of "were matched".
    fileprivate var meaning: String? {
        switch self {
        case .none: nil
        case .packet:
            "by the packet's own identity: addresses, ports, lengths, first payload bytes, and IP id where there is one"
        case .nat: "by their identity before address translation"
        case .flow: "by addresses, ports and lengths only"
        case .ports: "by ports only; the addresses differ"
        case .inferred: "by inference from other traffic of the same process"
        case .socketTable: "by who held the socket before and after, not by who sent"
        }
    }
}
