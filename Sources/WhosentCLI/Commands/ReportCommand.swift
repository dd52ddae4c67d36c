import ArgumentParser
import Audit
import ReportPage
import Reporting
import SystemPackage
import TextEscaping

/// The forms of a report.
enum ReportForm: String, CaseIterable, ExpressibleByArgument {
    case html, markdown, json

    /// The report in this form: a function of the report alone.
    func encode(_ report: IncidentReport) -> [UInt8] {
        switch self {
        case .html: ReportPage.encode(report)
        case .markdown: ReportMarkdown.encode(report)
        case .json: ReportJSON.encode(report)
        }
    }
}

/// `whosent report`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make a report to hand in: a page, Markdown, or JSON.",
        discussion: """
            Takes captures with their evidence, or the NDJSON that live, join and classify
            print; which of the two is told by content (- is NDJSON, unless there is
            --evidence). The page is one file that needs no network. Like every file
            command it looks at the files alone: the same inputs and options give the same
            bytes anywhere.

            Examples:
              whosent report capture.pcap --evidence evidence.pcapng -o report.html
              whosent report live.ndjson -o report.html
              whosent report live.ndjson --format markdown -o -
              whosent report live.ndjson --case 42 --examiner Kim -o case
            """)

    @OptionGroup var inputs: CaptureOptions

    @Option(help: ArgumentHelp("Evidence for captures, told by its content (repeatable).", valueName: "file"))
    var evidence: [String] = []

    @Option(
        name: [.customShort("o", allowingJoined: true), .customLong("output")],
        help: ArgumentHelp("The report, - for standard output; with --case a folder.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("html, markdown or json.", valueName: "format"))
    var format: ReportForm?

    @Option(
        name: .customLong("case"),
        help: ArgumentHelp(
            "Write report.html, report.json and a manifest that verify checks, for this case.", valueName: "id"))
    var caseID: String?

    @Option(help: ArgumentHelp("With --case: who makes the report.", valueName: "text"))
    var examiner: String?

    @OptionGroup var clock: ClockOffsetOption
    @OptionGroup var processTable: ProcessTableOptions
    @OptionGroup var recordTable: RecordTableOptions
    @OptionGroup var classifier: ClassifierOptions
    @OptionGroup var selection: PacketSelection

    func validate() throws {
        if inputs.paths.isEmpty { throw ValidationError("name captures, or the NDJSON of an earlier run") }
        if (inputs.paths + evidence).filter({ $0 == "-" }).count > 1 {
            throw ValidationError("standard input can be given only once")
        }
        try validateCase()
    }

    private func validateCase() throws {
        guard caseID != nil || examiner != nil else { return }
        guard let caseID, let examiner, !caseID.isEmpty, !examiner.isEmpty else {
            throw ValidationError("--case and --examiner go together, and neither is empty")
        }
        if format != nil { throw ValidationError("with --case there are a page and JSON; leave out --format") }
        if output == "-" { throw ValidationError("with --case -o names a folder") }
        if (inputs.paths + evidence).contains("-") {
            throw ValidationError("with --case every input is a file, so that it can be read again")
        }
    }

    func run() throws {
        if caseID != nil { return try makeCase() }
        let bytes = (format ?? .html).encode(try makeReport())
        // The inputs were readable; only now is anything written, so that a failure leaves no half report.
        let read = inputs.paths + evidence + (classifier.rules.map { [$0] } ?? [])
        let descriptor = try OutputFile.create(output, besides: read, option: "-o")
        defer { if output != "-" { try? descriptor.close() } }
        guard output != "-" else {
            var standardOutput = StandardOutput()
            standardOutput.buffer = bytes
            return try standardOutput.flush()
        }
        do {
            try descriptor.writeAll(bytes)
        } catch {
            throw CommandFailure(ExitStatus.inputOutput, "cannot write \(output): \(error)")
        }
    }

    /// Makes the report, the page and the manifest in a folder.
    private func makeCase() throws {
        let folder = try CaseFolder(output)
        var files: [RegularFile] = []
        var read: [AuditManifest.Input] = []
        for (role, path) in try auditedPaths() {
            let file = try RegularFile(path)
            read.append(.init(role: role, path: try folder.path(to: path), digest: try file.digest()))
            files.append(file)
        }
        let report = try AuditedReport(self, inputs: read)
        guard files.allSatisfy(\.isUnchanged) else {
            throw CommandFailure(ExitStatus.failed, "an input was written to while the report was made; try again")
        }
        try folder.write(report)
        var standardOutput = StandardOutput()
        standardOutput.buffer = Array(folder.listing(report).utf8)
        try standardOutput.flush()
    }

    /// The report on the inputs: a function of the files and the options, whatever the machine and the hour.
    func makeReport() throws -> IncidentReport {
        let sources = try inputs.paths.map { try ReportSource(path: $0, isEvidenceGiven: !evidence.isEmpty) }
        let results = sources.filter { $0.role == .results }
        let digest = ReportDigest(withoutArguments: selection.noArgs)
        if results.isEmpty {
            try digestCaptures(into: digest)
        } else {
            try refuseCaptureOptions(results.count == sources.count, results[0].path)
            for source in results { try digestResults(source, into: digest) }
        }
        return digest.report(on: question(sources))
    }

    private func digestCaptures(into digest: ReportDigest) throws {
        var options = try OutputOptions.parse([])
        options.selection = selection
        var run = try OfflineRun(
            captures: inputs, evidence: evidence, clockOffset: clock.nanoseconds, classifier: classifier,
            output: options, write: nil, digest: digest,
            limits: OfflineRun.Limits(records: recordTable.limits, processes: processTable.limits))
        try run.process()
        // A table of half a capture is read by who stopped it; a report is handed on.
        if run.wasInterrupted { throw CommandFailure(ExitStatus.failed, "interrupted: no report was written") }
    }

    private func digestResults(_ source: ReportSource, into digest: ReportDigest) throws(CommandFailure) {
        var lines = ResultLines(source)
        try lines.add(to: digest)
    }

    /// What NDJSON holds was judged before; options that would judge again are refused rather than ignored.
    private func refuseCaptureOptions(_ onlyResults: Bool, _ path: String) throws(CommandFailure) {
        let refused: [(String, Bool)] = [
            ("--evidence", !evidence.isEmpty), ("--filter", inputs.filter != nil), ("--rules", classifier.rules != nil),
            ("--newmail-port", !classifier.newmailPort.isEmpty), ("--clock-offset", clock.nanoseconds != nil),
            ("filtering", !selection.words.isEmpty),
        ]
        if !onlyResults {
            throw CommandFailure(
                ExitStatus.usage, "\(path) is the NDJSON of an earlier run, others are captures: give one kind")
        }
        if let option = refused.first(where: \.1) {
            throw CommandFailure(
                ExitStatus.usage,
                "\(path) is the NDJSON of an earlier run, which was judged then: \(option.0) can be used with captures only"
            )
        }
    }

    private func question(_ sources: [ReportSource]) -> IncidentReport.Question {
        var question = IncidentReport.Question(
            inputs: sources.map { IncidentReport.Input(name: $0.name, role: $0.role) }
                + evidence.map { IncidentReport.Input(name: shownName($0), role: .evidence) })
        question.caseID = caseID.map { LosslessEscape.text($0) }
        question.examiner = examiner.map { LosslessEscape.text($0) }
        question.captureFilter = inputs.filter.map { LosslessEscape.text($0) }
        question.selection = selection.words
        question.statedClockOffset = clock.nanoseconds == nil ? nil : LosslessEscape.text(clock.clockOffset)
        question.rules = classifier.rules.map(shownName)
        question.newMailPorts = classifier.newmailPort
        return question
    }
}
