import Foundation
import Testing

/// The bundled sample, which `tools/run` shows where BPF is not to be had.
@Suite("The bundled sample")
struct SampleCaseTests {
    static let folder = TestMachine.package.appending(path: "Tests/Cases/sample")

    @Test("The generator writes the files that are bundled", arguments: ["input.pcap", "evidence.pcapng"])
    func generator(name: String) throws {
        let output = try TestMachine.temporaryFolder()
        let run = try CommandRun([
            "/usr/bin/env", "python3", Self.folder.appending(path: "generate.py").path, output.path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let written = try Data(contentsOf: output.appending(path: name))
        #expect(try written == Data(contentsOf: Self.folder.appending(path: name)))
    }

    @Test("join says what is expected, byte for byte")
    func expectedOutput() throws {
        let run = try CommandRun([
            "/usr/bin/env", "-C", Self.folder.path, TestMachine.whosent, "join", "input.pcap", "--evidence",
            "evidence.pcapng", "--format", "ndjson",
        ])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let expected = try String(contentsOf: Self.folder.appending(path: "expected.ndjson"), encoding: .utf8)
        let lines = zip(run.text.split(separator: "\n"), expected.split(separator: "\n"))
        for (line, wanted) in lines { #expect(line == wanted) }
        #expect(run.text == expected)
    }

    @Test("The document's table of verdicts is what join says")
    func documentedVerdicts() throws {
        let run = try CommandRun([
            TestMachine.whosent, "join", Self.folder.appending(path: "input.pcap").path, "--evidence",
            Self.folder.appending(path: "evidence.pcapng").path, "--format", "ndjson",
        ])
        let lines = try ReportedOutput(run.output).lines
        let named = Dictionary(grouping: lines) { $0.process?.name ?? $0.whosent.verdict }
            .mapValues { $0.map(\.whosent.frame) }
        #expect(
            named == [
                "store": Array(12...17) + Array(30...35), "mad": [18, 22, 24], "systemd-resolve": [20],
                "ping": [26, 28],
                "received": [19, 21, 23, 25, 27, 29],
            ])
        #expect(lines.filter { $0.process != nil }.allSatisfy { $0.whosent.confidence == "exact" })
        let pings = lines.filter { $0.whosent.tag == "dsaccess-ping" }.map(\.whosent.frame)
        #expect(pings == [18, 19, 22, 23, 24, 25])
        #expect(lines.allSatisfy { $0.whosent.tag != "newmail" || $0.process?.name == "store" })
    }
}
