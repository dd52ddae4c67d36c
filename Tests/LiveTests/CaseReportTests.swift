import Foundation
import Testing

/// `report --case` and `verify`, on a copy of the bundled sample.
@Suite("Reports of a case")
final class CaseReportTests {
    private let folder: URL
    private var report: URL { folder.appending(path: "report") }
    private var manifest: URL { report.appending(path: "manifest.json") }

    private static let rules = "rules: [{name: eight, description: Eight., transport: udp, payload: {length: 8}}]\n"

    init() throws {
        folder = try TestMachine.temporaryFolder()
        for name in ["input.pcap", "evidence.pcapng"] {
            try FileManager.default.copyItem(
                at: CaseFolder("sample").file(name), to: folder.appending(path: name))
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func whosent(_ words: [String], in place: URL? = nil) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "-C", (place ?? folder).path, TestMachine.whosent] + words)
    }

    /// Makes the report; the words of the command that are not the same in every test.
    private func make(
        inputs: [String] = ["input.pcap", "--evidence", "evidence.pcapng"], _ more: [String] = [],
        output: String = "report"
    ) throws -> CommandRun {
        try whosent(["report"] + inputs + ["--case", "2026-42", "--examiner", "A. Smith", "-o", output] + more)
    }

    private func verify(_ path: String = "report/manifest.json") throws -> CommandRun { try whosent(["verify", path]) }

    private func flip(_ file: URL, at offset: Int? = nil) throws {
        var bytes = try Data(contentsOf: file)
        bytes[offset ?? bytes.count / 2] ^= 1
        try bytes.write(to: file)
    }

    @Test("What it writes is listed with its hashes, readable by its owner only, and verifies")
    func same() throws {
        let made = try make()
        #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
        let check = try CommandRun(["/bin/sh", "-c", "cd \(folder.path) && \(sums(made.text))"])
        #expect(check.status == 0 && check.text.split(separator: "\n").count == 3, "\(check.errors)")
        for name in ["", "report.html", "report.json", "manifest.json"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: report.appending(path: name).path)
            #expect(attributes[.posixPermissions] as? Int == (name.isEmpty ? 0o700 : 0o600))
        }
        let verified = try verify()
        #expect(verified.status == 0 && verified.errors.isEmpty, "\(verified.errors)")
        #expect(
            verified.text == """
                Case 2026-42, examiner A. Smith, made by whosent 0.1.0
                same       capture  ../input.pcap
                same       evidence ../evidence.pcapng
                same       output   report.html
                same       output   report.json
                same       again    report.html: made again from the inputs, byte for byte
                same       again    report.json: made again from the inputs, byte for byte

                """)
    }

    private func sums(_ listing: String) -> String { "printf '\(listing.replacing("\n", with: "\\n"))' | sha256sum -c" }

    @Test("The manifest says what the evidence says of its machine, and nothing of this one")
    func facts() throws {
        #expect(try make().status == 0)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: manifest)) as? [String: Any])
        let machine = try #require((object["machines"] as? [[String: String]])?.first)
        #expect(machine["host"] == "mail" && machine["kernel"] == "Linux 6.12.48")
        #expect((object["time"] as? [String: String])?["first"] == "2026-03-01T10:20:31.000000000Z")
        #expect(object["tool"] as? String == "0.1.0")
        let text = try String(contentsOf: manifest, encoding: .utf8)
        #expect(!text.contains(folder.path) && !text.contains(ProcessInfo.processInfo.hostName))
        let json = try String(contentsOf: report.appending(path: "report.json"), encoding: .utf8)
        #expect(json.contains("A. Smith") && json.contains("2026-42") && !json.contains(folder.path))
        let page = try String(contentsOf: report.appending(path: "report.html"), encoding: .utf8)
        #expect(page.contains("A. Smith") && page.contains("2026-42"))
    }

    @Test("The command in the manifest makes the same manifest again")
    func command() throws {
        try Data(Self.rules.utf8).write(to: folder.appending(path: "-my rules.yaml"))
        let made = try make([
            "--rules=-my rules.yaml", "--filter", "udp port 2762 or icmp", "--newmail-port", "2762", "--pid", "2136",
            "--process", "store", "--tag", "newmail", "--min-confidence", "possible", "--verdict", "process",
            "--verdict", "unknown", "--no-args", "--clock-offset", "-0.000001", "--record-table", "4096",
        ])
        #expect(made.status == 0, "\(made.errors)")
        #expect(try verify().status == 0)
        let first = try Data(contentsOf: manifest)
        let object = try #require(JSONSerialization.jsonObject(with: first) as? [String: Any])
        let words = try #require(object["command"] as? [String])
        for name in ["report.html", "report.json", "manifest.json"] {
            try FileManager.default.removeItem(at: report.appending(path: name))
        }
        let again = try whosent(Array(words.dropFirst()), in: report)
        #expect(again.status == 0, "\(again.errors)")
        #expect(try Data(contentsOf: manifest) == first)
    }

    @Test(
        "One changed byte is found, and its file named",
        arguments: [
            ("input.pcap", "../input.pcap"), ("evidence.pcapng", "../evidence.pcapng"), ("rules.yaml", "../rules.yaml"),
            ("report/report.html", "report.html"), ("report/report.json", "report.json"),
        ])
    func changed(name: String, shown: String) throws {
        try Data(Self.rules.utf8).write(to: folder.appending(path: "rules.yaml"))
        let made = try make(["--rules", "rules.yaml"])
        #expect(made.status == 0, "\(made.errors)")
        #expect(try verify().status == 0)
        try flip(folder.appending(path: name))
        let verified = try verify()
        #expect(verified.status == 1)
        #expect(verified.errors == "whosent: not the same: \(shown)\n")
        let lines = verified.text.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("different") }.count == 1)
        #expect(lines.contains { $0.hasPrefix("different") && $0.contains("\(shown): as long as it was") })
    }

    @Test("A file that became longer or shorter is another one", arguments: [1, -1])
    func otherLength(change: Int) throws {
        #expect(try make().status == 0)
        let capture = folder.appending(path: "input.pcap")
        let bytes = try Data(contentsOf: capture)
        try (change > 0 ? bytes + [0] : bytes.dropLast()).write(to: capture)
        let verified = try verify()
        #expect(verified.status == 1 && verified.text.contains("\(bytes.count + change) bytes, not \(bytes.count)"))
    }

    @Test("One changed byte of the manifest: 65, wherever it is")
    func changedManifest() throws {
        #expect(try make().status == 0)
        let whole = try Data(contentsOf: manifest)
        for offset in stride(from: 0, to: whole.count, by: 97) {
            try whole.write(to: manifest)
            try flip(manifest, at: offset)
            let verified = try verify()
            #expect(verified.status == 65 && verified.errors.contains("report/manifest.json"), "byte \(offset)")
            #expect(verified.output.isEmpty)
        }
    }

    @Test("A missing file: 66, and its name", arguments: ["input.pcap", "evidence.pcapng", "report/report.html"])
    func missing(name: String) throws {
        #expect(try make().status == 0)
        try FileManager.default.removeItem(at: folder.appending(path: name))
        let verified = try verify()
        #expect(verified.status == 66, "\(verified.errors)")
        #expect(verified.errors.contains(name.split(separator: "/").last.map(String.init) ?? name))
        #expect(try whosent(["verify", "none.json"]).status == 66)
    }

    @Test("A moved folder verifies from anywhere, damaged inputs too")
    func moved() throws {
        for name in ["input.pcap", "evidence.pcapng"] {
            let file = folder.appending(path: name)
            try Data(contentsOf: file).dropLast(100).write(to: file)
        }
        let made = try make(inputs: [folder.path + "/input.pcap", "--evidence", "./evidence.pcapng"])
        #expect(made.status == 0, "\(made.errors)")
        let other = try TestMachine.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: other) }
        let target = other.appending(path: "deep/er")
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: folder, to: target)
        try FileManager.default.removeItem(at: folder.appending(path: "input.pcap"))
        for (place, path) in [
            (target.appending(path: "report"), "manifest.json"), (other, "deep/er/report/manifest.json"),
            (folder, target.path + "/report/manifest.json"),
        ] {
            let verified = try whosent(["verify", path], in: place)
            #expect(verified.status == 0, "\(verified.text)\(verified.errors)")
        }
    }

    @Test("The NDJSON of an earlier run is an input like any other")
    func results() throws {
        let run = try whosent(["join", "input.pcap", "--evidence", "evidence.pcapng", "--format", "ndjson"])
        try run.output.write(to: folder.appending(path: "run.ndjson"))
        #expect(try make(inputs: ["run.ndjson"]).status == 0)
        let verified = try verify()
        #expect(
            verified.status == 0 && verified.text.contains("same       results  ../run.ndjson"), "\(verified.errors)")
        try flip(folder.appending(path: "run.ndjson"))
        #expect(try verify().status == 1)
    }

    @Test(
        "A command line that cannot be repeated: 64",
        arguments: [
            ["--format", "json"], ["-o", "-"], ["-"], ["--filter", "host mail.example"], ["--filter", "port domain"],
            ["--examiner", ""],
        ])
    func usage(more: [String]) throws {
        let made = try make(more)
        #expect(made.status == 64 && !made.errors.isEmpty, "\(made.errors)")
        #expect(!FileManager.default.fileExists(atPath: report.path))
    }

    @Test("Evidence with such a filter cannot be used either: 65")
    func evidenceFilter() throws {
        let file = folder.appending(path: "evidence.pcapng")
        var bytes = try Data(contentsOf: file)
        // Of the same length, so that the blocks stay whole.
        for (old, new) in [("the wall clock", ""), (#""filter":"""#, #""filter":"host a.example""#)] {
            bytes.replaceSubrange(try #require(bytes.range(of: Data(old.utf8))), with: Data(new.utf8))
        }
        try bytes.write(to: file)
        let made = try make()
        #expect(made.status == 65 && made.errors.contains("a.example"), "\(made.errors)")
        #expect(!FileManager.default.fileExists(atPath: report.path))
    }

    @Test("Nothing is written over, and nothing is left of a failure")
    func writesNothingOver() throws {
        #expect(try make().status == 0)
        let first = try Data(contentsOf: manifest)
        let again = try make()
        #expect(again.status == 64 && again.errors.contains("report.html already"), "\(again.errors)")
        #expect(try Data(contentsOf: manifest) == first)
        #expect(try make(inputs: ["none.pcap", "--evidence", "evidence.pcapng"], output: "other").status == 66)
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "other").path))
        #expect(try make(output: "no/such/place").status == 66)
    }

    @Test("A link is no file that could be vouched for: 66")
    func link() throws {
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: "link.pcap"), withDestinationURL: folder.appending(path: "input.pcap"))
        let made = try make(inputs: ["link.pcap", "--evidence", "evidence.pcapng"])
        #expect(made.status == 66 && made.errors.contains("symbolic link"), "\(made.errors)")
        #expect(try make().status == 0)
        try FileManager.default.moveItem(
            at: folder.appending(path: "input.pcap"), to: folder.appending(path: "moved.pcap"))
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: "input.pcap"), withDestinationURL: folder.appending(path: "moved.pcap"))
        let verified = try verify()
        #expect(verified.status == 66 && verified.text.contains("symbolic link"), "\(verified.text)")
    }

    // MARK: Manifests of somebody who knows how they are made

    /// Changes the manifest and makes its checksum fit.
    private func forge(_ changes: (old: String, new: String)...) throws {
        var text = try String(contentsOf: manifest, encoding: .utf8)
        for change in changes {
            try #require(text.contains(change.old))
            text = text.replacing(change.old, with: change.new)
        }
        let end = try #require(text.range(of: "  \"manifest_sha256\""))
        let body = String(text[..<end.lowerBound])
        let scratch = folder.appending(path: "body")
        try Data(body.utf8).write(to: scratch)
        let sum = try CommandRun(["/usr/bin/env", "sha256sum", scratch.path]).text.prefix(64)
        try FileManager.default.removeItem(at: scratch)
        try Data("\(body)  \"manifest_sha256\":\"\(sum)\"\n}\n".utf8).write(to: manifest)
    }

    private func listing() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("Another examiner's name does not fit the report that is there")
    func forgedExaminer() throws {
        #expect(try make().status == 0)
        try forge((old: "A. Smith", new: "B. Jones"))
        let verified = try verify()
        #expect(verified.status == 1 && verified.errors.contains("report.json as made again"), "\(verified.errors)")
    }

    @Test(
        "Facts that the inputs do not have are found",
        arguments: [
            (#""host":"mail""#, #""host":"other""#), ("Linux 6.12.48", "Linux 2.6.39"),
            (#""first":"2026-03-01T10:20:31.0"#, #""first":"2026-03-01T10:20:30.0"#),
        ])
    func forgedFacts(old: String, new: String) throws {
        #expect(try make().status == 0)
        try forge((old: old, new: new))
        let verified = try verify()
        #expect(verified.status == 1 && verified.errors == "whosent: not the same: report/manifest.json\n")
    }

    @Test("Another version of the tool is said, and compared all the same")
    func otherVersion() throws {
        #expect(try make().status == 0)
        try forge((old: #""tool":"0.1.0""#, new: #""tool":"0.0.9""#))
        let verified = try verify()
        #expect(verified.status == 0 && verified.text.contains("made by whosent 0.0.9"), "\(verified.errors)")
        #expect(verified.text.contains("This is whosent 0.1.0: another version need not make the same bytes"))
    }

    @Test("Options in a process's name stay a name, and nothing is written")
    func optionsInNames() throws {
        let name = "-o /tmp/whosent-forged"
        #expect(try make(["--process=\(name)"]).status == 0)
        let before = try listing()
        #expect(try verify().status == 0)
        #expect(try listing() == before)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/whosent-forged"))
    }

    @Test(
        "What asks for something else than a report is refused before a file is read",
        arguments: [
            (#""clock_offset":"auto""#, #""clock_offset":"soon""#, "--clock-offset=auto", "--clock-offset=soon"),
            (
                #""verdicts":[]"#, #""verdicts":["guilty"]"#, #""--process-table"#,
                #""--verdict=guilty","--process-table"#
            ),
            (#""process_table":65536"#, #""process_table":4611686018427387904"#, "=65536", "=4611686018427387904"),
            (
                #""role":"capture""#, #""role":"evidence""#, #""../input.pcap","--evidence""#,
                #""--evidence","../input.pcap","--evidence""#
            ),
        ])
    func refused(old: String, new: String, oldWord: String, newWord: String) throws {
        #expect(try make().status == 0)
        try forge((old: old, new: new), (old: oldWord, new: newWord))
        let verified = try verify()
        #expect(verified.status == 65 && verified.errors.contains("cannot be followed"), "\(verified.errors)")
        #expect(verified.output.isEmpty)
    }

    @Test("A filter with a name, which would be asked of the network, is refused")
    func forgedFilter() throws {
        #expect(try make(["--filter", "udp"]).status == 0)
        try forge(
            (old: #""filter":"udp""#, new: #""filter":"host a.example""#),
            (old: "filter=udp", new: "filter=host a.example"))
        let verified = try verify()
        #expect(verified.status == 65 && verified.errors.contains("a.example"), "\(verified.errors)")
    }

    @Test("A pipe or a device in an input's place is not waited for: 66", arguments: ["pipe", "zero"])
    func endlessInput(what: String) throws {
        #expect(try make().status == 0)
        let capture = folder.appending(path: "input.pcap")
        let up = String(repeating: "../", count: folder.pathComponents.count)
        if what == "pipe" {
            try FileManager.default.removeItem(at: capture)
            #expect(try CommandRun(["/usr/bin/env", "mkfifo", capture.path]).status == 0)
        } else {
            try forge((old: "../input.pcap", new: "\(up)dev/zero"))
        }
        let live = try StartedCommand(["/usr/bin/env", "-C", folder.path, TestMachine.whosent, "verify", manifest.path])
        let verified = try live.finish(seconds: 20)
        #expect(verified.status == 66 && verified.text.contains("no regular file"), "\(verified.errors)")
    }
}
