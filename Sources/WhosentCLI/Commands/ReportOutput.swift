import Capture
import Classification
import Correlation
import Records
import Reporting

/// Prints lines and the summary, and writes the annotated capture.
struct ReportOutput: AttributionOutput {
    /// Where the answers go.
    struct Settings {
        /// A line a packet, where the format has lines at all.
        var printsLines = true
        /// Standard output carries the capture (`-w -`): the counts go to standard error.
        var leavesStandardOutput = false
        /// `-c`: reported packets after which it has had enough.
        var limit: Int?
        /// `--registrations`: these instead of packets.
        var registrations: RegistrationListing.Form?
        /// The capture gets only packets that pass the output filter.
        var filtersCapture = false
        /// There is a summary at the end.
        var hasSummary = true

        /// Another program gets the capture, and there is nobody to read anything else.
        mutating func handOver(filtered: Bool) {
            printsLines = false
            hasSummary = false
            filtersCapture = filtered
        }
    }

    private let settings: Settings
    private var format: any ReportFormat
    private let filter: OutputFilter
    private let annotated: AnnotatedCapture?
    /// Packets that passed the output filter.
    private(set) var reportedCount = 0
    private var standardOutput = StandardOutput()

    init(format: any ReportFormat, filter: OutputFilter, settings: Settings, annotated: AnnotatedCapture? = nil) {
        self.settings = settings
        self.format = format
        self.filter = filter
        self.annotated = annotated
        if settings.printsLines, !settings.leavesStandardOutput { self.format.begin(into: &standardOutput.buffer) }
    }

    /// The groups of the summary table so far, for the table on the screen.
    var groups: [SummaryTable.Row] { (format as? TextFormat)?.table.rowsByAge ?? [] }

    var isFinished: Bool {
        if let limit = settings.limit, reportedCount >= limit { return true }
        return standardOutput.isClosed && annotated == nil
    }

    var countsOnly: Bool {
        annotated == nil && filter.isEmpty && settings.limit == nil && (!settings.printsLines || !format.hasLines)
    }

    mutating func count(_ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket) {
        reportedCount += 1
        format.count(packet, verdict, tag: tag, report)
    }

    mutating func take(
        _ frame: CapturedFrame, interface: UInt16, bytes: RawSpan?, reported: ReportedPacket?
    ) throws(CommandFailure) {
        let isAllowed = reported.map(filter.allows) ?? false
        if let bytes, isAllowed || !settings.filtersCapture {
            try annotated?.write(frame, interface: interface, bytes: bytes, reported: reported)
        }
        guard let reported, isAllowed else { return }
        reportedCount += 1
        format.count(reported)
        guard settings.printsLines, !settings.leavesStandardOutput, settings.registrations == nil else { return }
        format.packet(reported, into: &standardOutput.buffer)
        if standardOutput.isFull { try standardOutput.flush() }
    }

    /// Goes on with what was counted elsewhere.
    mutating func adopt(_ table: SummaryTable) { format.adopt(table) }

    /// States the capture interfaces that are known by now.
    func describe(_ interfaces: [CaptureInterface]) { annotated?.describe(interfaces) }

    /// The run is coming to its end: a reader that does not read is not waited for long.
    mutating func beginEnd() { standardOutput.isEnding = true }

    /// Writes out what waits.
    mutating func flush() throws(CommandFailure) {
        try standardOutput.flush()
        try annotated?.flush()
    }

    /// Lists registrations, where they were asked for.
    mutating func list(_ registrations: [PushRegistration], dropped: UInt64, captureNames: [String]) {
        guard let form = settings.registrations else { return }
        let listing = RegistrationListing(form: form, captureNames: captureNames)
        listing.append(registrations, dropped: dropped, to: &standardOutput.buffer)
    }

    /// Writes the summary and closes the capture.
    mutating func finish(_ summary: RunSummary) throws(CommandFailure) {
        try annotated?.finish(summary)
        guard settings.hasSummary else { return }
        if settings.leavesStandardOutput {
            for line in SummaryFigures.lines(summary) { Diagnostics.line(line) }
            return
        }
        if settings.registrations != .text { format.summary(summary, into: &standardOutput.buffer) }
        try standardOutput.flush()
    }
}
