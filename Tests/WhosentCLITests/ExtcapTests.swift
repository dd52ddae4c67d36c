import ArgumentParser
import Testing

@testable import WhosentCLI

/// What Wireshark is told, and what its calls become.
@Suite("extcap")
struct ExtcapTests {
    /// The keys and values of a sentence, as Wireshark's extcap_parser.c cuts it.
    private func fields(_ sentence: String) -> [String: String] {
        var fields: [String: String] = [:]
        for part in sentence.split(separator: "{").dropFirst() {
            let pair = part.dropLast().split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            fields[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
        }
        return fields
    }

    @Test("There is one interface, and the tool's version")
    func interfaces() {
        let lines = ExtcapSentences.interfaces
        #expect(lines.count == 2 && lines[0].hasPrefix("extcap {") && lines[1].hasPrefix("interface {"))
        #expect(fields(lines[0])["version"] == toolVersion)
        #expect(fields(lines[1])["value"] == "whosent")
    }

    @Test("Every option of the list is one that the command takes")
    func options() throws {
        let lines = ExtcapSentences.configuration(interfaces: ["eth0", "tricky}{x"], namespaces: ["blue"])
        let arguments = lines.filter { $0.hasPrefix("arg ") }.map(fields)
        let values = lines.filter { $0.hasPrefix("value ") }.map(fields)
        #expect(arguments.compactMap { $0["number"] } == (0..<arguments.count).map(String.init))
        #expect(values.compactMap { $0["value"] } == ["any", "eth0"], "a brace cannot be said")
        #expect(values.filter { $0["default"] == "true" }.count == 1)
        #expect(lines.contains { $0.contains("blue") })
        for argument in arguments {
            let call = try #require(argument["call"])
            let words = argument["type"] == "boolflag" ? [call] : [call, "x"]
            #expect(throws: Never.self) {
                try ExtcapCommand.parse(["--extcap-interface", "whosent", "--extcap-config"] + words)
            }
        }
    }

    @Test("Wireshark's words mean extcap, and nothing else does")
    func naming() {
        #expect(nameExtcap(["--extcap-interfaces", "--extcap-version=4.0"]).first == "extcap")
        #expect(nameExtcap(["--capture", "--extcap-interface", "whosent", "--fifo", "f"]).first == "extcap")
        for words in [[], ["live"], ["--version"], ["live", "--extcap-interfaces"], ["--help"]] {
            #expect(nameExtcap(words) == words)
        }
    }

    @Test("Fields that were left empty are options that were not given")
    func emptyValues() throws {
        let empty = try ExtcapCommand.parse([
            "--capture", "--fifo", "f", "--extcap-interface", "whosent", "--interface", "", "--netns", "", "--tag", "",
            "--rules", "", "--extcap-capture-filter", "",
        ]).makeLive()
        #expect(empty.interface == "any" && empty.namespace.name == nil && empty.filter.isEmpty)
        #expect(empty.output.selection.tag.isEmpty && empty.classifier.rules == nil && !empty.output.noArgs)
        let full = try ExtcapCommand.parse([
            "--capture", "--fifo", "f", "--extcap-interface", "whosent", "--interface", "eth0", "--netns", "blue",
            "--tag", "newmail, mine", "--rules", "r.yaml", "--no-args", "--socket-table", "--extcap-capture-filter",
            "udp port 53",
        ]).makeLive()
        #expect(full.interface == "eth0" && full.namespace.name == "blue" && full.filter == ["udp port 53"])
        #expect(full.output.selection.tag == ["newmail", "mine"] && full.classifier.rules == "r.yaml")
        #expect(full.output.noArgs && full.socketTable)
    }

    @Test(
        "A filter is right if it fits all interfaces or Ethernet",
        arguments: [
            ("udp port 53", true), ("ether host 02:00:5e:00:00:01", true), ("", true), ("udp and", false),
            ("udp prt 53", false),
        ])
    func filters(expression: String, isRight: Bool) {
        #expect((FilterExpression.problem(with: expression) == nil) == isRight)
    }
}

/// What a shell asks for.
@Suite("Completion")
struct CompletionTests {
    @Test(
        "The namespace of an unfinished command line is found",
        arguments: [
            (["live", "--netns", "blue", "-i", ""], "blue"), (["live", "--netns=blue", "-i", ""], "blue"),
            (["live", "--netns", "=", "blue", "-i", ""], "blue"), (["live", "-i", ""], nil),
            (["live", "--netns"], nil),
        ] as [([String], String?)])
    func namespace(words: [String], name: String?) {
        #expect(InterfaceCompletion.namespace(in: words) == name)
    }
}
