import Foundation
import Testing

/// A mistake that a newcomer makes: the words, the status, and what is answered.
struct Mistake: Sendable, CustomTestStringConvertible {
    var words: [String]
    var status: Int32
    /// What standard error holds; FOLDER stands for where the files are.
    var answer: String
    var testDescription: String { words.joined(separator: " ") }

    init(_ words: String, _ status: Int32, _ answer: String) {
        // Blanks inside an argument are written as underscores.
        self.words = words.split(separator: " ").map { $0.replacingOccurrences(of: "_", with: " ") }
        self.status = status
        self.answer = answer
    }
}

/// Every error of the first minutes, tried with the real command: one or two lines that lead on, and the status that the
/// contract promises.
@Suite("First minutes", .serialized)
struct FirstMinutesTests {
    private let folder: URL

    init() throws {
        folder = try TestMachine.temporaryFolder()
        let sample = TestMachine.package.appending(path: "Tests/Cases/sample")
        let copies = [
            "input.pcap": ["capture.pcap", "secret.pcap"], "evidence.pcapng": ["evidence.pcapng", "secret.pcapng"],
        ]
        for (source, names) in copies {
            for name in names {
                try FileManager.default.copyItem(at: sample.appending(path: source), to: folder.appending(path: name))
            }
        }
        for name in ["secret.pcap", "secret.pcapng"] {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: folder.appending(path: name).path)
        }
        try Data().write(to: folder.appending(path: "empty.pcap"))
        try Data("hello\n".utf8).write(to: folder.appending(path: "notes.txt"))
        let capture = try Data(contentsOf: folder.appending(path: "capture.pcap"))
        try capture.prefix(24).write(to: folder.appending(path: "nothing.pcap"))
        try Data(Self.later(Array(capture))).write(to: folder.appending(path: "later.pcap"))
        try FileManager.default.createDirectory(
            at: folder.appending(path: "folder"), withIntermediateDirectories: false)
    }

    /// The same packets two hours later.
    private static func later(_ capture: [UInt8]) -> [UInt8] {
        var bytes = capture
        func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
        var offset = 24
        while offset + 16 <= bytes.count {
            let seconds = number(offset) + 7200
            for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: seconds >> (8 * index)) }
            offset += 16 + number(offset + 8)
        }
        return bytes
    }

    private func check(_ mistake: Mistake, _ run: CommandRun) {
        #expect(run.status == mistake.status, "\(run.text)\(run.errors)")
        #expect((run.errors + run.text).contains(mistake.answer), "\(run.text)\(run.errors)")
        let lines = run.errors.split(separator: "\n")
        // A wrong command line is also shown how it goes and where to read on.
        let usage = lines.filter { $0.hasPrefix("Usage:") || $0.hasPrefix("  See ") || $0.hasPrefix("Help:") }
        #expect(lines.count - usage.count <= 2, "\(run.errors)")
    }

    /// Runs it in the folder.
    private func run(_ words: [String]) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "-C", folder.path] + words)
    }

    static let mistakesOfAnybody = [
        Mistake("liv", 64, "whosent: there is no command liv; there are live, record, join, "),
        Mistake("join capture.pcap", 64, "Error: join needs --evidence FILE, which `whosent record -w FILE` makes"),
        Mistake("join capture.pcap evidence.pcapng", 64, "evidence.pcapng is evidence: put --evidence before it"),
        Mistake(
            "join evidence.pcapng --evidence capture.pcap", 65,
            "evidence.pcapng is the evidence and capture.pcap the capture: whosent join capture.pcap --evidence "
                + "evidence.pcapng"),
        Mistake(
            "join capture.pcap --evidence capture.pcap", 65,
            "capture.pcap is a pcap savefile: it has packets, but does not say who sent them; evidence is what `whosent "
                + "record -w` writes"),
        Mistake("join --evidence evidence.pcapng", 64, "name at least one capture file"),
        Mistake("join empty.pcap --evidence evidence.pcapng", 65, "empty.pcap is empty; capture to it again."),
        Mistake("join capture.pcap --evidence empty.pcap", 65, "empty.pcap is empty; evidence is what `whosent record"),
        Mistake(
            "join nothing.pcap --evidence evidence.pcapng", 0,
            "there is no packet in nothing.pcap: was it stopped too soon?"),
        Mistake(
            "join later.pcap --evidence evidence.pcapng", 0,
            "no coverage: the evidence ends at 2026-03-01T10:21:35.000300000Z, before this packet"),
        Mistake("join capture.pcap --evidence notes.txt", 65, "notes.txt seems to be a text file; evidence is what"),
        Mistake(
            "join notes.txt --evidence evidence.pcapng", 65,
            "notes.txt is not a capture: it is neither pcap nor pcapng, plain or gzipped."),
        Mistake("join none.pcap --evidence evidence.pcapng", 66, "none.pcap does not exist; check its path."),
        Mistake("join capture.pcap --evidence none.pcapng", 66, "none.pcapng does not exist"),
        Mistake(
            "join folder --evidence evidence.pcapng", 66, "folder is a directory; name a capture file in it."),
        Mistake("join capture.pcap --evidence folder", 66, "folder is a directory, not an evidence file"),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng --filter udp_prt_53", 64,
            "The filter expression \"udp prt 53\" cannot be used"),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng --process nosuch", 0,
            "No packet passes the output filter."),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng -w capture.pcap", 64,
            "-w capture.pcap would overwrite the input capture.pcap; name another file"),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng -w none/out.pcapng", 74,
            "cannot create none/out.pcapng: its folder does not exist"),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng -w folder", 74,
            "cannot create folder: it is a folder; name a file in it"),
        Mistake(
            "explain capture.pcap 1 --evidence evidence.pcapng", 64, "The value 'capture.pcap' is invalid for '<frame>'"
        ),
        Mistake(
            "explain 9999 capture.pcap --evidence evidence.pcapng", 65,
            "there is no frame 9999: the capture holds only 35 packets"),
        Mistake("classify", 64, "name at least one capture file"),
        Mistake("classify capture.pcap --rules none.yaml", 66, "cannot read the rules in none.yaml"),
        Mistake("classify capture.pcap --rules notes.txt", 65, "notes.txt:1: expected a mapping with the keys rules"),
        Mistake("evidence none", 66, "none does not exist"),
        Mistake("record", 64, "Missing expected argument '--write <file>'"),
        Mistake("live --format json", 64, "Please provide one of 'text', 'ndjson' or 'csv'."),
        Mistake(
            "live udp prt 53", 64, "The filter expression \"udp prt 53\" cannot be used: can't parse filter expression"),
        Mistake("live lo", 64, "An interface is named with -i: -i lo."),
        Mistake("live ./suspect", 64, "A command to run comes behind two dashes: -- COMMAND."),
        Mistake("record -w ev.pcapng lo", 64, "An interface is named with -i: -i lo."),
        Mistake("live --netns nosuch", 66, "There is no network namespace nosuch; "),
        Mistake("extcap", 64, "Wireshark calls this with options of its extcap protocol"),
    ]

    @Test("Anybody's mistakes", arguments: mistakesOfAnybody)
    func anybody(mistake: Mistake) throws {
        try check(mistake, run([TestMachine.whosent] + mistake.words))
    }

    static let mistakesWithoutRights = [
        Mistake("live", 77, "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. Without BPF, `whosent live"),
        Mistake("record -w ev.pcapng", 77, "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN."),
        Mistake("live udp prt 53", 64, "The filter expression \"udp prt 53\" cannot be used"),
        Mistake("live --socket-table", 77, "Capturing on any needs CAP_NET_RAW; run as root (sudo)."),
        Mistake(
            "live --netns /proc/self/ns/net", 77,
            "Entering the network namespace /proc/self/ns/net needs CAP_SYS_ADMIN; run as root (sudo)."),
        Mistake("join secret.pcap --evidence evidence.pcapng", 66, "secret.pcap may not be read by this user"),
        Mistake("join capture.pcap --evidence secret.pcapng", 66, "secret.pcapng may not be read by this user"),
        Mistake(
            "join capture.pcap --evidence evidence.pcapng -w /etc/out.pcapng", 77,
            "cannot create /etc/out.pcapng: this user may not write there"),
        Mistake("doctor", 77, "live and record cannot work here: User 65534 may not load BPF programs."),
    ]

    @Test(
        "Those of a user without rights", .enabled(if: TestMachine.isRoot, "needs root"),
        arguments: mistakesWithoutRights)
    func withoutRights(mistake: Mistake) throws {
        let whosent = try TestMachine.copyForAll(into: folder)
        try check(mistake, run(CommandLineFileTests.asNobody([whosent] + mistake.words)))
    }

    static let mistakesOfRoot = [
        Mistake("live -i nosuch0", 66, "There is no interface nosuch0; there are "),
        Mistake(
            "record -w ev.pcapng -i nosuch0", 66, "There is no interface nosuch0: `ip link` lists those that exist."),
        Mistake("live --netns notes.txt/x", 66, "There is no network namespace notes.txt/x; "),
        Mistake("live --netns ./notes.txt", 66, "./notes.txt is no network namespace."),
        Mistake("live -i lo -- ./nosuch", 66, "cannot start ./nosuch: No such file or directory"),
        Mistake("record -w folder --duration 0.1", 74, "cannot create folder: it is a folder; name a file in it"),
        Mistake("live -w none/out.pcapng", 74, "cannot create none/out.pcapng: its folder does not exist"),
    ]

    @Test(
        "Those of root", .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"),
        arguments: mistakesOfRoot)
    func privileged(mistake: Mistake) throws {
        try check(mistake, run([TestMachine.whosent] + mistake.words))
    }

    @Test(
        "A live that sees nothing says after ten seconds what it waits for, once",
        .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
    func quiet() throws {
        let run = try CommandRun([
            "/usr/bin/unshare", "--net", TestMachine.whosent, "live", "--duration", "10.5", "udp", "port", "7001",
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.errors
                == "ready\nwhosent: no packet in 10 s; still waiting for UDP or ICMP on any interface of this network "
                + "namespace that passes \"udp port 7001\" (--netns NAME looks into another, Ctrl-C ends it)\n")
    }
}
