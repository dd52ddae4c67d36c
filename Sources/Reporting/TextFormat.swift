public import Classification
public import Correlation
public import Records

/// Text for people: a line a packet where asked for, and the summary table.
///
/// Times are in UTC; a line with the date stands before the first packet and wherever the date changes.
public struct TextFormat: ReportFormat {
    /// How to print.
    public struct Options: Sendable {
        /// A line a packet: live, or offline with `-v`.
        public var printsPackets: Bool
        /// SGR colour sequences.
        public var colour: Bool
        /// The terminal's columns; nil where the output is no terminal: then every packet is one line and every group
        /// one row.
        public var width: Int?

        /// Options.
        public init(printsPackets: Bool, colour: Bool = false, width: Int? = nil) {
            self.printsPackets = printsPackets
            self.colour = colour
            self.width = width
        }
    }

    /// What was counted so far.
    public private(set) var table: SummaryTable
    private let options: Options
    private let palette: Palette
    private var day: Int64?
    /// How wide the packets' column is: as the widest packet so far, within bounds.
    private var packetWidth = 0

    /// A format that has printed nothing.
    public init(options: Options, table: SummaryTable = SummaryTable()) {
        self.options = options
        self.table = table
        palette = Palette(isOn: options.colour)
    }

    /// Nothing: the date comes with the first packet.
    public mutating func begin(into output: inout [UInt8]) {}

    /// Counts a packet for the table.
    public mutating func count(_ reported: ReportedPacket) {
        if reported.packet.ip.isReported { table.count(reported) }
    }

    /// Only where asked for.
    public var hasLines: Bool { options.printsPackets }

    /// Counts a packet for the table.
    public mutating func count(
        _ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket
    ) {
        if packet.ip.isReported { table.count(packet, verdict, tag: tag, report) }
    }

    /// Shows this table.
    public mutating func adopt(_ table: SummaryTable) { self.table = table }

    /// Appends one packet's line, if there are lines.
    public mutating func packet(_ reported: ReportedPacket, into output: inout [UInt8]) {
        guard options.printsPackets, reported.packet.ip.isReported else { return }
        appendDate(reported.packet.time, to: &output)
        let line = PacketLine(reported)
        output.append(contentsOf: reported.packet.time.clock(digits: 6).utf8)
        output.append(UInt8(ascii: " "))
        output.append(contentsOf: line.packet.utf8)
        let tail = line.verdict + (line.tag.map { "  \($0)" } ?? "")
        output.append(contentsOf: separator(16 + TerminalText.width(line.packet), TerminalText.width(tail)).utf8)
        output.append(contentsOf: palette.paint(line.verdict, Palette.Meaning(reported.verdict)).utf8)
        if let tag = line.tag {
            output.append(contentsOf: "  ".utf8)
            output.append(contentsOf: palette.paint(tag, .tag).utf8)
        }
        output.append(UInt8(ascii: "\n"))
    }

    /// Appends the table of what was counted and the run's figures.
    public mutating func summary(_ summary: RunSummary, into output: inout [UInt8]) {
        let layout = SummaryTableLayout(rows: table.rows, width: options.width, palette: palette)
        if options.printsPackets, day != nil { output.append(UInt8(ascii: "\n")) }
        for line in layout.lines(table, packets: summary.packets) + SummaryFigures.lines(summary) {
            output.append(contentsOf: line.utf8)
            output.append(UInt8(ascii: "\n"))
        }
    }

    /// What stands between the packet and the verdict: enough blanks to make a column on a terminal, or a new line where
    /// the terminal would break a word.
    private mutating func separator(_ before: Int, _ after: Int) -> String {
        guard let width = options.width else { return "  " }
        if before + 2 + after > width { return "\n    " }
        if before <= width * 2 / 3 { packetWidth = max(packetWidth, before) }
        let padded = max(before, packetWidth)
        return String(repeating: " ", count: (padded + 2 + after > width ? before : padded) - before + 2)
    }

    private mutating func appendDate(_ time: Timestamp, to output: inout [UInt8]) {
        let current = time.day
        guard current != day else { return }
        day = current
        output.append(contentsOf: palette.paint("\(time.date) UTC", .heading).utf8)
        output.append(UInt8(ascii: "\n"))
    }
}

extension Timestamp {
    /// Days since the epoch, rounded down.
    var day: Int64 {
        let length: Int64 = 86_400_000_000_000
        return nanoseconds / length - (nanoseconds % length < 0 ? 1 : 0)
    }

    /// `2026-03-01`
    var date: String { String(description.prefix(10)) }

    /// `10:20:30` with up to nine digits of its fraction.
    func clock(digits: Int) -> String {
        String(description.dropFirst(11).prefix(digits == 0 ? 8 : 9 + digits))
    }
}
