import Foundation
import Testing

/// The real command on files of every kind of damage, and what scripts rely on: statuses, streams, sentences.
@Suite("Command line, files", .serialized)
struct CommandLineFileTests {
    let folder: URL

    init() throws {
        folder = try TestMachine.temporaryFolder()
    }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = folder.appending(path: name)
        try Data(bytes).write(to: file)
        return file.path
    }

    private func join(_ path: String, _ more: String...) throws -> CommandRun {
        try CommandRun([TestMachine.whosent, "join", path, "--evidence", evidence(), "--format", "ndjson"] + more)
    }

    /// Evidence of another place: the bundled sample's.
    private func evidence() throws -> String {
        TestMachine.package.appending(path: "Tests/Cases/sample/evidence.pcapng").path
    }

    /// A damaged file: what is in it, and how many packets can still be read.
    struct Damaged: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var packets: Int
        var testDescription: String { name }
    }

    static let damaged: [Damaged] = [
        Damaged(name: "cut in a packet", bytes: CaptureBytes.sound().dropLast(5), packets: 22),
        Damaged(name: "cut in a record header", bytes: CaptureBytes.sound() + [1, 2, 3], packets: 23),
        Damaged(
            name: "a record of 4 GB",
            bytes: CaptureBytes.sound(count: 5)
                + CaptureBytes.record(CaptureBytes.frame(), captured: 0xFFFF_FFF0)
                + CaptureBytes.record(CaptureBytes.frame()),
            packets: 5),
        Damaged(name: "pcapng cut in a block", bytes: CaptureBytes.soundPcapNG().dropLast(9), packets: 22),
        Damaged(
            name: "pcapng with a wrong block length",
            bytes: CaptureBytes.soundPcapNG(count: 7) + CaptureBytes.little(6) + CaptureBytes.little(0x7FFF_FFFC)
                + CaptureBytes.little(0),
            packets: 7),
    ]

    @Test("What is readable of a damaged capture is used, and the damage is named", arguments: damaged)
    func damagedCapture(damaged: Damaged) throws {
        let run = try join(file("damaged", damaged.bytes))
        #expect(run.status == 0, "\(run.errors)")
        let output = try ReportedOutput(run.output)
        #expect(output.lines.count == damaged.packets)
        let damage = try #require(output.summary.damage.first, "\(run.text.suffix(500))")
        #expect(damage.file.contains("damaged") && damage.offset > 0 && damage.offset <= damaged.bytes.count)
    }

    @Test(
        "Nothing usable: 65 and a sentence",
        arguments: [
            ("empty", []), ("text", Array("This is no capture.\n".utf8)), ("one byte", [0xD4]),
            ("header only, cut", CaptureBytes.header().dropLast(3)),
            ("unknown link type", CaptureBytes.header(linkType: 147) + CaptureBytes.record(CaptureBytes.frame())),
        ] as [(String, [UInt8])])
    func nothingUsable(name: String, bytes: [UInt8]) throws {
        let run = try join(file("capture", bytes))
        #expect(run.status == 65, "\(run.errors)")
        #expect(run.errors.contains("capture"), "the sentence names the file: \(run.errors)")
        #expect(run.errors.split(separator: "\n").count <= 3)
    }

    @Test("A snap length of zero means no limit")
    func zeroSnapLength() throws {
        let bytes = CaptureBytes.header(snapLength: 0) + CaptureBytes.record(CaptureBytes.frame())
        let run = try join(file("zero", bytes))
        #expect(run.status == 0, "\(run.errors)")
        #expect(try ReportedOutput(run.output).lines.count == 1)
    }

    @Test("A packet cut inside its IP header has no line, but is not passed over in silence")
    func cutHeader() throws {
        let whole = CaptureBytes.frame()
        let cut = CaptureBytes.record(Array(whole.prefix(30)), original: whole.count)
        let run = try join(file("cut", CaptureBytes.header() + CaptureBytes.record(whole) + cut + cut))
        #expect(run.status == 0, "\(run.errors)")
        let output = try ReportedOutput(run.output)
        #expect(output.lines.count == 1 && output.summary.packets == 1)
        #expect(output.summary.damage.count == 1 && output.summary.damage.first?.what.contains("2 packets") == true)
    }

    @Test("A filter that nothing passes is not taken for an empty capture")
    func nothingPasses() throws {
        let path = try file("sound", CaptureBytes.sound())
        let run = try CommandRun([TestMachine.whosent, "join", path, "--evidence", evidence(), "--process", "nosuch"])
        #expect(run.status == 0 && run.text.hasPrefix("No packet passes the output filter."), "\(run.text)")
    }

    @Test("Evidence of another machine: unknown, and the reason says so")
    func foreignEvidence() throws {
        let run = try join(file("sound", CaptureBytes.sound()))
        #expect(run.status == 0, "\(run.errors)")
        let output = try ReportedOutput(run.output)
        #expect(output.lines.count == 23)
        #expect(output.lines.allSatisfy { $0.whosent.verdict == "unknown" && $0.whosent.reason.count > 20 })
    }

    @Test("What is not there or cannot be read: 66", arguments: ["missing", "folder", "evidence"])
    func missing(what: String) throws {
        let capture = try file("sound", CaptureBytes.sound())
        let words =
            switch what {
            case "missing": [folder.path + "/none.pcap", "--evidence", try evidence()]
            case "folder": [folder.path, "--evidence", try evidence()]
            default: [capture, "--evidence", folder.path + "/none.pcapng"]
            }
        let run = try CommandRun([TestMachine.whosent, "join"] + words)
        #expect(run.status == 66, "\(run.errors)")
        #expect(run.errors.contains(words[what == "evidence" ? 2 : 0]))
        #expect(run.output.isEmpty)
    }

    @Test("A file without permission: 66", .enabled(if: TestMachine.isRoot, "needs root, to run as nobody"))
    func unreadable() throws {
        let path = try file("secret", CaptureBytes.sound())
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let run = try CommandRun(Self.asNobody([try binaryForAll(), "join", path, "--evidence", path]))
        #expect(run.status == 66, "\(run.errors)")
        #expect(run.errors.contains("secret"))
    }

    @Test(
        "Anybody may join, in an empty root folder, and says the same", .enabled(if: TestMachine.isRoot, "needs root"))
    func sameOutputForNobody() throws {
        let sample = TestMachine.package.appending(path: "Tests/Cases/sample")
        for name in ["input.pcap", "evidence.pcapng"] {
            try FileManager.default.copyItem(at: sample.appending(path: name), to: folder.appending(path: name))
        }
        let words = ["join", "input.pcap", "--evidence", "evidence.pcapng", "--format", "ndjson"]
        let whosent = try binaryForAll()
        let change = ["/usr/bin/env", "-C", folder.path]
        let here = try CommandRun(change + [whosent] + words)
        let nobody = try CommandRun(change + Self.asNobody([whosent] + words))
        #expect(here.status == 0 && here.output.count > 1000)
        #expect(nobody.status == 0 && nobody.output == here.output, "\(nobody.errors)")
    }

    @Test(
        "A wrong command line: 64 and a sentence",
        arguments: [
            ["join"], ["join", "x.pcap"], ["nonsense"], ["join", "x.pcap", "--evidence", "y", "--format", "xml"],
            ["live", "-w", "-", "--format", "ndjson"], ["live", "udp", "--no-such-option"],
            ["join", "x.pcap", "--evidence", "y", "-w", "-", "--format", "csv"], ["record"],
            ["live", "--duration", "soon"], ["live", "--pktap"], ["join", "x.pcap", "--evidence", "y", "--pktap"],
        ])
    func usage(words: [String]) throws {
        let run = try CommandRun([TestMachine.whosent] + words)
        #expect(run.status == 64, "\(run.errors)")
        #expect(!run.errors.isEmpty && run.output.isEmpty)
    }

    @Test("A filter that is none: 64")
    func wrongFilter() throws {
        let run = try join(file("sound", CaptureBytes.sound()), "--filter", "udp and and")
        #expect(run.status == 64, "\(run.errors)")
    }

    @Test("A full disk: 74", arguments: ["lines", "capture"])
    func fullDisk(what: String) throws {
        let path = try file("sound", CaptureBytes.sound(count: 2003))
        let words = [TestMachine.whosent, "join", path, "--evidence", try evidence()]
        let run =
            what == "lines"
            ? try CommandRun(["/bin/sh", "-c", "\(words.joined(separator: " ")) --format ndjson > /dev/full"])
            : try CommandRun(words + ["-w", "/dev/full"])
        #expect(run.status == 74, "\(run.errors)")
        #expect(run.errors.contains("space"), "\(run.errors)")
    }

    @Test("A reader that goes away early is no failure")
    func closedPipe() throws {
        let path = try file("sound", CaptureBytes.sound(count: 20011))
        let words = [TestMachine.whosent, "join", path, "--evidence", try evidence(), "--format", "ndjson"]
        let run = try CommandRun([
            "/bin/bash", "-c", "\(words.joined(separator: " ")) | head -1; exit ${PIPESTATUS[0]}",
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.split(separator: "\n").count == 1)
        #expect(run.errors.isEmpty, "\(run.errors)")
    }

    @Test("Results go to standard output, diagnostics to standard error, without colour")
    func streams() throws {
        let run = try CommandRun([
            TestMachine.whosent, "join", try file("sound", CaptureBytes.sound()), "--evidence", try evidence(), "-v",
        ])
        #expect(run.status == 0 && run.text.contains("unknown"))
        #expect(!run.output.contains(0x1B) && !run.errors.contains("\u{1B}"))
    }

    /// A copy of the command that another user may run: the build folder may be closed to them.
    private func binaryForAll() throws -> String {
        let copy = folder.appending(path: "whosent")
        try FileManager.default.copyItem(atPath: TestMachine.whosent, toPath: copy.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
        return copy.path
    }

    static func asNobody(_ words: [String]) -> [String] {
        ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + words
    }
}
