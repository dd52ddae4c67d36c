import Classification
import TextEscaping

/// `classify --list-rules`: every tag and format, for people or for scripts.
enum RuleListing {
    /// A paragraph a rule.
    static func text(_ rules: [ListedRule]) -> [UInt8] {
        var lines: [String] = []
        for rule in rules {
            let levels = rule.confidences.map(\.name).joined(separator: ", ")
            let what = rule.confidences.isEmpty ? "speaks against newmail" : levels
            lines.append("\(rule.name)  (\(rule.origin.rawValue); \(what))")
            lines.append("    \(rule.description)")
            lines.append("    \(rule.form)")
            if let reference = rule.reference { lines.append("    source: \(reference)") }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// An object a line.
    static func ndjson(_ rules: [ListedRule]) -> [UInt8] {
        var json = JSONWriter()
        for rule in rules {
            json.object { json in
                json.member("name", rule.name)
                json.member("origin", rule.origin.rawValue)
                json.key("confidences")
                json.array { json in for level in rule.confidences { json.value(level.name) } }
                json.member("form", rule.form)
                json.member("description", rule.description)
                json.member("reference", rule.reference)
            }
            json.newline()
        }
        return json.bytes
    }
}
