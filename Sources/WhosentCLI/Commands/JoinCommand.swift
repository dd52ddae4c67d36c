import ArgumentParser
import Capture
import Correlation
import Records

/// `whosent join`
struct JoinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Name the senders in capture files, by evidence that was recorded at the same time.",
        usage: "whosent join <capture> ... --evidence <file> ... [<options>]",
        discussion: """
            Looks at the files alone, never at this machine, so it needs no privilege and
            gives the same output anywhere.

            Evidence is a file of record -w, an annotated pcapng of live -w or join -w, or
            what another tool left: a Windows kernel trace as CSV (tracerpt), a listing of
            tasklist or netstat -ano, a pcapng of ptcpdump or etl2pcapng.

            Examples:
              whosent join capture.pcap --evidence evidence.pcapng       the summary
              whosent join capture.pcap --evidence evidence.pcapng -v    and each packet
              whosent join capture.pcap --evidence evidence.pcapng --format ndjson
              whosent join capture.pcap --evidence evidence.pcapng -w named.pcapng
              whosent join exchange.pcapng --evidence trace.csv --evidence tasklist.txt
            """)

    @OptionGroup var captures: CaptureOptions

    @Option(help: ArgumentHelp("Evidence, told by its content (repeatable).", valueName: "file"), completion: .file())
    var evidence: [String] = []

    @OptionGroup var clock: ClockOffsetOption

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp(
            "Write the packets with their processes to this pcapng file, - for standard output.", valueName: "file"),
        completion: .file())
    var write: String?

    @Flag(help: "With -w, put LINKTYPE_PKTAP's header before every packet: typed process fields for old Wireshark.")
    var pktap = false

    @OptionGroup var processTable: ProcessTableOptions
    @OptionGroup var recordTable: RecordTableOptions
    @OptionGroup var classifier: ClassifierOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try captures.demandOne()
        if let missing = inputs.missingEvidence { throw ValidationError(missing) }
        if write == "-", output.format != nil {
            throw ValidationError("-w - already takes standard output; leave out --format")
        }
        if pktap, write == nil { throw ValidationError("--pktap goes with -w") }
        if (captures.paths + evidence).filter({ $0 == "-" }).count > 1 {
            throw ValidationError("standard input can be given only once")
        }
    }

    private var inputs: JoinInputs { JoinInputs(captures: captures.paths, evidence: evidence) }

    func run() throws {
        do throws(CommandFailure) {
            var run = try OfflineRun(
                captures: captures, evidence: evidence, clockOffset: clock.nanoseconds, classifier: classifier,
                output: output, write: write, pktap: pktap,
                limits: OfflineRun.Limits(records: recordTable.limits, processes: processTable.limits))
            try run.process()
        } catch {
            guard error.status == ExitStatus.noUsableInput, let failure = inputs.swapped else { throw error }
            throw failure
        }
    }
}
