public import ArgumentParser
public import Correlation
import Platform
import Reporting
import TextEscaping

/// The output formats.
enum FormatName: String, CaseIterable, ExpressibleByArgument {
    case text, ndjson, csv
}

extension Verdict.Confidence: ExpressibleByArgument {
    /// One of the contract's words.
    public init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = found
    }

    /// The words, for help and completion.
    public static var allValueStrings: [String] { allCases.map(\.name) }
}

extension Verdict.Kind: ExpressibleByArgument {
    /// One of the contract's words.
    public init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = found
    }

    /// The words, for help and completion.
    public static var allValueStrings: [String] { allCases.map(\.name) }
}

/// Which packets are reported, and how much of them.
struct PacketSelection: ParsableArguments {
    @Option(help: ArgumentHelp("Print only packets of this process id (repeatable).", valueName: "pid"))
    var pid: [UInt32] = []

    @Option(help: ArgumentHelp("Print only packets of processes with this name (repeatable).", valueName: "name"))
    var process: [String] = []

    @Option(help: ArgumentHelp("Print only packets with this tag (repeatable).", valueName: "name"))
    var tag: [String] = []

    @Option(help: ArgumentHelp("Print only verdicts at least this sure; of several the least.", valueName: "level"))
    var minConfidence: [Verdict.Confidence] = []

    @Option(help: ArgumentHelp("Print only this verdict (repeatable).", valueName: "verdict"))
    var verdict: [Verdict.Kind] = []

    @Flag(help: "Leave command lines, which may hold secrets, out of every output.")
    var noArgs = false

    /// The filter that chooses lines.
    var filter: OutputFilter {
        OutputFilter(
            processIDs: pid, processNames: process, tags: tag, minimumConfidences: minConfidence, verdicts: verdict)
    }

    /// The chosen filters in words, in the order of their options.
    var words: [String] {
        var words = pid.map { "process id \($0)" } + process.map { "process \(LosslessEscape.text($0))" }
        words += tag.map { "tag \(LosslessEscape.text($0))" }
        if let least = minConfidence.min() { words.append("confidence \(least.name) or better") }
        return words + verdict.map { "verdict \($0.name)" }
    }
}

/// What every command that prints packets has in common.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How to print: text, ndjson or csv.", valueName: "format"))
    var format: FormatName?

    @OptionGroup var selection: PacketSelection

    @Flag(name: [.customShort("v"), .long], help: "With text, print a line per packet too.")
    var verbose = false

    @Flag(name: .customShort("n"), help: "Accepted as in tcpdump; addresses and ports are always numbers.")
    var numeric = false

    /// The filter that chooses lines.
    var filter: OutputFilter { selection.filter }

    /// Leave out command lines.
    var noArgs: Bool { selection.noArgs }

    /// Every packet has a line.
    var hasLines: Bool { verbose || format != nil && format != .text }

    /// The chosen format, made for where standard output goes.
    ///
    /// - Parameter lines: text prints a line per packet.
    func makeFormat(lines: Bool) -> any ReportFormat {
        switch format ?? .text {
        case .ndjson: NDJSONFormat()
        case .csv: CSVFormat()
        case .text:
            TextFormat(
                options: TextFormat.Options(
                    printsPackets: lines || verbose, colour: Terminal.showsColour, width: Terminal.width))
        }
    }
}
