internal import Classification
internal import Correlation
internal import Records

/// A row of the table as texts: harmless, in the characters that the terminal has.
struct TopRow {
    /// `store[2136]`, `kernel`, `forwarded from eth1`.
    let who: String
    /// How sure that is.
    let confidence: String
    let tag: String
    /// The executable, or why it is not known.
    let detail: String
    let style: TopLine.Style

    init(_ row: SummaryTable.Row, unicode: Bool) {
        func shown(_ text: String) -> String { unicode ? text : TopText.ascii(text) }
        let host = row.host.map { "@\(TerminalText.name($0))" } ?? ""
        if let process = row.process {
            who = shown(PacketLine.sender(process) + host)
        } else if row.kind == .process {
            who = row.confidence == .ambiguous ? "several" : "?"
        } else {
            who = shown([row.kind?.name ?? "others", row.origin ?? ""].filter { !$0.isEmpty }.joined(separator: " "))
        }
        confidence = row.kind == nil || row.kind == .unknown ? "-" : row.confidence.name
        tag = row.tag.map { shown("\(TerminalText.name($0.name)) \($0.confidence.name)") } ?? "-"
        detail = shown(row.process?.executable.map { TerminalText.path($0) } ?? row.remark ?? "")
        style =
            row.kind == .process
            ? (row.confidence >= .probable ? .sender : .doubtful)
            : row.kind == .unknown ? .doubtful : .quiet
    }

    /// Whether it holds a text, in any case of letters.
    func contains(_ text: String) -> Bool {
        let wanted = text.lowercased()
        return [who, tag, detail, confidence].contains { $0.lowercased().contains(wanted) }
    }
}

/// Texts and numbers for columns of a fixed width.
enum TopText {
    /// A text with everything but ASCII as the lossless escape.
    static func ascii(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        return text.utf8.reduce(into: "") { output, byte in
            if byte < 0x80 {
                output.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16)
                output += "\\x" + digits
            }
        }
    }

    /// A text of at most `width` columns. What was cut ends in a mark that no unquoted name holds.
    ///
    /// - Parameter keepsProcess: the id in brackets at the end is kept, and the name before it is cut.
    static func fit(_ text: String, _ width: Int, unicode: Bool, keepsProcess: Bool = false) -> String {
        guard TerminalText.width(text) > width else { return text }
        guard width > 0 else { return "" }
        let mark = unicode ? "…" : ">"
        var kept = ""
        if keepsProcess, let bracket = text.lastIndex(of: "["), text[bracket...].utf8.count + 3 <= width {
            kept = String(text[bracket...])
        }
        var room = width - 1 - TerminalText.width(kept)
        var output = ""
        for scalar in text.unicodeScalars {
            room -= TerminalText.width(String(scalar))
            if room < 0 { break }
            output.unicodeScalars.append(scalar)
        }
        return output + mark + kept
    }

    /// A count in at most `width` columns; where all digits do not fit, in thousands, millions and so on, rounded down.
    static func count(_ value: UInt64, _ width: Int) -> String {
        var text = String(value)
        var scaled = value
        for unit in ["k", "M", "G", "T", "P"] where text.utf8.count > width {
            scaled /= 1000
            text = "\(scaled)\(unit)"
        }
        return text
    }

    /// A rate: one digit after the point where it is small.
    static func rate(_ value: Double, _ width: Int) -> String {
        if value >= 9.95 { return count(UInt64(min(value.rounded(), 1e18)), width) }
        let tenths = UInt64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
