internal import Correlation
internal import Records
internal import Reporting

/// A report in the terms of the page's templates: texts ready to be shown, and places in pictures.
struct ReportView {
    /// The most senders that the answer lists; the table below has all.
    private static let senderLimit = 5
    /// The most reasons that are listed.
    private static let unknownLimit = 100

    private let report: IncidentReport
    private let tally: ReportTally

    init(_ report: IncidentReport) {
        self.report = report
        tally = report.tally
    }

    /// The values by the names that the templates use.
    var members: [String: Any] {
        var members: [String: Any] = [
            "title": "Which process sent these packets? – \(report.question.inputs.first?.name ?? "whosent")",
            "asked": report.sentences[0], "found": report.sentences[1], "certainty": report.sentences[2],
            "facts": AnswerFacts(report, tally).members,
            "assurance": report.assurance.map { ["isCaution": $0.isCaution, "text": $0.text] as [String: Any] },
            "method": report.method, "limitations": report.limitations,
            "inputs": report.question.inputs.map { ["name": $0.name, "role": Self.role($0.role)] },
            "options": options,
        ]
        members.merge(senders) { $1 }
        members.merge(GroupRows(report).members) { $1 }
        members.merge(unknown) { $1 }
        members["timeline"] = TimelinePicture(report).members
        members["flows"] = FlowPicture(report).members
        members.merge(PayloadPictures(report).members) { $1 }
        return members
    }

    private var senders: [String: Any] {
        let shown = tally.senders.prefix(Self.senderLimit).map { sender in
            [
                "name": sender.name, "tags": Shown.list(sender.tags).map { [$0] } ?? [],
                "dots": Shown.dots(sender.weakest),
                "sure": sender.weakest == sender.strongest
                    ? sender.weakest.name : "\(sender.weakest.name) to \(sender.strongest.name)",
                "packets": Shown.count(sender.packets),
            ].merging(Shown.path(sender.executable)) { $1 }
        }
        return [
            "hasSenders": !tally.senders.isEmpty, "senders": Array(shown),
            "moreSenders": tally.senders.count > Self.senderLimit
                ? [["shown": "\(Self.senderLimit)", "all": "\(tally.senders.count)"]] : [],
        ]
    }

    private var unknown: [String: Any] {
        let groups = report.groups.filter { $0.kind == .unknown || $0.kind == .process && $0.confidence <= .ambiguous }
        let rows = groups.prefix(Self.unknownLimit).map { group in
            [
                "reason": group.reasons.first?.text ?? "no reason is given",
                "candidates": group.candidates.isEmpty ? "none" : group.senderText,
                "packets": Shown.count(group.packets),
            ]
        }
        let more = groups.count - Self.unknownLimit
        return [
            "hasUnknown": !groups.isEmpty, "unknown": Array(rows),
            "moreUnknown": more > 0 ? ["\(more) more reasons are in the table of packets."] : [],
        ]
    }

    private var options: [String] {
        let question = report.question
        var options: [String] = []
        if let caseID = question.caseID { options.append("Case: \(caseID)") }
        if let examiner = question.examiner { options.append("Examiner: \(examiner)") }
        if let filter = question.captureFilter { options.append("Filter on the captures: \(filter)") }
        if !question.selection.isEmpty {
            options.append("Reported only: \(question.selection.joined(separator: ", "))")
        }
        if let offset = question.statedClockOffset { options.append("Clock offset, as stated: \(offset) s") }
        if let rules = question.rules { options.append("Rules: \(rules)") }
        if !question.newMailPorts.isEmpty {
            options.append("New-mail ports: \(question.newMailPorts.map(String.init).joined(separator: ", "))")
        }
        return options
    }

    private static func role(_ role: IncidentReport.Input.Role) -> String {
        switch role {
        case .capture: "capture"
        case .evidence: "evidence of who sent"
        case .results: "results of an earlier run"
        }
    }
}

/// How values are written on the page.
enum Shown {
    /// Digits in groups of three, with narrow spaces that do not break.
    static func count(_ number: UInt64) -> String {
        var text = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "\u{202F}" }
            text.append(digit)
        }
        return text
    }

    /// A path in parts, between which a narrow column may break it.
    static func path(_ path: String?) -> [String: Any] {
        guard let path else { return ["hasPath": false, "path": [String]()] }
        var parts: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            parts.append(parts.isEmpty ? String(part) : "/\(part)")
        }
        return ["hasPath": true, "path": parts.filter { !$0.isEmpty }]
    }

    /// A confidence as three dots, for the eye only.
    static func dots(_ confidence: Verdict.Confidence) -> String {
        switch confidence {
        case .exact: "●●●"
        case .probable: "●●○"
        case .possible: "●○○"
        case .ambiguous, .none: "○○○"
        }
    }

    /// `a, b`; nil for nothing.
    static func list(_ texts: [String]) -> String? { texts.isEmpty ? nil : texts.joined(separator: ", ") }

    /// A place in a picture, to a tenth.
    static func place(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths.isMultiple(of: 10)
            ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    /// Shortened to what fits a label; the table has the whole.
    static func label(_ text: String, _ limit: Int) -> String {
        text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }
}

/// The figures beside the answer.
private struct AnswerFacts {
    private let report: IncidentReport
    private let tally: ReportTally

    init(_ report: IncidentReport, _ tally: ReportTally) {
        self.report = report
        self.tally = tally
    }

    var members: [[String: Any]] {
        let figures = report.figures
        var facts = [
            fact("Sender named", "\(Shown.count(tally.namedPackets)) of \(Shown.count(tally.packets)) packets", levels)
        ]
        if tally.ambiguous > 0 {
            facts.append(fact("Ambiguous", Shown.count(tally.ambiguous), "several candidates fit", isCaution: true))
        }
        let unknown = tally.verdicts[.unknown] ?? 0
        facts.append(fact("Not known", Shown.count(unknown), mainReason, isCaution: unknown > 0))
        facts.append(losses)
        for offset in figures.clockOffsets.prefix(2) {
            let matches = "from \(offset.matches) match\(offset.matches == 1 ? "" : "es")"
            facts.append(fact("Clock offset", "\(offset.seconds) s", matches, isCaution: offset.matches < 2))
        }
        if let part = figures.coverage.first {
            let host = part.host.map { "machine \($0)" }
            let more = figures.coverage.count > 1 ? " and \(figures.coverage.count - 1) more" : ""
            let stop =
                part.start.dateText == part.stop.dateText
                ? part.stop.clockText : "\(part.stop.dateText) \(part.stop.clockText)"
            facts.append(
                fact("Evidence covers", "\(part.start.dateText) \(part.start.clockText) to \(stop)\(more)", host))
        }
        if !figures.damage.isEmpty {
            facts.append(fact("Damage in files", Shown.count(UInt64(figures.damage.count)), isCaution: true))
        }
        return facts
    }

    /// Why most of the unknown packets are unknown.
    private var mainReason: String? {
        let largest = report.groups.filter { $0.kind == .unknown }.max { $0.packets < $1.packets }
        return largest?.reasons.first.map { Shown.label($0.text, 100) }
    }

    private var losses: [String: Any] {
        let name = "Lost on the way"
        guard report.figures.inputsWithoutSummary.isEmpty else {
            return fact(name, "not known", "a summary is missing", isCaution: true)
        }
        let lost = report.figures.lostTotal
        if lost > 0 { return fact(name, Shown.count(lost), "records or packets", isCaution: true) }
        guard report.question.inputs.contains(where: { $0.role != .capture }) else {
            return fact(name, "no evidence", "without it nobody can be named", isCaution: true)
        }
        guard report.figures.statesLosses else {
            return fact(name, "not stated", "this evidence does not say", isCaution: true)
        }
        return fact(name, "nothing", "by the evidence's own count")
    }

    private var levels: String? {
        let levels: [Verdict.Confidence] = [.exact, .probable, .possible]
        return Shown.list(levels.compactMap { level in tally.named[level].map { "\(Shown.count($0)) \(level.name)" } })
    }

    private func fact(_ name: String, _ value: String, _ note: String? = nil, isCaution: Bool = false) -> [String: Any]
    {
        var fact: [String: Any] = ["name": name, "value": value, "isCaution": isCaution]
        if let note { fact["note"] = note }
        return fact
    }
}
