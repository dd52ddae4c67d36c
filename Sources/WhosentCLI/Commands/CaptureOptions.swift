import ArgumentParser
import Classification

/// Capture files as `join` and `classify` take them.
struct CaptureOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Capture files (pcap, pcapng, gzipped too); - is standard input.", valueName: "capture"))
    var captures: [String] = []

    @Option(
        name: .customShort("r", allowingJoined: true),
        help: ArgumentHelp("Another way to name a capture, as in tcpdump (repeatable).", valueName: "file"))
    var read: [String] = []

    @Option(help: ArgumentHelp("Only packets that pass this pcap-filter(7) expression.", valueName: "expression"))
    var filter: String?

    /// All captures that were named.
    var paths: [String] { captures + read }

    /// There must be one.
    func validate() throws {
        if paths.isEmpty { throw ValidationError("name at least one capture file") }
        if paths.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be given only once") }
    }
}

/// What the classifiers are told.
struct ClassifierOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take 8-byte datagrams to this UDP port for new-mail notifications (repeatable).", valueName: "port"))
    var newmailPort: [UInt16] = []

    /// The classifiers, set up for captures with these names.
    func makeClassifier(captures: [String]) -> Classifier {
        var configuration = ClassifierConfiguration()
        configuration.captureNames = captures
        configuration.newmailPorts = Set(newmailPort)
        return Classifier(configuration: configuration)
    }
}
