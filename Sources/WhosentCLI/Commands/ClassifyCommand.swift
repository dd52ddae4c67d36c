import ArgumentParser
import Classification

/// `whosent classify`
struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Tag the known patterns in capture files; needs no evidence and names no process.",
        discussion: """
            Examples:
              whosent classify capture.pcap                      what patterns are in it
              whosent classify capture.pcap --newmail-port 2762  a port that is known
              whosent classify capture.pcap --registrations      who registered with whom
              whosent classify capture.pcap --rules rules.yaml   patterns of your own too
              whosent classify --list-rules                      every tag there is
            """)

    @OptionGroup var captures: CaptureOptions
    @OptionGroup var classifier: ClassifierOptions
    @Flag(help: "List the clients' registrations for new-mail notifications instead of the packets.")
    var registrations = false
    @Flag(help: "List the built-in tags, the starter pack, and the rules of --rules; reads no capture.")
    var listRules = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if registrations, output.format == .csv { throw ValidationError("--registrations has text and ndjson only") }
        if !listRules { return try captures.demandOne() }
        if registrations { throw ValidationError("--list-rules and --registrations list different things; choose one") }
        if !captures.paths.isEmpty { throw ValidationError("--list-rules reads no capture") }
        if output.format == .csv { throw ValidationError("--list-rules prints text or ndjson") }
    }

    func run() throws {
        if listRules { return try list() }
        var run = try OfflineRun(
            captures: captures, evidence: [], clockOffset: 0, classifier: classifier, output: output, write: nil,
            listsRegistrations: registrations)
        try run.process()
    }

    private func list() throws {
        let rules = RuleCatalogue.list(try classifier.loadRules())
        var standardOutput = StandardOutput()
        standardOutput.buffer = output.format == .ndjson ? RuleListing.ndjson(rules) : RuleListing.text(rules)
        try standardOutput.flush()
    }
}
