import Foundation
import Testing

/// `whosent report` on the bundled cases.
@Suite("Reports")
struct ReportCommandTests {
    /// A case folder, and what the report is made of.
    struct Case: CustomTestStringConvertible, Sendable {
        let folder: CaseFolder
        let words: [String]

        init(_ folder: String, _ capture: String, _ evidence: String...) {
            self.folder = CaseFolder(folder)
            words = ["report", capture] + evidence.flatMap { ["--evidence", $0] }
        }

        var testDescription: String { folder.name }
    }

    static let cases = [
        Case("sample", "input.pcap", "evidence.pcapng"),
        Case("case-a", "input.pcapng", "trace.csv", "tasklist.txt"),
        Case(
            "case-b", "input.pcapng", "trace.csv", "tasklist-before.txt", "tasklist-between.txt", "tasklist-after.txt",
            "netstat.txt"),
        Case("newmail", "input.pcap"),
    ]

    @Test("Markdown and JSON are as expected, byte for byte", arguments: cases)
    func golden(one: Case) throws {
        for (format, name) in [("markdown", "report.md"), ("json", "report.json")] {
            let words = one.words + ["--format", format, "-o", "-"]
            if ProcessInfo.processInfo.environment["WHOSENT_UPDATE_GOLDEN"] == "1" {
                try one.folder.whosent(words).output.write(to: one.folder.file(name))
            }
            try one.folder.expect(words, says: name)
        }
    }

    @Test("The JSON's counts add up", arguments: cases)
    func counts(one: Case) throws {
        let report = try Self.json(one.folder.whosent(one.words + ["--format", "json", "-o", "-"]))
        let groups = try #require(report["groups"] as? [[String: Any]])
        let counts = try #require(report["counts"] as? [String: Any])
        let verdicts = try #require(counts["verdicts"] as? [String: Int])
        let packets = try #require(counts["packets"] as? Int)
        #expect(packets > 0 && groups.compactMap { $0["packets"] as? Int }.reduce(0, +) == packets)
        #expect(verdicts.values.reduce(0, +) == packets)
        for group in groups {
            let steps = try #require(group["steps"] as? [String: Int])
            #expect(steps.values.reduce(0, +) == group["packets"] as? Int)
        }
    }

    @Test("A run's NDJSON gives the report that its captures and evidence give", arguments: cases)
    func fromResults(one: Case) throws {
        let folder = try TestMachine.temporaryFolder()
        let results = folder.appending(path: "run.ndjson")
        let command = one.words.contains("--evidence") ? "join" : "classify"
        let run = try one.folder.whosent([command] + one.words.dropFirst() + ["--format", "ndjson"])
        try run.output.write(to: results)
        let made = try Self.json(
            CommandRun([TestMachine.whosent, "report", results.path, "--format", "json", "-o", "-"]))
        let direct = try Self.json(one.folder.whosent(one.words + ["--format", "json", "-o", "-"]))
        for member in ["groups", "counts", "senders", "timeline", "figures", "left_out"] {
            let (left, right) = (try #require(made[member]), try #require(direct[member]))
            #expect(try Self.text(left) == Self.text(right), "\(member)")
        }
    }

    @Test("A report is a function of its inputs: another folder, another hour, the same bytes", arguments: cases)
    func deterministic(one: Case) throws {
        let folder = try TestMachine.temporaryFolder()
        let copy = folder.appending(path: "elsewhere")
        try FileManager.default.copyItem(at: one.folder.file(""), to: copy)
        for format in ["html", "markdown", "json"] {
            let words = one.words + ["--format", format, "-o", "-"]
            let first = try one.folder.whosent(words)
            let second = try CommandRun(
                ["/usr/bin/env", "-C", copy.path, "TZ=Asia/Tokyo", TestMachine.whosent] + words)
            #expect(first.status == 0 && first.output == second.output && !first.output.isEmpty, "\(format)")
            #expect(!first.text.contains(TestMachine.package.path))
        }
    }

    @Test("The file is the owner's alone, and inputs are not written over")
    func privacy() throws {
        let folder = try TestMachine.temporaryFolder()
        let page = folder.appending(path: "report.html")
        let one = Self.cases[0]
        let run = try one.folder.whosent(one.words + ["-o", page.path])
        #expect(run.status == 0 && run.text.isEmpty && run.errors.isEmpty)
        let attributes = try FileManager.default.attributesOfItem(atPath: page.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try String(contentsOf: page, encoding: .utf8).hasPrefix("<!DOCTYPE html>"))

        let capture = folder.appending(path: "input.pcap")
        try FileManager.default.copyItem(at: one.folder.file("input.pcap"), to: capture)
        let refused = try CommandRun([TestMachine.whosent, "report", capture.path, "-o", capture.path])
        #expect(refused.status == 64 && refused.errors.contains("-o"))
        #expect(try Data(contentsOf: capture) == Data(contentsOf: one.folder.file("input.pcap")))
    }

    @Test("What cannot be used is refused, and nothing is written")
    func refusals() throws {
        let folder = try TestMachine.temporaryFolder()
        let results = folder.appending(path: "run.ndjson")
        try Data("{\"other\":1}\n".utf8).write(to: results)
        let capture = Self.cases[0].folder.file("input.pcap").path
        let output = folder.appending(path: "report.html").path
        let refusals: [([String], Int32)] = [
            ([results.path], 65), ([folder.appending(path: "absent").path], 66), ([capture, results.path], 64),
            ([results.path, "--evidence", capture], 64), ([results.path, "--filter", "udp"], 64), ([], 64),
        ]
        for (words, status) in refusals {
            let run = try CommandRun([TestMachine.whosent, "report"] + words + ["-o", output])
            #expect(run.status == status, "\(words): \(run.errors)")
            #expect(!run.errors.isEmpty && !FileManager.default.fileExists(atPath: output))
        }
    }

    @Test("Results that were cut short say so; lines of others are counted as damage")
    func cutResults() throws {
        let folder = try TestMachine.temporaryFolder()
        let results = folder.appending(path: "run.ndjson")
        let lines = try String(contentsOf: CaseFolder("sample").file("expected.ndjson"), encoding: .utf8)
            .split(separator: "\n")
        try (lines.dropLast().joined(separator: "\n") + "\n{\"a\":1}\n" + (lines.first ?? "").prefix(100)).write(
            to: results, atomically: true, encoding: .utf8)
        let run = try CommandRun([TestMachine.whosent, "report", results.path, "--format", "markdown", "-o", "-"])
        #expect(run.status == 0)
        #expect(run.text.contains("holds packets without a summary"))
        #expect(run.text.contains("line 25 is no line of whosent's NDJSON"))
        #expect(run.text.contains("18 of 24 packets"))
    }

    @Test("--no-args leaves command lines out of every form")
    func withoutArguments() throws {
        let one = Self.cases[0]
        for (format, secret) in [("html", "store -d"), ("markdown", "store -d"), ("json", "\"-d\"")] {
            for words in [one.words, ["report", "expected.ndjson"]] {
                let all = words + ["--format", format, "-o", "-"]
                #expect(try one.folder.whosent(all).text.contains(secret), "\(all)")
                #expect(try !one.folder.whosent(all + ["--no-args"]).text.contains(secret), "\(all)")
            }
        }
    }

    private static func json(_ run: CommandRun) throws -> [String: Any] {
        try #require(run.status == 0, "\(run.errors)")
        return try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
    }

    private static func text(_ value: Any) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
        return String(decoding: data, as: UTF8.self)
    }
}
