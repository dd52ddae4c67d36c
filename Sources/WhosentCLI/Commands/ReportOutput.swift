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
    }

    private let settings: Settings
    private var format: any ReportFormat
    private let filter: OutputFilter
    private let annotated: AnnotatedCapture?
    private var reportedCount = 0
    private var standardOutput = StandardOutput()

    init(format: any ReportFormat, filter: OutputFilter, settings: Settings, annotated: AnnotatedCapture? = nil) {
        self.settings = settings
        self.format = format
        self.filter = filter
        self.annotated = annotated
        if settings.printsLines, !settings.leavesStandardOutput { self.format.begin(into: &standardOutput.buffer) }
    }

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
        if let bytes { try annotated?.write(frame, interface: interface, bytes: bytes, reported: reported) }
        guard let reported, filter.allows(reported) else { return }
        reportedCount += 1
        format.count(reported)
        guard settings.printsLines, !settings.leavesStandardOutput, settings.registrations == nil else { return }
        format.packet(reported, into: &standardOutput.buffer)
        if standardOutput.isFull { try standardOutput.flush() }
    }

    /// Goes on with what was counted elsewhere.
    mutating func adopt(_ counted: any ReportFormat) { format = counted }

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
        if settings.leavesStandardOutput {
            for line in SummaryFigures.lines(summary) { Diagnostics.line(line) }
            return
        }
        if settings.registrations != .text { format.summary(summary, into: &standardOutput.buffer) }
        try standardOutput.flush()
    }
}
