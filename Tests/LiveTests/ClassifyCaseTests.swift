import Foundation
import Testing

/// The case folders of `classify`: captures, and what the command says of them, byte for byte.
@Suite("Cases of classify")
struct ClassifyCaseTests {
    /// A folder, its capture, and the words that go with it.
    struct Case: CustomTestStringConvertible, Sendable {
        let folder: String
        let capture: String
        var words: [String] = []
        var testDescription: String { folder }

        var path: URL { TestMachine.package.appending(path: "Tests/Cases/\(folder)") }
    }

    static let cases = [
        Case(folder: "case-a-burst", capture: "input.pcapng"),
        Case(folder: "rules", capture: "input.pcap", words: ["--rules", "rules.yaml"]),
    ]

    private static func run(_ test: Case, _ words: [String]) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "-C", test.path.path, TestMachine.whosent, "classify"] + words)
    }

    @Test("The generator writes the capture that is bundled", arguments: cases)
    func generator(test: Case) throws {
        let output = try TestMachine.temporaryFolder()
        let run = try CommandRun([
            "/usr/bin/env", "python3", test.path.appending(path: "generate.py").path, output.path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let written = try Data(contentsOf: output.appending(path: test.capture))
        #expect(try written == Data(contentsOf: test.path.appending(path: test.capture)))
    }

    @Test("classify says what is expected, byte for byte", arguments: cases)
    func expectedOutput(test: Case) throws {
        let run = try Self.run(test, [test.capture] + test.words + ["--format", "ndjson"])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let expected = try String(contentsOf: test.path.appending(path: "expected.ndjson"), encoding: .utf8)
        for (line, wanted) in zip(run.text.split(separator: "\n"), expected.split(separator: "\n")) {
            #expect(line == wanted)
        }
        #expect(run.text == expected)
    }

    /// Without lines packets are counted at once; with lines each waits for its verdict and its tag.
    @Test(
        "The table is the same with and without lines before it",
        arguments: [
            "case-a-burst/input.pcapng", "rules/input.pcap", "newmail/input.pcap", "newmail/shuffled.pcap",
            "newmail/burst.pcap", "sample/input.pcap",
        ])
    func tableAlone(capture: String) throws {
        let folder = TestMachine.package.appending(path: "Tests/Cases")
        let words = ["--newmail-port", "2762", "--rules", folder.appending(path: "rules/rules.yaml").path]
        func run(_ more: [String]) throws -> String {
            let path = folder.appending(path: capture).path
            let run = try CommandRun([TestMachine.whosent, "classify", path] + words + more)
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            return run.text
        }
        let table = try run([])
        let lines = try run(["-v"])
        #expect(table.hasPrefix("PROCESS") && lines.count > table.count)
        #expect(lines.hasSuffix("\n\n" + table), "\(table)\n\(lines.suffix(table.count))")
    }

    @Test("The burst of case A is possible, named as the reason, and nothing is confirmed")
    func burst() throws {
        let run = try Self.run(Self.cases[0], ["input.pcapng", "--format", "ndjson"])
        let lines = try ReportedOutput(run.output).lines
        #expect(lines.count == 15)
        #expect(lines.allSatisfy { $0.whosent.tag == "newmail" && $0.whosent.tagConfidence == "possible" })
        let burst =
            "a burst: this source sent such datagrams to 15 destinations within 1 s, each from a higher source port than the "
            + "one before"
        #expect(lines.allSatisfy { $0.whosent.tagReasons?.contains(burst) == true })
    }

    @Test("The list of rules is what is expected")
    func list() throws {
        let test = Self.cases[1]
        let run = try Self.run(test, ["--list-rules", "--rules", "rules.yaml"])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(try run.text == String(contentsOf: test.path.appending(path: "expected-list.txt"), encoding: .utf8))
        let json = try Self.run(test, ["--list-rules", "--rules", "rules.yaml", "--format", "ndjson"])
        let names = try json.text.split(separator: "\n").map { line in
            try JSONDecoder().decode(ListedName.self, from: Data(line.utf8))
        }
        #expect(names.suffix(5).map(\.name).first == "acme-heartbeat")
        #expect(names.suffix(5).allSatisfy { $0.origin == "file" })
    }

    private struct ListedName: Decodable {
        let name: String
        let origin: String
    }

    @Test(
        "A wrong command line with rules",
        arguments: [
            (["--list-rules", "input.pcap"], 64), (["--list-rules", "--format", "csv"], 64), ([], 64),
            (["input.pcap", "--rules", "none.yaml"], 66), (["input.pcap", "--rules", "README.md"], 65),
        ] as [([String], Int32)])
    func mistakes(words: [String], status: Int32) throws {
        let run = try Self.run(Self.cases[1], words)
        #expect(run.status == status, "\(run.errors)")
        #expect(!run.errors.isEmpty && run.output.isEmpty)
    }
}
