import Foundation
import Testing

/// File commands take everything from their files: where there is nothing else they say the same.
@Suite("In an empty root folder", .serialized, .enabled(if: TestMachine.isRoot, "needs root"))
struct EmptyRootTests {
    private let root: URL
    private let outside: URL

    init() throws {
        root = try TestMachine.temporaryFolder()
        outside = try TestMachine.temporaryFolder()
        _ = try TestMachine.copyForAll(into: root)
        let libraries = try CommandRun(["/usr/bin/env", "ldd", TestMachine.whosent])
        for word in libraries.text.split(whereSeparator: \.isWhitespace) where word.hasPrefix("/") {
            let copy = root.appending(path: String(word))
            try FileManager.default.createDirectory(
                at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: URL(filePath: String(word)).resolvingSymlinksInPath(), to: copy)
        }
        let sample = TestMachine.package.appending(path: "Tests/Cases/sample")
        for name in ["input.pcap", "evidence.pcapng"] {
            try FileManager.default.copyItem(at: sample.appending(path: name), to: root.appending(path: name))
            try FileManager.default.copyItem(at: sample.appending(path: name), to: outside.appending(path: name))
        }
        let writable = root.appending(path: "out")
        try FileManager.default.createDirectory(at: writable, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: writable.path)
        try FileManager.default.createDirectory(
            at: outside.appending(path: "out"), withIntermediateDirectories: true)
    }

    private func clean() {
        for folder in [root, outside] { try? FileManager.default.removeItem(at: folder) }
    }

    private func both(_ words: [String]) throws -> (outside: CommandRun, inside: CommandRun) {
        let inside = try CommandRun(
            ["/usr/sbin/chroot", "--userspec=65534:65534", "--groups=", root.path, "/whosent"] + words)
        return (try CommandRun(["/usr/bin/env", "-C", outside.path, TestMachine.whosent] + words), inside)
    }

    @Test(
        "join says the same byte for byte",
        arguments: [["--format", "text"], ["--format", "text", "-v"], ["--format", "ndjson"], ["--format", "csv"]])
    func join(format: [String]) throws {
        defer { clean() }
        let run = try both(["join", "input.pcap", "--evidence", "evidence.pcapng"] + format)
        #expect(run.outside.status == 0 && run.inside.status == 0, "\(run.inside.errors)")
        #expect(run.outside.output.count > 500 && run.inside.output == run.outside.output)
        #expect(run.inside.errors == run.outside.errors)
    }

    @Test("and writes the same capture")
    func capture() throws {
        defer { clean() }
        let run = try both(["join", "input.pcap", "--evidence", "evidence.pcapng", "-w", "out/w.pcapng"])
        #expect(run.outside.status == 0 && run.inside.status == 0, "\(run.inside.errors)")
        #expect(run.inside.output == run.outside.output)
        let inside = try Data(contentsOf: root.appending(path: "out/w.pcapng"))
        let here = try Data(contentsOf: outside.appending(path: "out/w.pcapng"))
        #expect(inside.count > 1000 && inside == here)
    }

    @Test("A case's report is the same there, manifest and all, and verifies")
    func caseReport() throws {
        defer { clean() }
        let made = try both([
            "report", "input.pcap", "--evidence", "evidence.pcapng", "--case", "2026-42", "--examiner", "A. Smith",
            "-o",
            "out/report",
        ])
        #expect(made.outside.status == 0 && made.inside.status == 0, "\(made.inside.errors)")
        #expect(made.inside.output == made.outside.output)
        for name in ["report.html", "report.json", "manifest.json"] {
            let inside = try Data(contentsOf: root.appending(path: "out/report/\(name)"))
            #expect(
                try inside.count > 1000 && inside == Data(contentsOf: outside.appending(path: "out/report/\(name)")))
        }
        let verified = try both(["verify", "out/report/manifest.json"])
        #expect(verified.outside.status == 0 && verified.inside.status == 0, "\(verified.inside.errors)")
        #expect(verified.outside.text.contains("byte for byte") && verified.inside.output == verified.outside.output)
    }

    @Test(
        "explain and classify say the same too",
        arguments: [
            ["explain", "1", "input.pcap", "--evidence", "evidence.pcapng"],
            ["classify", "input.pcap", "--format", "ndjson"],
        ])
    func others(words: [String]) throws {
        defer { clean() }
        let run = try both(words)
        #expect(run.outside.status == 0 && run.inside.status == 0, "\(run.inside.errors)")
        #expect(!run.outside.output.isEmpty && run.inside.output == run.outside.output)
    }
}
