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

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds to add to the evidence's times, or auto.", valueName: "auto|seconds"))
    var clockOffset = "auto"

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp(
            "Write the packets with their processes to this pcapng file, - for standard output.", valueName: "file"))
    var write: String?

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
        if clockOffset != "auto", offset == nil {
            throw ValidationError("--clock-offset takes auto or a number of seconds")
        }
        if (captures.paths + evidence).filter({ $0 == "-" }).count > 1 {
            throw ValidationError("standard input can be given only once")
        }
    }

    /// Nanoseconds to add to the evidence's times; nil to find them. Evidence of this tool shares the machine's clock
    /// with captures made on it and is not moved.
    private var offset: Int64? {
        guard let seconds = Double(clockOffset), seconds.magnitude < 4e9 else { return nil }
        return Int64((seconds * 1e9).rounded())
    }

    func run() throws {
        var run = try OfflineRun(
            captures: captures, evidence: evidence, clockOffset: offset, classifier: classifier, output: output,
            write: write, limits: OfflineRun.Limits(records: recordTable.limits, processes: processTable.limits))
        try run.process()
    }
}
