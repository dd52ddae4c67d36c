/// The tags that rules give, made once: none is made on the packet path.
struct RuleTags: Sendable {
    private let forms: [Tag]
    private let behaviours: [Tag]

    init(_ rules: [Rule]) {
        forms = rules.map { rule in
            let wanted = Self.behaviour(rule)
            let missing = wanted.isEmpty ? [] : ["not seen in full so far: " + wanted.joined(separator: "; and ")]
            return Tag(name: rule.name, confidence: .shape, reasons: [Self.form(rule)] + missing)
        }
        behaviours = rules.map { rule in
            Tag(name: rule.name, confidence: .possible, reasons: [Self.form(rule)] + Self.behaviour(rule))
        }
    }

    subscript(match: RuleSet.Match) -> Tag {
        match.behaves ? behaviours[Int(match.rule)] : forms[Int(match.rule)]
    }

    private static func form(_ rule: Rule) -> String { "has the form that the rule describes: \(rule.description)" }

    private static func behaviour(_ rule: Rule) -> [String] {
        var sentences: [String] = []
        if let rate = rule.rate {
            sentences.append(
                "at least \(rate.packets) such packets from this source to this destination within "
                    + Span.text(rate.span))
        }
        if let repetition = rule.repetition {
            sentences.append(
                "such a packet from this source to this destination \(Span.text(repetition.interval)) before, give or "
                    + "take \(Span.text(repetition.tolerance))")
        }
        return sentences
    }
}

/// Spans of time as people write them.
enum Span {
    /// `60 s`, `250 ms`, `1.5 s` or `10 ns`; exact.
    static func text(_ nanoseconds: Int64) -> String {
        let units: [(size: Int64, name: String)] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs")]
        for unit in units where nanoseconds >= unit.size {
            let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: unit.size)
            if rest == 0 { return "\(whole) \(unit.name)" }
            if unit.size == 1_000_000_000, rest % 100_000_000 == 0 { return "\(whole).\(rest / 100_000_000) s" }
        }
        return "\(nanoseconds) ns"
    }
}
