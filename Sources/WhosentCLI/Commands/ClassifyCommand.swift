import ArgumentParser

/// `whosent classify`
struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Tag the known patterns in capture files; needs no evidence and names no process.",
        discussion: """
            Examples:
              whosent classify eth0.pcap                        what patterns are in it
              whosent classify eth0.pcap --newmail-port 2762 -v a port that a client is known to have registered
              whosent classify eth0.pcap --registrations        which clients asked which servers for notifications
            """)

    @OptionGroup var captures: CaptureOptions
    @OptionGroup var classifier: ClassifierOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "List the clients' registrations for new-mail notifications instead of the packets.")
    var registrations = false

    func validate() throws {
        if registrations, output.format == .csv { throw ValidationError("--registrations has text and ndjson only") }
    }

    func run() throws {
        let run = try OfflineRun(
            captures: captures, evidence: [], clockOffset: 0, classifier: classifier, output: output, write: nil,
            listsRegistrations: registrations)
        try run.process()
    }
}
