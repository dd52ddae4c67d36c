import Capture
import Correlation
import Records
import Reporting

/// Prints lines and the summary, and writes the annotated capture.
struct ReportOutput: AttributionOutput {
    private var format: any ReportFormat
    private let filter: OutputFilter
    private let limit: Int?
    private let printsPackets: Bool
    private var reportedCount = 0
    private(set) var standardOutput = StandardOutput()
    private(set) var annotated: AnnotatedCapture?

    /// - Parameters:
    ///   - printsPackets: packets go to the format; false with `-w` and without `--print`.
    ///   - limit: `-c`, reported packets after which it has had enough.
    init(
        format: any ReportFormat, filter: OutputFilter, printsPackets: Bool = true, limit: Int? = nil,
        annotated: AnnotatedCapture? = nil
    ) {
        self.format = format
        self.filter = filter
        self.printsPackets = printsPackets
        self.limit = limit
        self.annotated = annotated
        if printsPackets { self.format.begin(into: &standardOutput.buffer) }
    }

    var isFinished: Bool {
        if let limit, reportedCount >= limit { return true }
        return standardOutput.isClosed && annotated == nil
    }

    mutating func take(_ frame: CapturedFrame, bytes: RawSpan?, reported: ReportedPacket?) throws(CommandFailure) {
        if let bytes { try annotated?.write(frame, bytes: bytes, reported: reported) }
        guard let reported else { return }
        guard filter.passes(reported) else { return }
        reportedCount += 1
        guard printsPackets else { return }
        format.packet(reported, into: &standardOutput.buffer)
        if standardOutput.isFull { try standardOutput.flush() }
    }

    /// Writes out what waits.
    mutating func flush() throws(CommandFailure) {
        try standardOutput.flush()
        try annotated?.flush()
    }

    /// Writes the summary and closes the capture.
    mutating func finish(_ summary: RunSummary) throws(CommandFailure) {
        try annotated?.finish(summary)
        guard printsPackets else { return }
        format.summary(summary, into: &standardOutput.buffer)
        try standardOutput.flush()
    }
}
