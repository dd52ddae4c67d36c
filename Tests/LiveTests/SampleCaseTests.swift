import Foundation
import Testing

/// The bundled sample, which `tools/run` shows where BPF is not to be had.
@Suite("The bundled sample")
struct SampleCaseTests {
    static let folder = CaseFolder("sample")

    @Test("The generator writes the files that are bundled")
    func generator() throws { try Self.folder.expectGenerated("input.pcap", "evidence.pcapng") }

    @Test("join says what is expected, byte for byte")
    func expectedOutput() throws {
        try Self.folder.expect(
            ["join", "input.pcap", "--evidence", "evidence.pcapng", "--format", "ndjson"], says: "expected.ndjson")
    }

    @Test("A second recording of the same machine changes no verdict; the same file twice is refused")
    func evidenceTwice() throws {
        let copy = try TestMachine.temporaryFolder().appending(path: "copy.pcapng")
        try FileManager.default.copyItem(at: Self.folder.file("evidence.pcapng"), to: copy)
        let words = ["join", "input.pcap", "--evidence", "evidence.pcapng", "--format", "ndjson"]
        let once = try Self.folder.whosent(words)
        let twice = try Self.folder.whosent(words + ["--evidence", copy.path])
        // Only the reasons count the records.
        let verdicts = try [once, twice].map { run in
            try ReportedOutput(run.output).lines.map {
                "\($0.whosent.frame) \($0.whosent.verdict) \($0.whosent.confidence) \($0.process?.pid ?? 0)"
            }
        }
        #expect(verdicts[0] == verdicts[1])

        let refused = try Self.folder.whosent(words + ["--evidence", "evidence.pcapng"])
        #expect(refused.status == 64 && refused.errors.contains("evidence.pcapng is given twice"))
    }

    @Test("The document's table of verdicts is what join says")
    func documentedVerdicts() throws {
        let run = try CommandRun([
            TestMachine.whosent, "join", Self.folder.file("input.pcap").path, "--evidence",
            Self.folder.file("evidence.pcapng").path, "--format", "ndjson",
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
