import ArgumentParser
import Capture
import Classification
import Correlation
import PacketDecoding
import Platform
import Probe
import ProcessMetadata
import Records
import Reporting
import SystemPackage
import TextEscaping

/// `whosent live`
struct LiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live",
        abstract: "Watch this machine and name the process behind every UDP datagram and ICMP echo.",
        usage: "whosent live [<options>] [<pcap-filter> ...] [-- <command> ...]",
        discussion: """
            Prints `ready` on standard error once everything is attached: what is sent
            after that line is covered. Runs until interrupted, for --duration, for -c
            packets, or until COMMAND has ended.

            Examples:
              whosent live                        everything on every interface
              whosent live -i eth0 udp port 53    who asks for names
              whosent live --tag newmail          only Exchange's notifications
              whosent live --netns blue           in the network namespace blue
              whosent live -w out.pcapng --print  keep the packets, and print too
              whosent live -- ./suspect --flag    watch while a command runs
              whosent live --top                  a table that follows what is sent
              whosent live --socket-table         where BPF is refused (whosent doctor)
            """)

    @Option(
        name: [.customShort("i", allowingJoined: true), .long],
        help: ArgumentHelp("The interface to capture on, or any.", valueName: "interface"),
        completion: InterfaceCompletion.names)
    var interface = "any"

    @OptionGroup var namespace: NamespaceOption

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp(
            "Write the packets with their processes to this pcapng file, - for standard output.", valueName: "file"),
        completion: .file())
    var write: String?

    @Flag(help: "With -w, put LINKTYPE_PKTAP's header before every packet: typed process fields for old Wireshark.")
    var pktap = false

    @Flag(name: .customLong("print"), help: "With -w, print packets too.")
    var printsPackets = false

    @Flag(
        name: .customLong("top"),
        help: "Show a table that follows what is sent, in place of lines; keys: q, p pause, s sort, / filter.")
    var top = false

    @Option(help: ArgumentHelp("Stop after this many seconds.", valueName: "seconds"))
    var duration: Double?

    @Option(
        name: [.customShort("c", allowingJoined: true), .customLong("count")],
        help: ArgumentHelp("Stop after this many reported packets.", valueName: "count"))
    var count: Int?

    @Flag(
        name: .customLong("socket-table"),
        help: "Go by who holds which socket, for machines that refuse BPF: never better than probable.")
    var socketTable = false

    @OptionGroup var ring: RingOptions
    @OptionGroup var processTable: ProcessTableOptions
    @OptionGroup var recordTable: RecordTableOptions
    @OptionGroup var classifier: ClassifierOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("Only packets that pass this pcap-filter(7) expression.", valueName: "pcap-filter"))
    var filter: [String] = []

    @Option(name: .customLong("command-word"), parsing: .unconditionalSingleValue, help: .hidden)
    var command: [String] = []

    func validate() throws {
        if let duration, !(duration > 0 && duration.isFinite) {
            throw ValidationError("--duration takes a number of seconds above 0")
        }
        if let count, count < 1 { throw ValidationError("-c takes a number of packets above 0") }
        if write == "-", output.format != nil || printsPackets {
            throw ValidationError("-w - already takes standard output; leave out --format and --print")
        }
        if printsPackets, write == nil { throw ValidationError("--print goes with -w") }
        if pktap, write == nil { throw ValidationError("--pktap goes with -w") }
        if top { try validateTop() }
    }

    private func validateTop() throws {
        if !command.isEmpty { throw ValidationError("--top takes the terminal that COMMAND would use; leave one out") }
        if output.format != nil || output.verbose || printsPackets || write == "-" {
            throw ValidationError("--top shows a table in place of lines; leave out --format, -v, --print and -w -")
        }
    }

    func run() throws {
        let screen = try top ? LiveTable(title: ([interface] + filter).joined(separator: " ")) : nil
        var stop = StopCondition(Interruption(), duration: duration)
        try namespace.enter()
        let run = try LiveRun(self, screen: screen)
        try run.watch(&stop)
    }
}

/// One run of `whosent live`: probe and capture on the left, attribution in the middle, output on the right.
final class LiveRun {
    private let options: LiveCommand
    private let screen: LiveTable?
    private let evidence: SenderEvidence
    private let capture: LiveCapture
    private var attribution: Attribution
    private var output: ReportOutput
    /// Set where the packets go to another program, which is to get nothing else.
    private let reader: CaptureReader?
    private var quiet: QuietNotice
    /// Nil where the evidence covers no absence.
    private var coverage: Coverage?
    private var interfaces: [HostInterface] = []
    /// For socket tables; records come with one of their own.
    private var inventory = NetworkInventory()
    private var watermark = Timestamp.distantPast
    private var newestPacket = Timestamp.distantPast
    private var captureDrops: UInt64 = 0
    private var lastStatistics: Timestamp
    private var nextInventory = monotonicClock() + inventoryInterval

    init(_ options: LiveCommand, screen: LiveTable? = nil, reader: CaptureReader? = nil) throws {
        self.options = options
        self.screen = screen
        self.reader = reader
        let expression = FilterExpression(words: options.filter)
        try expression.refuseMistyped()
        quiet = QuietNotice(
            interface: LosslessEscape.text(options.interface), expression: LosslessEscape.text(expression.text),
            isFiltered: !options.output.filter.isEmpty)
        // A mistake in a rule file is told before anything is attached.
        let classifier = Classifier(configuration: try options.classifier.makeConfiguration())
        let start: Timestamp
        evidence = options.socketTable ? .socketTables(SocketTables()) : try .kernel(sendRingBytes: options.ring.bytes)
        do {
            start = wallClock()
            capture = try LiveCapture(
                interface: options.interface, filter: expression.text, snapLength: 262_144, bufferBytes: 16 << 20)
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
        let host = HostFacts()
        coverage = evidence.coverage(from: start)
        lastStatistics = start
        var settings = Attribution.Settings()
        settings.keepsBytes = options.write != nil || reader != nil
        settings.seenHere = true
        settings.namespace = host.networkNamespace
        settings.captureNames = [LosslessEscape.text(options.interface)]
        settings.withoutArguments = options.output.noArgs
        settings.seed = .random(in: 1 ... .max)
        attribution = Attribution(
            settings: settings, classifier: classifier,
            correlator: Correlator(limits: options.recordTable.limits, seed: settings.seed),
            processes: evidence.processes(host: host, limits: options.processTable.limits),
            tunnels: TunnelHolders())
        attribution.interfaces = [capture.interface]
        try evidence.prepare(&attribution)

        var outputSettings = ReportOutput.Settings()
        outputSettings.printsLines = !options.top && (options.write == nil || options.printsPackets)
        outputSettings.leavesStandardOutput = options.write == "-"
        outputSettings.limit = options.count
        var annotated: AnnotatedCapture?
        if let descriptor = try reader?.descriptor ?? options.write.map({ try OutputFile.create($0) }) {
            annotated = try AnnotatedCapture(
                descriptor: descriptor, coverage: coverage.map { [$0] } ?? [], interfaces: [capture.interface],
                pktap: options.pktap)
        }
        if reader != nil { outputSettings.handOver(filtered: !options.output.filter.isEmpty) }
        output = ReportOutput(
            format: options.output.makeFormat(lines: outputSettings.printsLines), filter: options.output.filter,
            settings: outputSettings, annotated: annotated)
        stateInterfaces()
    }

    func watch(_ stop: inout StopCondition) throws {
        try collect()
        if reader == nil { Diagnostics.line("ready") }
        try stop.start(options.command)
        defer { stop.endCommand() }
        try screen?.open()
        // Also where something fails: what is said of it has to be readable.
        defer { screen?.close() }
        quiet.begin(at: monotonicClock())
        var gone: CaptureError?
        while !stop.isMet(), !output.isFinished, screen?.wantsEnd != true {
            if let reader, reader.isGone { return }
            waitUntilReadable(capture.descriptor, milliseconds: 10)
            do {
                try collect()
            } catch let error as CaptureError {
                gone = error
                break
            }
            try output.flush()
            screen?.show(attribution.counts) { output.groups }
            // The table shows by itself that nothing came, and shares the terminal with no line.
            if screen == nil { noticeQuiet() }
        }
        screen?.close()
        output.beginEnd()
        if gone == nil, !output.isFinished { try drain() }
        try finish(commandStatus: stop.commandStatus)
        if let gone { throw CommandFailure(gone.exitStatus, gone.description) }
    }

    /// Takes what the capture and the kernel have, and lets go of what is settled.
    ///
    /// - Returns: how many frames there were.
    @discardableResult
    private func collect() throws -> Int {
        var count = 0
        var newest = newestPacket
        count = try capture.drain(limit: 4096) { frame, bytes in
            newest = max(newest, frame.time)
            attribution.add(frame, bytes: bytes, capture: 0, interface: 0, filters: nil)
        }
        newestPacket = newest
        watermark = evidence.poll(&attribution, watermark: watermark)
        try countDrops()
        try lookForInterfaces()
        // An idle capture says nothing of the time: what waits must not wait for the next packet.
        let idleTime = count == 0 ? wallClock().advanced(by: -200_000_000) : Timestamp.distantPast
        try attribution.settle(recordsThrough: watermark, captureThrough: idleTime, into: &output)
        return count
    }

    /// What was sent before the end is still on its way through the capture's buffer and the rings: all of it is taken,
    /// however long that takes, unless another signal comes. Packets from after the end end it too.
    private func drain() throws {
        let end = wallClock()
        let settled = end.advanced(by: 60_000_000)
        let patience = monotonicClock() + 1_000_000_000
        while !output.isFinished, !Interruption.isStopPending {
            waitUntilReadable(capture.descriptor, milliseconds: 10)
            let count = try collect()
            let isRead = watermark >= settled
            let isThrough = newestPacket > settled && (isRead || !evidence.needsWatermark) || count == 0 && isRead
            // What is being read about the last senders has its time too.
            if isThrough, !attribution.isLooking || monotonicClock() > patience { return }
        }
    }

    private func finish(commandStatus: Int32?) throws {
        coverage?.stop = watermark
        stateInterfaces()
        if !output.isFinished { try attribution.settle(recordsThrough: watermark, ended: true, into: &output) }
        var summary = attribution.currentSummary()
        summary.commandStatus = commandStatus
        if let statistics = try? capture.statistics() {
            summary.interfaces = [
                RunSummary.InterfaceCounts(
                    name: LosslessEscape.text(options.interface), received: statistics.received,
                    dropped: statistics.dropped)
            ]
        }
        try output.finish(summary)
    }

    /// Says once what is waited for, where nothing was reported for a while.
    private func noticeQuiet() {
        guard reader == nil else { return }
        let sentence = quiet.sentence(
            at: monotonicClock(), captured: attribution.summary.captured, reported: output.reportedCount)
        if let sentence { Diagnostics.report(sentence) }
    }

    private func lookForInterfaces() throws {
        guard monotonicClock() >= nextInventory else { return }
        nextInventory = monotonicClock() + inventoryInterval
        stateInterfaces()
    }

    private func stateInterfaces() {
        let current = evidence.interfaces(&inventory)
        let isNew = current != interfaces
        interfaces = current
        if coverage != nil {
            coverage?.interfaces = current
            if isNew || coverage?.stop != nil, let coverage { attribution.setCoverage(coverage, host: 0) }
        } else if isNew {
            attribution.setInterfaces(current)
        }
    }

    /// Turns the capture's growing drop count into intervals.
    private func countDrops() throws {
        let statistics = try capture.statistics()
        let now = wallClock()
        if statistics.dropped > captureDrops {
            attribution.add(
                LossInterval(kind: .capture, count: statistics.dropped - captureDrops, start: lastStatistics, stop: now)
            )
            captureDrops = statistics.dropped
        }
        lastStatistics = now
    }
}

extension Attribution: ProbeRecordSink {
    mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int) { add(record) }
    mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int) { add(record) }
    mutating func process(_ record: ProcessRecord) { add(record) }
    mutating func lost(_ interval: LossInterval) { add(interval) }
}
