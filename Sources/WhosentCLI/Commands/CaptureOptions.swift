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
