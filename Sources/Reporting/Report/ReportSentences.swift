internal import Correlation
public import Records

/// What was asked and what was found, in three sentences.
extension IncidentReport {
    /// The question, the answer, and how sure it is: a sentence each.
    public var sentences: [String] { [asked, found, certainty] }

    private var asked: String {
        let captures = names(.capture)
        let results = names(.results)
        let sources = captures.isEmpty ? results : captures
        var text = "The question: which process sent each UDP and ICMP packet in \(Self.list(sources))"
        if let captureFilter = question.captureFilter { text += " that passes the filter “\(captureFilter)”" }
        if let span { text += ", \(Self.span(span.first, span.last))" }
        let evidence = names(.evidence)
        if !evidence.isEmpty {
            text += ", by the evidence in \(Self.list(evidence))"
        } else if results.isEmpty {
            text += ", with no evidence given"
        }
        if !question.selection.isEmpty { text += "; reported are only packets with \(Self.list(question.selection))" }
        return text + "."
    }

    private var found: String {
        let tally = tally
        let named = tally.namedPackets
        guard tally.packets > 0 else { return "No UDP or ICMP packet was found, so there is nothing to name." }
        let all = Self.packets(tally.packets)
        guard named > 0 else { return "No sender could be named for any of the \(all)." }
        let senders = tally.senders
        let least = tally.unlisted > 0 ? "at least " : ""
        var parts = senders.prefix(3).map { "\($0.name) sent \(least)\($0.packets)" }
        let others = senders.dropFirst(3)
        if !others.isEmpty {
            let count = others.count == 1 ? "one other process" : "\(others.count) other processes"
            parts.append("\(count) \(least)\(others.reduce(0) { $0 + $1.packets })")
        }
        if tally.unlisted > 0 { parts.append("senders beyond the report's limit sent \(tally.unlisted)") }
        let processes = senders.count == 1 ? "one process" : "\(senders.count) processes"
        let listed = senders.isEmpty ? "" : ", \(least)\(processes)"
        return "\(named) of \(all) \(named == 1 ? "has" : "have") a named sender\(listed): \(Self.list(parts))"
            + "; \(sureness(tally))."
    }

    private func sureness(_ tally: ReportTally) -> String {
        let named = tally.namedPackets
        if tally.named[.exact] == named { return named == 1 ? "the match is exact" : "all \(named) matches are exact" }
        let levels: [Verdict.Confidence] = [.exact, .probable, .possible]
        var counts = levels.compactMap { level in tally.named[level].map { "\($0) \(level.name)" } }
        if tally.named[.exact] == nil { counts.append("none exact") }
        return "by confidence \(Self.list(counts))"
    }

    private var certainty: String {
        let tally = tally
        var parts: [String] = []
        if let count = tally.verdicts[.received] { parts.append("\(count) came in from elsewhere") }
        if let count = tally.verdicts[.forwarded] { parts.append("\(count) \(count == 1 ? "was" : "were") passed on") }
        if let count = tally.verdicts[.kernel] { parts.append("the kernel itself made \(count)") }
        if tally.ambiguous > 0 {
            parts.append("\(tally.ambiguous) \(tally.ambiguous == 1 ? "has" : "have") several candidates")
        }
        let unknown = tally.verdicts[.unknown] ?? 0
        parts.append(unknown == 0 ? "none is unknown" : "\(unknown) stay\(unknown == 1 ? "s" : "") unknown")
        let rest = Self.list(parts)
        return (rest.first?.uppercased() ?? "") + rest.dropFirst() + "; \(losses)."
    }

    private var losses: String {
        if !figures.inputsWithoutSummary.isEmpty { return "what was lost is not known, since a summary is missing" }
        let lost = figures.lostTotal
        if lost == 0, names(.evidence).isEmpty, names(.results).isEmpty {
            return "without evidence no sender can be known"
        }
        let damage = figures.damage.isEmpty ? "" : ", but files are damaged"
        if lost == 0, !figures.statesLosses { return "the evidence does not say whether anything was lost\(damage)" }
        if lost == 0 { return "no loss of evidence or packets is recorded\(damage)" }
        return "\(lost) record\(lost == 1 ? " or packet was" : "s or packets were") lost on the way\(damage)"
    }

    private func names(_ role: Input.Role) -> [String] { question.inputs.filter { $0.role == role }.map(\.name) }

    /// `a, b and c`, and how many more there are.
    static func list(_ texts: [String]) -> String {
        let limit = 6
        if texts.count > limit {
            return texts.prefix(limit).joined(separator: ", ") + " and \(texts.count - limit) more"
        }
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        return texts.dropLast().joined(separator: ", ") + " and " + last
    }

    static func packets(_ count: UInt64) -> String { "\(count) packet\(count == 1 ? "" : "s")" }

    /// `on 2026-03-01 from 10:20:30.000 to 10:21:31.250 UTC`
    private static func span(_ first: Timestamp, _ last: Timestamp) -> String {
        if first == last { return "on \(first.dateText) at \(first.clockText) UTC" }
        if first.dateText == last.dateText {
            return "on \(first.dateText) from \(first.clockText) to \(last.clockText) UTC"
        }
        return "from \(first.dateText) \(first.clockText) to \(last.dateText) \(last.clockText) UTC"
    }
}

extension Timestamp {
    /// `2026-03-01`
    public var dateText: String { String(description.prefix { $0 != "T" }) }

    /// `10:20:30.123`: cut, not rounded, so that it never lies in the future of its packet.
    public var clockText: String { String(description.drop { $0 != "T" }.dropFirst().prefix(12)) }
}
