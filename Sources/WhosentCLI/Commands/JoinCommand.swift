import ArgumentParser
import Capture
import Correlation
import Records

/// `whosent join`
struct JoinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Name the senders in capture files, by evidence that was recorded at the same time.",
        discussion: """
            Looks at the files alone, never at this machine, so it needs no privilege and gives the same output anywhere.

            Examples:
              whosent join eth0.pcap --evidence evidence.pcapng            the summary table
              whosent join eth0.pcap --evidence evidence.pcapng -v         and a line per packet
              whosent join eth0.pcap --evidence evidence.pcapng -w out.pcapng   for Wireshark
            """)

    @OptionGroup var captures: CaptureOptions

    @Option(help: ArgumentHelp("Evidence, told by its content (repeatable).", valueName: "file"))
    var evidence: [String]

    @OptionGroup var clock: ClockOffsetOption

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp(
            "Write the packets with their processes to this pcapng file, - for standard output.", valueName: "file"))
    var write: String?

    @Flag(help: "With -w, put LINKTYPE_PKTAP's header before every packet: typed process fields for old Wireshark.")
    var pktap = false

    @OptionGroup var processTable: ProcessTableOptions
    @OptionGroup var recordTable: RecordTableOptions
    @OptionGroup var classifier: ClassifierOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try captures.demandOne()
        if evidence.isEmpty { throw ValidationError("name the evidence with --evidence FILE") }
        if write == "-", output.format != nil {
            throw ValidationError("-w - already takes standard output; leave out --format")
        }
        if pktap, write == nil { throw ValidationError("--pktap goes with -w") }
        if (captures.paths + evidence).filter({ $0 == "-" }).count > 1 {
            throw ValidationError("standard input can be given only once")
        }
    }

    func run() throws {
        let run = try OfflineRun(
            captures: captures, evidence: evidence, clockOffset: clock.nanoseconds, classifier: classifier,
            output: output, write: write, pktap: pktap,
            limits: OfflineRun.Limits(records: recordTable.limits, processes: processTable.limits))
        try run.process()
    }
}
