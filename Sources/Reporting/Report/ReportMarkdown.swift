internal import Correlation
internal import Records

/// A report as Markdown (CommonMark with tables), for a ticket.
public enum ReportMarkdown {
    /// The most rows of the table of groups: a ticket is read, not searched.
    static let rowLimit = 200
    /// The most destinations of a group that are listed.
    static let destinationLimit = 5

    /// The bytes, with a line end at the end.
    public static func encode(_ report: IncidentReport) -> [UInt8] {
        var lines = ["# Which process sent these packets?", ""]
        lines += report.sentences.map(escaped).flatMap { [$0, ""] }
        lines += senders(report) + groups(report) + unknown(report)
        lines += ["## How sure, and why", ""]
        lines += report.assurance.map { "- \($0.isCaution ? "**Caution:** " : "")\(escaped($0.text))" }
        lines += ["", "## Method", ""] + report.method.map { "- \(escaped($0))" }
        lines += ["", "## Limitations", ""] + report.limitations.map { "- \(escaped($0))" }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static func senders(_ report: IncidentReport) -> [String] {
        let senders = report.tally.senders
        guard !senders.isEmpty else { return [] }
        var lines = [
            "## Senders", "", "| Process | Executable | Packets | Confidence | Tags |", "|---|---|--:|---|---|",
        ]
        lines += senders.prefix(rowLimit).map { sender in
            row([
                escaped(sender.name), escaped(sender.executable ?? "not known"), "\(sender.packets)",
                sender.weakest == sender.strongest
                    ? sender.weakest.name : "\(sender.strongest.name) to \(sender.weakest.name)",
                escaped(sender.tags.joined(separator: ", ")),
            ])
        }
        return lines + more(senders.count) + [""]
    }

    private static func groups(_ report: IncidentReport) -> [String] {
        guard !report.groups.isEmpty else { return [] }
        var lines = ["## Packets by sender, verdict and tag", ""]
        lines.append("| Sender | Verdict | Confidence | Tag | Packets | Destinations | First | Last | Look up |")
        lines.append("|---|---|---|---|--:|---|---|---|---|")
        lines += report.groups.prefix(rowLimit).map { group in
            row([
                escaped(group.senderText), group.kind.name, group.confidence.name, escaped(group.tagText ?? ""),
                "\(group.packets)", destinations(group), group.first.description, group.last.description,
                escaped(group.frames.first.map { "frame \($0.frame) of \($0.capture)" } ?? ""),
            ])
        }
        lines += more(report.groups.count) + [""]
        return lines + identities(report)
    }

    private static func destinations(_ group: SenderGroup) -> String {
        let shown = group.destinations.prefix(destinationLimit).map { escaped($0.text) }.joined(separator: ", ")
        guard group.destinationCount > UInt64(destinationLimit) || group.hasMoreDestinations else { return shown }
        return "\(group.destinationText), among them \(shown)"
    }

    /// Who the senders are: what does not fit a table.
    private static func identities(_ report: IncidentReport) -> [String] {
        var lines: [String] = []
        var seen: Set<String> = []
        for group in report.groups.prefix(rowLimit) {
            guard let process = group.process else { continue }
            let facts = identity(process, group)
            let entry = "- **\(escaped(group.senderText))**: " + facts.joined(separator: "; ")
            if !facts.isEmpty, seen.insert(entry).inserted { lines.append(entry) }
        }
        return lines.isEmpty ? [] : ["## Who the senders are", ""] + lines + [""]
    }

    private static func identity(_ process: ProcessDescription, _ group: SenderGroup) -> [String] {
        var facts: [String] = []
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { facts.append("\(name) \(escaped(value))") }
        }
        add("path", process.executable)
        if let image = process.image { facts.append("image \(image.rawValue)") }
        add("command", process.arguments?.joined(separator: " "))
        add("user", process.user.map { principal in "\(principal.name.map { "\($0) " } ?? "")(\(principal.id))" })
        add("unit", process.serviceName)
        add("container", process.containerID)
        add("host", group.host)
        add("started", process.start?.description)
        add("parents", process.parents.map { "\($0.name ?? "unnamed")[\($0.pid)]" }.joined(separator: " ← "))
        for hash in group.hashes { add("SHA-256", hash) }
        return facts
    }

    private static func unknown(_ report: IncidentReport) -> [String] {
        let groups = report.groups.filter { $0.kind == .unknown || $0.kind == .process && $0.confidence <= .ambiguous }
        guard !groups.isEmpty else { return [] }
        let lines = groups.prefix(rowLimit).map { group in
            "- \(IncidentReport.packets(group.packets)): "
                + (group.kind == .unknown ? "" : "\(escaped(group.senderText)): ")
                + escaped(group.reasons.first?.text ?? "no reason is given")
        }
        return ["## What is not known, and why", ""] + lines + more(groups.count) + [""]
    }

    private static func more(_ count: Int) -> [String] {
        count > rowLimit ? ["", "\(count - rowLimit) more are left out here; the JSON and the page have them."] : []
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

    /// Untrusted text that no Markdown reader takes for markup, a link or a mention.
    static func escaped(_ text: String) -> String {
        var result = ""
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()
        while let scalar = next {
            next = scalars.next()
            switch scalar {
            case "&", "<", ">", "@": result += "&#\(scalar.value);"
            // A bracket alone is no link, and every process has one.
            case "]" where next == "(" || next == "[": result += "\\]"
            case "\\", "`", "*", "_", "|", "~", "#", "!", "$":
                result += "\\"
                result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result.replacing("://", with: "&#58;//").replacing("www.", with: "www&#46;")
    }
}
