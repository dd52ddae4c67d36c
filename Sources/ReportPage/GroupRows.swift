internal import Correlation
internal import Records
internal import Reporting

/// The table of groups.
struct GroupRows {
    /// Rows that are shown before more are asked for; the page's script has the same number.
    private static let pageLength = 200
    /// The most destinations that a group's details list.
    private static let destinationLimit = 24

    private let report: IncidentReport
    private let hasSeveralDays: Bool

    init(_ report: IncidentReport) {
        self.report = report
        hasSeveralDays = report.span.map { $0.first.dateText != $0.last.dateText } ?? false
    }

    var members: [String: Any] {
        let groups = report.groups
        let kinds = Verdict.Kind.allCases.filter { kind in groups.contains { $0.kind == kind } }
        let levels = Verdict.Confidence.allCases.reversed().filter { level in groups.contains { $0.confidence == level }
        }
        var members: [String: Any] = [
            "groups": groups.enumerated().map { row($1, number: $0) },
            "groupCount": groups.count == 1 ? "1 row" : "\(groups.count) rows",
            "verdicts": kinds.map(\.name), "confidences": levels.map(\.name),
            "tags": Set(groups.compactMap(\.tag)).sorted(), "severalDays": hasSeveralDays, "leftOut": leftOut,
        ]
        if let day = report.span?.first.dateText { members["day"] = [day] }
        return members
    }

    private var leftOut: [String] {
        guard report.leftOut.packets > 0 else { return [] }
        return [
            "The table tells \(report.leftOut.groupLimit) groups apart; \(Shown.count(report.leftOut.packets)) packets of further groups are in a row for each verdict and confidence."
        ]
    }

    private func row(_ group: SenderGroup, number: Int) -> [String: Any] {
        var row: [String: Any] = [
            "number": "\(number)", "isBeyond": number >= Self.pageLength, "sender": group.senderText,
            "verdict": group.kind.name, "confidence": group.confidence.name, "dots": Shown.dots(group.confidence),
            "sureRank": "\(group.confidence.rawValue)", "tagName": group.tag ?? "", "tag": group.tagText ?? "–",
            "packets": Shown.count(group.packets), "packetsRaw": "\(group.packets)",
            "destinations": destinations(group), "destinationsRaw": "\(group.destinationCount)",
            "first": group.first.description, "firstRaw": "\(group.first.nanoseconds)",
            "firstClock": clock(group.first),
            "last": group.last.description, "lastRaw": "\(group.last.nanoseconds)", "lastClock": clock(group.last),
            "details": details(group),
        ]
        row.merge(Shown.path(group.process?.executable)) { $1 }
        return row
    }

    private func clock(_ time: Timestamp) -> String {
        hasSeveralDays ? "\(time.dateText.dropFirst(5)) \(time.clockText)" : time.clockText
    }

    private func destinations(_ group: SenderGroup) -> String {
        guard let first = group.destinations.first else { return "–" }
        guard group.destinationCount > 1 || group.hasMoreDestinations else { return first.text }
        return "\(group.destinationText) destinations"
    }

    private func details(_ group: SenderGroup) -> [[String: String]] {
        var details: [[String: String]] = []
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { details.append(["name": name, "value": value]) }
        }
        add("Verdict", "\(group.kind.name), \(group.confidence.name)")
        add("Why", lines(group.reasons, of: group.packets))
        if let process = group.process { addProcess(process, group, add) }
        if !group.candidates.isEmpty { add("Candidates", group.candidates.map(\.text).joined(separator: "\n")) }
        add("For a packet of", group.onBehalfOf?.text)
        add("Device held by", group.tunnelOwner?.text)
        if let tag = group.tagText {
            add("Tag", tag)
            add("Why this tag", group.tagReasons.joined(separator: "\n"))
        }
        add("Protocols", Shown.list(group.protocols.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }))
        add("Bytes on the wire", Shown.count(group.bytes))
        add("Payload", "\(group.payload.lengthText)\(payload(group.payload))")
        add("Destinations", destinationList(group))
        add("First and last", "\(group.first)\n\(group.last)")
        add("Look up", group.frames.map { "frame \($0.frame) of \($0.capture)" }.joined(separator: "\n"))
        return details
    }

    private func addProcess(_ process: ProcessDescription, _ group: SenderGroup, _ add: (String, String?) -> Void) {
        add("Path", process.executable.map { path in path + (process.image.map { " (\($0.rawValue))" } ?? "") })
        add("Command line", process.arguments?.joined(separator: " "))
        add("SHA-256", group.hashes.joined(separator: "\n"))
        add("User", process.user.map { principal in principal.name.map { "\($0) (\(principal.id))" } ?? principal.id })
        add("Unit", process.serviceName)
        add("Container", process.containerID)
        add("Host", group.host)
        add("Id inside", process.innerPID.map { "\($0)" })
        add("Started", process.start?.description)
        add("Parents", process.parents.map { "\($0.name ?? "unnamed")[\($0.pid)]" }.joined(separator: " ← "))
    }

    /// Reasons with how often each was given, where there are several.
    private func lines(_ reasons: [CountedText], of packets: UInt64) -> String {
        guard reasons.count > 1 || (reasons.first?.packets ?? packets) < packets else {
            return (reasons.first?.text ?? "") + (packets > 1 ? " (the first packet's; the others' are alike)" : "")
        }
        return reasons.map { "\($0.packets): \($0.text)" }.joined(separator: "\n")
    }

    private func payload(_ payload: PayloadShape) -> String {
        guard !payload.bytes.isEmpty else { return "" }
        let bytes = payload.bytes.map { $0.varies ? "··" : PayloadShape.hex($0.value) }
        return ", begins with " + bytes.joined(separator: " ")
    }

    private func destinationList(_ group: SenderGroup) -> String {
        var lines = group.destinations.prefix(Self.destinationLimit).map { "\($0.text): \($0.packets)" }
        let rest =
            group.destinations.dropFirst(Self.destinationLimit).reduce(0) { $0 + $1.packets }
            + group.otherDestinationPackets
        if rest > 0 { lines.append("others: \(rest)") }
        return group.destinations.isEmpty ? "" : lines.joined(separator: "\n")
    }
}
