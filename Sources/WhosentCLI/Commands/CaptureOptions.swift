import ArgumentParser
import Classification

/// Capture files as `join` and `classify` take them.
struct CaptureOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Capture files (pcap, pcapng, gzipped too); - is standard input.", valueName: "capture"),
        completion: .file())
    var captures: [String] = []

    @Option(
        name: .customShort("r", allowingJoined: true),
        help: ArgumentHelp("Another way to name a capture, as in tcpdump (repeatable).", valueName: "file"),
        completion: .file())
    var read: [String] = []

    @Option(help: ArgumentHelp("Only packets that pass this pcap-filter(7) expression.", valueName: "expression"))
    var filter: String?

    /// All captures that were named.
    var paths: [String] { captures + read }

    /// Refuses to go on without a capture.
    func demandOne() throws {
        if paths.isEmpty { throw ValidationError("name at least one capture file") }
    }

    /// Standard input has one reader.
    func validate() throws {
        if paths.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be given only once") }
    }
}

/// How far the evidence's clock is off.
struct ClockOffsetOption: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds to add to the evidence's times, or auto.", valueName: "auto|seconds"))
    var clockOffset = "auto"

    func validate() throws {
        if clockOffset != "auto", nanoseconds == nil {
            throw ValidationError("--clock-offset takes auto or a number of seconds")
        }
    }

    /// Nanoseconds to add to the evidence's times; nil to find them. Evidence of this tool shares the machine's clock
    /// with captures made on it and is not moved.
    var nanoseconds: Int64? {
        guard let seconds = Double(clockOffset), seconds.magnitude < 4e9 else { return nil }
        return Int64((seconds * 1e9).rounded())
    }
}

/// What the classifiers are told.
struct ClassifierOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take 8-byte datagrams to this UDP port for new-mail notifications (repeatable).", valueName: "port"))
    var newmailPort: [UInt16] = []

    @Option(
        help: ArgumentHelp("Tag packets by the rules in this YAML file too.", valueName: "file"), completion: .file())
    var rules: String?

    /// The rules of the file that was named.
    func loadRules() throws(CommandFailure) -> [Rule] {
        guard let rules else { return [] }
        return try RuleFile.load(path: rules)
    }

    /// What the user told the classifiers.
    func makeConfiguration() throws(CommandFailure) -> ClassifierConfiguration {
        var configuration = ClassifierConfiguration()
        configuration.newmailPorts = Set(newmailPort)
        configuration.rules = try loadRules()
        return configuration
    }
}
