import ArgumentParser
import Capture
import Platform
import Probe

/// `whosent extcap`
struct ExtcapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extcap",
        abstract: "Capture for Wireshark, which calls this itself once it stands in its extcap folder.",
        discussion: """
            A link to whosent in Wireshark's extcap folder is enough: words that begin as
            Wireshark's do mean this command. `tshark -G folders` names the folder.
            Capturing needs the privileges of live.

            Examples:
              whosent extcap --extcap-interfaces
              whosent extcap --extcap-interface whosent --extcap-config
            """)

    @Flag(name: .customLong("extcap-interfaces"), help: "List what can be captured on.")
    var listsInterfaces = false

    @Option(
        name: .customLong("extcap-version"),
        help: ArgumentHelp("The version of the protocol that Wireshark speaks.", valueName: "version"))
    var protocolVersion: String?

    @Option(
        name: .customLong("extcap-interface"),
        help: ArgumentHelp("The interface of the list: whosent.", valueName: "name"))
    var extcapInterface: String?

    @Flag(name: .customLong("extcap-dlts"), help: "List the link types.")
    var listsLinkTypes = false

    @Flag(name: .customLong("extcap-config"), help: "List the options of the interface.")
    var listsOptions = false

    @Option(
        name: .customLong("extcap-capture-filter"),
        help: ArgumentHelp(
            "Only packets that pass this pcap-filter(7) expression; without --capture it is only checked.",
            valueName: "pcap-filter"))
    var filter: String?

    @Option(name: .customLong("extcap-reload-option"), help: .hidden)
    var reloadedOption: String?

    @Option(name: .customLong("extcap-control-in"), help: .hidden)
    var controlIn: String?

    @Option(name: .customLong("extcap-control-out"), help: .hidden)
    var controlOut: String?

    @Flag(name: .customLong("capture"), help: "Capture.")
    var captures = false

    @Option(help: ArgumentHelp("The pipe that the packets go to, as pcapng.", valueName: "file"), completion: .file())
    var fifo: String?

    @Option(
        help: ArgumentHelp("The interface to capture on, or any.", valueName: "interface"),
        completion: InterfaceCompletion.names)
    var interface = "any"

    @OptionGroup var namespace: NamespaceOption

    @Option(
        help: ArgumentHelp("Only packets with one of these tags, with commas between.", valueName: "names"))
    var tag = ""

    @Option(
        help: ArgumentHelp("Tag packets by the rules in this YAML file too.", valueName: "file"), completion: .file())
    var rules = ""

    @Flag(help: "Leave command lines, which may hold secrets, out of the packets' comments.")
    var noArgs = false

    @Flag(help: "Go by who holds which socket, for machines that refuse BPF: never better than probable.")
    var socketTable = false

    func validate() throws {
        if let name = extcapInterface, name != ExtcapSentences.interface {
            throw ValidationError("the only interface is \(ExtcapSentences.interface)")
        }
        if captures, fifo == nil { throw ValidationError("--capture goes with --fifo FILE") }
        if !listsInterfaces, !listsLinkTypes, !listsOptions, !captures, filter == nil, protocolVersion == nil {
            throw ValidationError("Wireshark calls this with options of its extcap protocol; see docs/wireshark.md")
        }
    }

    func run() throws {
        if captures { return try capture() }
        var lines: [String] = []
        if listsInterfaces { lines += ExtcapSentences.interfaces }
        if listsLinkTypes { lines += ExtcapSentences.linkTypes }
        if listsOptions {
            lines += ExtcapSentences.configuration(interfaces: listInterfaces(), namespaces: NetworkNamespace.names)
        }
        // Words on standard output say that the filter is wrong; the status is not asked for.
        if let problem = filter.flatMap(FilterExpression.problem) { lines.append(problem) }
        var output = StandardOutput()
        output.buffer = Array(lines.map { $0 + "\n" }.joined().utf8)
        try output.flush()
    }

    private func capture() throws {
        var stop = StopCondition(Interruption(), duration: nil)
        let live = try makeLive()
        // First of all: only a pipe that was opened and closed again tells Wireshark that there will be nothing.
        let reader = try CaptureReader(path: fifo ?? "")
        try live.namespace.enter()
        let run = try LiveRun(live, reader: reader)
        try run.watch(&stop)
    }

    /// The same as `live` would be asked for. Wireshark hands over empty values for fields that were left empty.
    func makeLive() throws -> LiveCommand {
        var words = ["--interface", interface.isEmpty ? "any" : interface]
        if let name = namespace.name, !name.isEmpty { words += ["--netns", name] }
        for name in tag.split(whereSeparator: { $0 == "," || $0 == " " }) { words += ["--tag", String(name)] }
        if !rules.isEmpty { words += ["--rules", rules] }
        if noArgs { words.append("--no-args") }
        if socketTable { words.append("--socket-table") }
        if let filter, !filter.isEmpty { words += ["--", filter] }
        return try LiveCommand.parse(words)
    }
}
