import ArgumentParser
import Capture
import Evidence
import PacketDecoding
import Platform
import Probe
import ProcessMetadata
import Records

/// `whosent record`
struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Keep the evidence of who sent what, to be joined with captures later.",
        usage: "whosent record -w <file> [<options>] [<pcap-filter> ...] [-- <command> ...]",
        discussion: """
            Prints `ready` on standard error once everything is attached: what is sent
            after that line is covered. Runs until interrupted, for --duration, or until
            COMMAND has ended.

            The sends of all namespaces are recorded, also with --netns, since a packet in
            one may come from a process in another; with -i only what leaves by it.

            Examples:
              whosent record -w evidence.pcapng                    until Ctrl-C
              whosent record -w evidence.pcapng --duration 60 udp  a minute of UDP
              whosent record -w evidence.pcapng -- ./suspect       while a command runs
            """)

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp("The evidence file, - for standard output.", valueName: "file"), completion: .file())
    var write: String

    @Option(
        name: [.customShort("i", allowingJoined: true), .long],
        help: ArgumentHelp("Record only what leaves by this interface.", valueName: "interface"),
        completion: InterfaceCompletion.names)
    var interface: String?

    @OptionGroup var namespace: NamespaceOption

    @Option(
        name: [.customShort("s", allowingJoined: true), .long],
        help: ArgumentHelp("Bytes of each packet to keep, from the IP header on.", valueName: "bytes"))
    var snaplen: Int?

    @Option(help: ArgumentHelp("Stop after this many seconds.", valueName: "seconds"))
    var duration: Double?

    @OptionGroup var ring: RingOptions
    @OptionGroup var processTable: ProcessTableOptions

    @Flag(help: "Leave command lines, which may hold secrets, out of the evidence.")
    var noArgs = false

    @Argument(
        help: ArgumentHelp(
            "Only packets that pass this pcap-filter(7) expression, from the IP header on.", valueName: "pcap-filter"))
    var filter: [String] = []

    @Option(name: .customLong("command-word"), parsing: .unconditionalSingleValue, help: .hidden)
    var command: [String] = []

    func validate() throws {
        if let duration, !(duration > 0 && duration.isFinite) {
            throw ValidationError("--duration takes a number of seconds above 0")
        }
        if let snaplen, !(28...ProbeConfiguration.maximumSnapLength).contains(snaplen) {
            throw ValidationError(
                "--snaplen takes 28 to \(ProbeConfiguration.maximumSnapLength) bytes from the IP header on")
        }
    }

    func run() throws {
        var stop = StopCondition(Interruption(), duration: duration)
        try namespace.enter()
        let run = try RecordRun(self)
        try run.watch(&stop)
    }
}

/// How often a run looks for new interfaces, in nanoseconds.
let inventoryInterval: UInt64 = 2_000_000_000

/// One run of `whosent record`.
private final class RecordRun {
    private let options: RecordCommand
    private let probe: Probe
    private var batch: RecordBatch
    private let recorder: EvidenceRecorder
    private var nextInventory = monotonicClock() + inventoryInterval
    private var lastNews = monotonicClock()

    /// How long to leave the kernel's buffers alone, in milliseconds: they hold more than 50 ms of what two processors
    /// can send, and the processes of new senders shall be looked at while they live.
    private static let usualPause = 10
    /// The same where nothing came for ``quietTime``: waking is what costs then.
    private static let quietPause = 32
    /// In nanoseconds.
    private static let quietTime: UInt64 = 100_000_000

    init(_ options: RecordCommand) throws {
        self.options = options
        let words = FilterExpression(words: options.filter)
        try words.refuseMistyped()
        let expression = words.text
        var configuration = ProbeConfiguration()
        configuration.interface = options.interface
        configuration.sendRingBytes = options.ring.bytes
        if let snaplen = options.snaplen { configuration.snapLength = snaplen }
        do {
            // The filter first: a typing error needs no privilege to be found.
            let filter = expression.isEmpty ? nil : try PacketFilter(expression, linkType: LinkType.raw)
            probe = try Probe(configuration)
            batch = RecordBatch(filter: filter)
        } catch let error as ProbeError {
            throw CommandFailure(error.exitStatus, error.description)
        } catch let error as CaptureError {
            throw CommandFailure(error.exitStatus, error.description)
        }
        let coverage = probe.coverage(from: wallClock(), filter: expression, interface: options.interface)
        var processes = LiveProcesses(bootID: probe.host.bootID, limits: options.processTable.limits)
        _ = processes.takeSnapshot()
        recorder = try EvidenceRecorder(
            path: options.write, host: probe.host, coverage: coverage, snapLength: configuration.snapLength,
            processes: processes, withoutArguments: options.noArgs)
    }

    func watch(_ stop: inout StopCondition) throws {
        _ = try collect()
        Diagnostics.line("ready")
        try stop.start(options.command)
        defer { stop.endCommand() }
        do {
            while !stop.isMet() {
                let isQuiet = monotonicClock() - lastNews > Self.quietTime
                pause(milliseconds: isQuiet ? Self.quietPause : Self.usualPause)
                _ = try collect()
            }
            // What was sent before the end is delivered when the watermark has passed the end.
            let end = wallClock()
            let patience = monotonicClock() + 1_000_000_000
            var watermark = Timestamp.distantPast
            repeat {
                pause(milliseconds: 2)
                watermark = try collect()
            } while (watermark < end || recorder.isLooking) && monotonicClock() < patience
            try recorder.write(&batch, through: watermark, isLast: true)
            try recorder.update(probe.hostInterfaces(), time: watermark)
            try recorder.finish(stop: watermark, lost: probe.losses)
        } catch let failure as CommandFailure {
            // Standard output's reader went away: the same as being told to stop.
            guard failure.status == ExitStatus.done else { throw failure }
        }
        Diagnostics.line(recorder.account)
        if let status = stop.commandStatus { Diagnostics.line("the command ended with status \(status)") }
    }

    private func collect() throws -> Timestamp {
        batch.hasNews = false
        let watermark = probe.poll(&batch)
        if batch.hasNews { lastNews = monotonicClock() }
        try recorder.write(&batch, through: watermark)
        if monotonicClock() >= nextInventory {
            nextInventory = monotonicClock() + inventoryInterval
            try recorder.update(probe.hostInterfaces(), time: watermark)
        }
        return watermark
    }
}
