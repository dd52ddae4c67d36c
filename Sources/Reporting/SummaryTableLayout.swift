internal import Classification
internal import Correlation
internal import Records

/// The summary table as lines: one row a group where they fit the terminal, else the sender on a line of its own.
///
/// A name or a path beyond what is usual does not shape the table: its row runs over.
struct SummaryTableLayout {
    private struct Cells {
        var who: String
        var detail: String
        var figures: [String]
        var meaning: Palette.Meaning
        var hasTag: Bool
    }

    private static let headings = ["VERDICT", "TAG", "PACKETS", "DEST.", "FIRST", "LAST"]
    private static let tagColumn = 1
    /// The widest that the column of processes gets.
    private static let widestProcess = 32
    /// What of the last column counts when the layout is chosen.
    private static let usualDetail = 60
    /// Numbers, set to the right.
    private static let rightColumns = 2...3

    private let rows: [SummaryTable.Row]
    private let width: Int?
    private let palette: Palette

    init(rows: [SummaryTable.Row], width: Int?, palette: Palette) {
        self.rows = rows
        self.width = width
        self.palette = palette
    }

    /// The table with its remarks.
    ///
    /// - Parameter packets: how many UDP and ICMP packets there were before any filter.
    func lines(_ table: SummaryTable, packets: UInt64) -> [String] {
        guard let begin = rows.map(\.first).min(), let end = rows.map(\.last).max() else {
            return [packets == 0 ? "No UDP or ICMP packet." : "No packet passes the output filter."]
        }
        let isOneDay = begin.day == end.day
        let wide = rows.map { cells($0, isOneDay: isOneDay, isNarrow: false) }
        let oneRow = oneRowEach(wide)
        var lines: [String]
        if let width, oneRow.width > width {
            lines = twoRowsEach(rows.map { cells($0, isOneDay: isOneDay, isNarrow: true) })
        } else {
            lines = oneRow.lines
        }
        let span = isOneDay ? "on \(begin.date)" : "from \(begin.date) to \(end.date)"
        lines.append("")
        lines.append("Times are UTC, \(span). DEST. counts distinct addresses with their ports.")
        if rows.contains(where: \.hasMoreDestinations) {
            lines.append("Above \(table.destinationLimit) destinations in all, no more were counted: + marks at least.")
        }
        if table.hasOverflow { lines.append("Above \(table.groupLimit) groups, the rest is one row.") }
        return lines + [""]
    }

    private func cells(_ row: SummaryTable.Row, isOneDay: Bool, isNarrow: Bool) -> Cells {
        func time(_ time: Timestamp) -> String {
            let clock =
                isNarrow
                ? (isOneDay ? time.clock(digits: 0) : String(time.clock(digits: 0).prefix(5)))
                : time.clock(digits: isOneDay ? 3 : 0)
            return isOneDay ? clock : "\(isNarrow ? String(time.date.dropFirst(5)) : time.date) \(clock)"
        }
        let verdict = row.kind.map { $0 == .unknown ? $0.name : "\($0.name) \(row.confidence.name)" } ?? "other"
        let tag = row.tag.map { "\(TerminalText.name($0.name)) \($0.confidence.name)" } ?? "-"
        let host = row.host.map { "@\(TerminalText.name($0))" } ?? ""
        return Cells(
            who: row.process.map { PacketLine.sender($0) + host } ?? row.origin ?? "-",
            detail: row.process?.executable.map { TerminalText.path($0) } ?? row.remark ?? "",
            figures: [
                verdict, tag, "\(row.packets)", "\(row.destinations)\(row.hasMoreDestinations ? "+" : "")",
                time(row.first), time(row.last),
            ],
            meaning: row.kind == .process
                ? (row.confidence >= .probable ? .sender : .doubtful) : row.kind == .unknown ? .doubtful : .quiet,
            hasTag: row.tag != nil)
    }

    private func oneRowEach(_ cells: [Cells]) -> (lines: [String], width: Int) {
        let usual = cells.map { TerminalText.width($0.who) }.filter { $0 <= Self.widestProcess }
        let whoWidth = usual.reduce("PROCESS".utf8.count, max)
        let widths = columnWidths(cells)
        let figuresWidth = widths.reduce(0, +) + 2 * (widths.count - 1)
        let detailWidth = cells.map { min(TerminalText.width($0.detail), Self.usualDetail) }.max() ?? 0
        let heading = "PROCESS" + blanks(whoWidth - "PROCESS".utf8.count) + "  " + figures(Self.headings, widths)
        var lines = [palette.paint(trimmed(heading + (detailWidth > 0 ? "  EXECUTABLE OR REASON" : "")), .heading)]
        for row in cells {
            let who = palette.paint(row.who, row.meaning) + blanks(whoWidth - TerminalText.width(row.who))
            lines.append(trimmed(who + "  " + figures(row.figures, widths, row) + "  " + row.detail))
        }
        return (lines, whoWidth + 2 + figuresWidth + (detailWidth > 0 ? 2 + detailWidth : 0))
    }

    private func twoRowsEach(_ cells: [Cells]) -> [String] {
        let widths = columnWidths(cells)
        var lines = [
            palette.paint("PROCESS, EXECUTABLE OR REASON", .heading),
            palette.paint(trimmed("  " + figures(Self.headings, widths)), .heading),
        ]
        for row in cells {
            lines.append(palette.paint(row.who, row.meaning) + (row.detail.isEmpty ? "" : " " + row.detail))
            lines.append(trimmed("  " + figures(row.figures, widths, row)))
        }
        return lines
    }

    private func columnWidths(_ cells: [Cells]) -> [Int] {
        Self.headings.indices.map { column in
            cells.map { TerminalText.width($0.figures[column]) }.reduce(Self.headings[column].utf8.count, max)
        }
    }

    private func figures(_ texts: [String], _ widths: [Int], _ row: Cells? = nil) -> String {
        texts.indices.map { column in
            let text = texts[column]
            let filling = blanks(widths[column] - TerminalText.width(text))
            if Self.rightColumns.contains(column) { return filling + text }
            let shown = column == Self.tagColumn && row?.hasTag == true ? palette.paint(text, .tag) : text
            return shown + filling
        }.joined(separator: "  ")
    }

    private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }
}
