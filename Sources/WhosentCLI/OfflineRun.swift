import Capture
import Classification
import Correlation
import Platform
import ProcessMetadata
import Records
import Reporting

/// A run over files: captures on one side, evidence on the other, both read once and only as far as needed.
///
/// A structure, because the compiler then checks exclusive access once and not the runtime for every packet.
struct OfflineRun: ~Copyable {
    private var captures: CaptureFeed
    private var evidence: EvidenceFeed
    private var filter: FrameFilter?
    private var attribution: Attribution
    private var output: ReportOutput
    /// Nothing but counts is wanted.
    private var countsOnly = false
    private var counter = PacketCounter()
    /// Classifying needs nothing that only evidence tells.
    private let mayTagAhead: Bool
    private var interruption = Interruption()
    private let progress: Progress
    /// Set where only a summary of tags is asked for.
    private var tagCounts: TagCounts?
    private let lookahead = Correlator.Window().lookahead
    /// A signal ended the run before the captures did.
    private(set) var wasInterrupted = false

    /// The sizes of the tables.
    struct Limits {
        var records = Correlator.Limits()
        var processes = ProcessTable.Limits()
    }

    /// Opens everything.
    ///
    /// - Parameter digest: takes the packets and the counts instead of standard output.
    init(
        captures options: CaptureOptions, evidence paths: [String], clockOffset: Int64?, classifier: ClassifierOptions,
        output outputOptions: OutputOptions, write: String?, pktap: Bool = false, listsRegistrations: Bool = false,
        digest: ReportDigest? = nil, limits: Limits = Limits()
    ) throws(CommandFailure) {
        // Lines on the same terminal say themselves how far it is.
        progress = Progress(isWanted: !(outputOptions.hasLines && Terminal.isPresent))
        var tagging = try classifier.makeConfiguration()
        let evidence = try EvidenceFeed(paths: paths, clockOffset: clockOffset ?? 0)
        let captures = try CaptureFeed(paths: options.paths)
        tagging.captureNames = captures.names
        var settings = Attribution.Settings()
        settings.keepsBytes = write != nil
        settings.captureNames = captures.names
        settings.namesHosts = paths.count > 1
        settings.withoutArguments = outputOptions.noArgs
        var attribution = Attribution(
            settings: settings, classifier: Classifier(configuration: tagging),
            correlator: Correlator(limits: limits.records, seed: settings.seed),
            processes: ProcessSource(limits: limits.processes))
        attribution.foreign = ForeignEvidence(evidence.foreign)
        if paths.count - evidence.foreign.count > 1 { attribution.hostSends = HostSends() }
        try attribution.foreign?.prepare(captures: options.paths, given: clockOffset, progress)
        for (host, coverage) in evidence.coverages { attribution.setCoverage(coverage, host: host) }
        var outputSettings = ReportOutput.Settings()
        outputSettings.leavesStandardOutput = write == "-"
        // Offline text is the table; -v adds the lines. Other formats have lines by themselves.
        outputSettings.printsLines =
            digest == nil && (write == nil || outputOptions.verbose || outputOptions.format != nil)
        if listsRegistrations { outputSettings.registrations = outputOptions.format == .ndjson ? .ndjson : .text }
        var annotated: AnnotatedCapture?
        if let write {
            annotated = try AnnotatedCapture(
                path: write, besides: options.paths + paths,
                coverage: evidence.coverages.map(\.coverage), interfaces: [],
                pktap: pktap)
        }
        self.evidence = evidence
        self.captures = captures
        self.attribution = attribution
        filter = options.filter.map { FrameFilter(expression: $0) }
        output = ReportOutput(
            format: digest ?? outputOptions.makeFormat(lines: false), filter: outputOptions.filter,
            settings: outputSettings, annotated: annotated)
        countsOnly = output.countsOnly && digest == nil && self.attribution.foreign == nil
        mayTagAhead = tagging.rules.allSatisfy { $0.direction == nil }
        // Nothing is known of the senders, and nobody asks for the packets: they need not wait for anything.
        if paths.isEmpty, write == nil, digest == nil, !outputOptions.hasLines, outputOptions.filter.isEmpty,
            options.filter == nil,
            captures.onlyPlace != nil
        {
            tagCounts = TagCounts(
                classifier: Classifier(configuration: tagging), waitingLimit: Attribution.waitingLimit)
        }
    }

    /// Reads everything to its end, or to the first signal.
    mutating func process() throws(CommandFailure) {
        progress.begin("packets")
        if var counts = tagCounts.take(), let file = captures.onlyPlace {
            return try process(file, counting: &counts)
        }
        let passed = try PassedFilters(evidence.coverages)
        if countsOnly, passed == nil, filter == nil, mayTagAhead, let file = captures.onlyPlace {
            return try process(file)
        }
        if countsOnly { return try count(passed) }
        var count = 0
        while !wasInterrupted, !output.isFinished {
            var time: Timestamp?
            let hasMore = try Self.take(from: &captures, &filter) { frame, bytes, capture, interface in
                time = frame.time
                attribution.add(frame, bytes: bytes, capture: capture, interface: interface, filters: passed)
            }
            guard hasMore else { break }
            if let time { try settle(through: time) }
            count += 1
            noteProgress(count)
        }
        try finish()
    }

    /// Counts the packets of captures of any kind, to their end or to the first signal.
    private mutating func count(_ passed: PassedFilters?) throws(CommandFailure) {
        var tagger = attribution.makeTagger()
        var packets = TaggedPackets()
        packets.areLocated = true
        var count = 0
        while !wasInterrupted, !output.isFinished {
            let hasMore = try Self.take(from: &captures, &filter) { frame, bytes, capture, interface in
                attribution.add(
                    frame, bytes: bytes, capture: capture, interface: interface, filters: passed, to: &packets, &tagger)
            }
            guard hasMore else { break }
            describeInterfaces()
            if packets.packets.count == PacketCounter.batch {
                try counter.count(&packets, with: &evidence, in: &attribution)
                packets.removeAll()
            }
            count += 1
            noteProgress(count)
        }
        tagger.end(&packets)
        try counter.count(&packets, with: &evidence, in: &attribution)
        attribution.adopt(cutHeaders: 0, classifier: tagger.classifier)
        counter.end(&attribution)
        output.adopt(counter.output.table)
        try finish()
    }

    private mutating func noteProgress(_ count: Int) {
        if count & 0x3FF == 0 { progress.show(count) { self.captures.progress } }
        if count & 0xFFF == 0, case .stop = interruption.next() { wasInterrupted = true }
    }

    /// Hands the next frame to `body` if the filter wants it; false at the end.
    private static func take(
        from captures: inout CaptureFeed, _ filter: inout FrameFilter?,
        _ body: (CapturedFrame, RawSpan, UInt16, UInt16) -> Void
    ) throws(CommandFailure) -> Bool {
        var failure: CommandFailure?
        let hasMore = captures.next { frame, bytes, capture, interface in
            do throws(CommandFailure) {
                guard try filter?.wants(frame, bytes) ?? true else { return }
                body(frame, bytes, capture, interface)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return hasMore
    }

    /// Counts the packets of a capture, to its end or to the first signal, by their tags.
    private mutating func process(_ file: Savefile, counting counts: inout TagCounts) throws(CommandFailure) {
        var batches = Batches(file)
        while let batch = batches.next() {
            counts.add(batch)
            guard batches.isTimeToLook else { continue }
            progress.show(batches.count) { file.progress }
            if case .stop = interruption.next() { break }
        }
        batches.stop()
        counts.end()
        attribution.adopt(counts.summary, cutHeaders: counts.cutHeaders, classifier: counts.classifier)
        output.adopt(counts.table)
        try finish()
    }

    /// The same by their senders.
    private mutating func process(_ file: Savefile) throws(CommandFailure) {
        captures.nameAllInterfaces()
        describeInterfaces()
        var ahead = PacketsAhead(file, attribution.makeTagger())
        var packets = TaggedPackets()
        while !output.isFinished, ahead.next(&packets) {
            do throws(CommandFailure) {
                try counter.count(&packets, with: &evidence, in: &attribution)
            } catch {
                _ = ahead.stop()
                throw error
            }
            progress.show(Int(clamping: attribution.summary.captured)) { file.progress }
            if !wasInterrupted, case .stop = interruption.next() {
                wasInterrupted = true
                ahead.end()
            }
        }
        let tagger = ahead.stop()
        attribution.adopt(cutHeaders: tagger.cutHeaders, classifier: tagger.classifier)
        counter.end(&attribution)
        output.adopt(counter.output.table)
        try finish()
    }

    private mutating func settle(through time: Timestamp) throws(CommandFailure) {
        let needed = time.advanced(by: lookahead)
        try evidence.advance(through: needed, into: &attribution)
        try attribution.foreign?.advance(through: time)
        describeInterfaces()
        try attribution.settle(recordsThrough: needed.advanced(by: 1), into: &output)
    }

    private mutating func finish() throws(CommandFailure) {
        try evidence.advance(through: .distantFuture, into: &attribution)
        captures.nameAllInterfaces()
        describeInterfaces()
        if !output.isFinished, !countsOnly {
            try attribution.settle(recordsThrough: .distantFuture, ended: true, into: &output)
        }
        attribution.add(captures.damage)
        progress.clear()
        let registrations = attribution.registrations
        output.list(registrations.known, dropped: registrations.dropped, captureNames: captures.names)
        let summary = attribution.currentSummary()
        if summary.captured == 0, filter == nil, summary.damage.isEmpty {
            Diagnostics.report(
                "there is no packet in \(captures.names.joined(separator: ", ")): was it stopped too soon?")
        }
        try output.finish(summary)
    }

    /// A capture may describe interfaces anywhere before their first packet.
    private mutating func describeInterfaces() {
        guard attribution.interfaces.count != captures.interfaces.count else { return }
        attribution.interfaces = captures.interfaces
        output.describe(captures.interfaces)
    }
}

/// The frames of a capture by the batch, read on another thread where that gains something.
private struct Batches: ~Copyable {
    private let file: Savefile
    private let ahead: ReadAhead?
    /// Frames handed out so far.
    private(set) var count = 0
    private var nextLook = 0

    init(_ file: Savefile) {
        self.file = file
        ahead = file.readAhead()
    }

    mutating func next() -> FrameBatch? {
        let batch = ahead.map { $0.next() } ?? file.nextBatch()
        count += batch?.count ?? 0
        return batch
    }

    /// From time to time somebody looks whether the run is to be stopped.
    var isTimeToLook: Bool {
        mutating get {
            guard count >= nextLook else { return false }
            nextLook = count + 0x1000
            return true
        }
    }

    func stop() { ahead?.stop() }
}

/// `--filter`, compiled once for each link type.
private struct FrameFilter {
    let expression: String
    private var filters: [UInt16: PacketFilter] = [:]

    init(expression: String) { self.expression = expression }

    mutating func wants(_ frame: CapturedFrame, _ bytes: RawSpan) throws(CommandFailure) -> Bool {
        if let filter = filters[frame.linkType] { return filter.matches(bytes, originalLength: frame.originalLength) }
        do {
            let filter = try PacketFilter(expression, linkType: frame.linkType)
            filters[frame.linkType] = filter
            return filter.matches(bytes, originalLength: frame.originalLength)
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
    }
}
