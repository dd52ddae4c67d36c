internal import Correlation
internal import Records

/// tcpdump's last three lines, extended by what there is of records, losses and damage.
public enum SummaryFigures {
    /// The lines.
    public static func lines(_ summary: RunSummary) -> [String] {
        var lines = [
            "\(packets(summary.captured)) captured, \(summary.packets) of them UDP or ICMP\(distinct(summary))",
            "\(records(summary.records)) received, \(summary.unmatchedRecords) of them for no captured packet",
            "\(records(summary.lostInKernel, of: "")) lost in the kernel (ring buffer)\(parts(summary))",
            "\(packets(summary.lost[.capture] ?? 0)) lost in capture\(interfaces(summary))",
        ]
        if let count = summary.lost[.table], count > 0 {
            lines.append("\(records(count, of: "")) let go before their packets came (table full)")
        }
        if let count = summary.lost[.processTable], count > 0 {
            lines.append("\(count) process\(count == 1 ? "" : "es") let go while they may have sent (table full)")
        }
        let flows = (summary.lost[.flowTable] ?? 0) + (summary.lost[.fragmentTable] ?? 0)
        if flows > 0 {
            lines.append("\(flows) flow\(flows == 1 ? "" : "s") or fragmented datagrams let go in use (table full)")
        }
        if let count = summary.lost[.registrationTable], count > 0 {
            lines.append(
                "\(count) registration\(count == 1 ? "" : "s") for new mail let go while they lasted (table full)")
        }
        lines += spans(summary)
        lines += summary.clockOffsets.map(clock)
        for finding in summary.damage {
            let file = TerminalText.name(finding.file)
            lines.append("damage: \(file) at byte \(finding.offset): \(TerminalText.visible(finding.what))")
        }
        if let status = summary.commandStatus { lines.append("the command ended with status \(status)") }
        return lines
    }

    /// When something was lost, in as many lines as fit a report; NDJSON has every interval.
    private static func spans(_ summary: RunSummary) -> [String] {
        let losses = summary.coverage.flatMap(\.losses).sorted { $0.start < $1.start }
        guard !losses.isEmpty else { return [] }
        let shown = losses.prefix(8).map {
            "  \($0.count) \($0.kind.rawValue.replacing("_", with: " ")) between \($0.start) and \($0.stop)"
        }
        let rest = losses.count > 8 ? ["  and \(losses.count - 8) spans more, the last until \(lastStop(losses))"] : []
        return ["lost in these spans:"] + shown + rest
    }

    private static func lastStop(_ losses: [LossInterval]) -> Timestamp {
        losses.map(\.stop).max() ?? .distantPast
    }

    private static func packets(_ count: UInt64) -> String { "\(count) packet\(count == 1 ? "" : "s")" }

    private static func records(_ count: UInt64, of kind: String = "send ") -> String {
        "\(count) \(kind)record\(count == 1 ? "" : "s")"
    }

    private static func distinct(_ summary: RunSummary) -> String {
        summary.distinctPackets.map { $0 == summary.packets ? "" : " (\($0) distinct)" } ?? ""
    }

    /// `clock offset +4 h 0.312 s from 1 match (trace.csv): the capture's clock is ahead of the evidence's`
    private static func clock(_ offset: RunSummary.ClockOffset) -> String {
        let count = "\(offset.matches) match\(offset.matches == 1 ? "" : "es")"
        let spread = offset.spread.map { ", spread \(decimal($0))" } ?? ""
        let origin = offset.isGiven ? "as given" : "from \(count)\(spread)"
        let file = offset.file.map { " (\(TerminalText.name($0)))" } ?? ""
        let millis = (offset.seconds * 1000).rounded()
        let relation = millis == 0 ? "the same as" : millis > 0 ? "ahead of" : "behind"
        let span = span(offset.seconds)
        return "clock offset \(span) \(origin)\(file): the capture's clock is \(relation) the evidence's"
    }

    /// `+4 h 0.312 s`
    private static func span(_ seconds: Double) -> String {
        let millis = Int64((seconds.magnitude * 1000).rounded())
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60)
        var text = seconds < 0 ? "-" : "+"
        if hours > 0 { text += "\(hours) h " }
        if minutes > 0 { text += "\(minutes) min " }
        return text + decimal(Double(millis % 60_000) / 1000)
    }

    /// Seconds with three digits after the point.
    private static func decimal(_ seconds: Double) -> String {
        let millis = Int64((seconds.magnitude * 1000).rounded())
        let digits = String(millis % 1000)
        return "\(millis / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits + " s"
    }

    private static func parts(_ summary: RunSummary) -> String {
        let kinds: [LossInterval.Kind] = [.send, .wire, .process]
        let lost = kinds.compactMap { kind in
            summary.lost[kind].flatMap { $0 > 0 ? "\($0) \(kind.rawValue)" : nil }
        }
        return lost.isEmpty ? "" : ": " + lost.joined(separator: ", ")
    }

    private static func interfaces(_ summary: RunSummary) -> String {
        let dropping = summary.interfaces.filter { $0.dropped > 0 }
        guard summary.interfaces.count > 1, !dropping.isEmpty else { return "" }
        return ": " + dropping.map { "\($0.dropped) on \(TerminalText.name($0.name))" }.joined(separator: ", ")
    }
}
