import Foundation
import Testing

/// A registration, its notifications and its end, through the real command.
@Suite("The new-mail case")
struct NewMailCaseTests {
    static let folder = CaseFolder("newmail")

    private static func classify(_ words: String...) throws -> CommandRun { try folder.whosent(["classify"] + words) }

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

    @Test("The generator writes the files that are bundled")
    func generator() throws { try Self.folder.expectGenerated("input.pcap", "shuffled.pcap") }

    @Test(
        "classify says what is expected, byte for byte",
        arguments: [
            ("expected.ndjson", ["--format", "ndjson"]), ("registrations.txt", ["--registrations"]),
            ("registrations.ndjson", ["--registrations", "--format", "ndjson"]),
        ])
    func goldenOutput(name: String, words: [String]) throws {
        try Self.folder.expect(["classify", "input.pcap"] + words, says: name)
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

    @Test("Captures given out of order are merged by time, and reasons name the other capture")
    func severalCaptures() throws {
        let output = try TestMachine.temporaryFolder()
        // Frame 6 is the registration; editcap keeps the frames with -r and leaves them out without.
        for (name, words) in [("before.pcap", ["-r"]), ("after.pcap", [])] {
            let run = try CommandRun(
                ["/usr/bin/env", "editcap", "-F", "pcap"] + words + [
                    Self.folder.file("input.pcap").path, output.appending(path: name).path, "1-8",
                ])
            #expect(run.status == 0, "\(run.errors)")
        }
        let run = try CommandRun([
            "/usr/bin/env", "-C", output.path, TestMachine.whosent, "classify", "after.pcap", "before.pcap", "--format",
            "ndjson",
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.contains("in frame 6 of before.pcap"))
        let tags = try ReportedOutput(run.output).lines.map(\.whosent.tagConfidence)
        #expect(tags == ["confirmed", "confirmed", "confirmed", "possible"])
    }

    @Test("Registrations have no CSV")
    func noCSV() throws {
        #expect(try Self.classify("input.pcap", "--registrations", "--format", "csv").status == 64)
    }
}
