import Foundation
import Testing

/// A registration, its notifications and its end, through the real command.
@Suite("The new-mail case")
struct NewMailCaseTests {
    static let folder = TestMachine.package.appending(path: "Tests/Cases/newmail")

    private static func classify(_ words: String...) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "-C", folder.path, TestMachine.whosent, "classify"] + words)
    }

    private static func expected(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// What a line says of its tag, without the frames' numbers.
    private static func judgements(_ run: CommandRun) throws -> [String] {
        try run.text.split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let whosent = object?["whosent"] as? [String: Any], let tag = whosent["tag_confidence"] as? String,
                let reasons = whosent["tag_reasons"] as? [String], let time = object?["@timestamp"] as? String
            else { return nil }
            return "\(time) \(tag) \(reasons)".replacing(/frame \d+/, with: "frame")
        }
    }

    @Test("The generator writes the files that are bundled", arguments: ["input.pcap", "shuffled.pcap", "burst.pcap"])
    func generator(name: String) throws {
        let output = try TestMachine.temporaryFolder()
        let run = try CommandRun([
            "/usr/bin/env", "python3", Self.folder.appending(path: "generate.py").path, output.path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let written = try Data(contentsOf: output.appending(path: name))
        #expect(try written == Data(contentsOf: Self.folder.appending(path: name)))
    }

    @Test(
        "classify says what is expected, byte for byte",
        arguments: [
            ("expected.ndjson", ["input.pcap", "--format", "ndjson"]),
            ("burst.ndjson", ["burst.pcap", "--format", "ndjson"]),
            ("registrations.txt", ["input.pcap", "--registrations"]),
            ("registrations.ndjson", ["input.pcap", "--registrations", "--format", "ndjson"]),
        ])
    func goldenOutput(name: String, words: [String]) throws {
        let run = try CommandRun(
            ["/usr/bin/env", "-C", Self.folder.path, TestMachine.whosent, "classify"] + words)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(try run.text == Self.expected(name))
    }

    @Test("Confirmed until the disconnect, then no more than possible")
    func levels() throws {
        let lines = try ReportedOutput(Self.classify("input.pcap", "--format", "ndjson").output).lines
        #expect(lines.map(\.whosent.tagConfidence) == ["confirmed", "confirmed", "confirmed", "possible"])
    }

    @Test("Split in two, shuffled and partly sent again, the capture says the same")
    func shuffledCapture() throws {
        let whole = try Self.judgements(Self.classify("input.pcap", "--format", "ndjson"))
        #expect(whole.count == 4)
        #expect(try Self.judgements(Self.classify("shuffled.pcap", "--format", "ndjson")) == whole)
    }

    @Test("The published burst is possible, for the burst's sake")
    func burst() throws {
        let lines = try Self.judgements(Self.classify("burst.pcap", "--format", "ndjson"))
        #expect(lines.count == 15)
        #expect(lines.allSatisfy { $0.contains(" possible ") && $0.contains("15 destinations within 1 s") })
    }

    @Test("Captures given out of order are merged by time, and reasons name the other capture")
    func severalCaptures() throws {
        let run = try Self.classify("burst.pcap", "input.pcap", "--format", "ndjson")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.contains("in frame 6 of input.pcap"))
        #expect(try Self.judgements(run).filter { $0.contains(" confirmed ") }.count == 3)
    }

    @Test("Registrations have no CSV")
    func noCSV() throws {
        #expect(try Self.classify("input.pcap", "--registrations", "--format", "csv").status == 64)
    }
}
