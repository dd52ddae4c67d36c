import Capture
import Classification
import PacketDecoding
import Probe

/// What Wireshark is told in the sentences of its extcap protocol (extcap(4), and the Developer's Guide, "Extcap").
enum ExtcapSentences {
    /// The name of the only interface.
    static let interface = "whosent"

    /// Answers `--extcap-interfaces`.
    static var interfaces: [String] {
        [
            "extcap \(value("version", toolVersion))\(value("display", "whosent"))",
            "interface \(value("value", interface))\(value("display", "whosent: live capture with the sending process"))",
        ]
    }

    /// Answers `--extcap-dlts`: that of all interfaces at once. A pcapng states the right one itself.
    static var linkTypes: [String] {
        [
            "dlt \(value("number", "\(LinkType.linuxSLL2)"))\(value("name", "LINUX_SLL2"))"
                + value("display", "Linux cooked, or what the chosen interface has")
        ]
    }

    /// Answers `--extcap-config`. `names` are this machine's interfaces.
    static func configuration(interfaces names: [String], namespaces: [String]) -> [String] {
        var lines = [
            argument(
                0, "--interface", "Interface", type: "selector", tooltip: "Where the packets are captured",
                "{required=false}"),
            "value {arg=0}\(value("value", "any"))\(value("display", "any: all interfaces")){default=true}",
        ]
        lines += names.filter(isSayable).map { name in
            "value {arg=0}\(value("value", name))\(value("display", name)){default=false}"
        }
        let known = namespaces.filter(isSayable)
        lines += [
            argument(
                1, "--netns", "Network namespace", type: "string",
                tooltip: "A name of ip-netns, or /proc/PID/ns/net; empty for the one that Wireshark runs in"
                    + (known.isEmpty ? "" : ". There are: \(known.joined(separator: " "))")),
            argument(
                2, "--tag", "Only these tags", type: "string",
                tooltip: "Tags with commas between; empty for every packet. Built in: "
                    + RuleCatalogue.builtInNames.joined(separator: " ")),
            argument(
                3, "--rules", "Rules", type: "fileselect", tooltip: "A YAML file with tags of your own",
                "{mustexist=true}"),
            argument(
                4, "--no-args", "Leave out command lines", type: "boolflag",
                tooltip: "Command lines may hold secrets", "{default=false}"),
            argument(
                5, "--socket-table", "Without BPF", type: "boolflag",
                tooltip: "Go by who holds which socket, on machines that refuse BPF: never better than probable",
                "{default=false}"),
        ]
        return lines
    }

    private static func argument(
        _ number: Int, _ call: String, _ display: String, type: String, tooltip: String, _ more: String = ""
    ) -> String {
        "arg {number=\(number)}{call=\(call)}\(value("display", display))\(value("tooltip", tooltip)){type=\(type)}\(more)"
    }

    private static func value(_ key: String, _ text: String) -> String { "{\(key)=\(text)}" }

    /// The protocol has no way to write a brace in a value.
    private static func isSayable(_ name: String) -> Bool { !name.contains { $0 == "{" || $0 == "}" || $0 == "\n" } }
}
