import Foundation
import Testing

/// What `join -w` writes, in the hands of Debian's tcpdump and Wireshark.
@Suite(
    "Annotated captures in other tools",
    .enabled("tcpdump and tshark are installed") {
        TestMachine.requiresBPF
            || (try? CommandRun(["/bin/sh", "-c", "command -v tshark && command -v tcpdump"]))?.status == 0
    })
struct WiresharkTests {
    private let folder: URL
    private let input = CaseFolder("sample").file("input.pcap").path

    init() throws { folder = try TestMachine.temporaryFolder() }

    private func annotated(_ more: String...) throws -> String {
        let path = folder.appending(path: "named.pcapng").path
        let run = try CommandRun(
            [
                TestMachine.whosent, "join", input, "--evidence", CaseFolder("sample").file("evidence.pcapng").path,
                "-w", path,
            ] + more)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        return path
    }

    /// Runs a reader; what it says besides its answer is a warning.
    private func read(_ words: [String]) throws -> String {
        let run = try CommandRun(["/usr/bin/env"] + words, environment: ["HOME": "/nonexistent"])
        let usual = ["reading from file", "Running as user"]
        let said = run.errors.split(separator: "\n").filter { line in !usual.contains { line.hasPrefix($0) } }
        #expect(run.status == 0 && said.isEmpty, "\(words): \(said)")
        return run.text
    }

    private func frames(_ file: String, _ filter: String, _ more: [String] = []) throws -> [Int] {
        try read(["tshark", "-n", "-r", file, "-Y", filter, "-T", "fields", "-e", "frame.number"] + more)
            .split(separator: "\n").compactMap { Int($0) }
    }

    @Test("The captured bytes, lengths and times are those of the input")
    func unchanged() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try annotated()
        let tcpdump = ["tcpdump", "-nn", "-xx", "-tt", "--time-stamp-precision=nano", "-r"]
        let packets = try read(tcpdump + [input])
        #expect(packets.count > 10_000)
        #expect(try read(tcpdump + [file]) == packets)
        let tshark = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"]
        #expect(try read(["tshark", "-n", "-r", file] + tshark) == read(["tshark", "-n", "-r", input] + tshark))
    }

    @Test("Behind pktap's header too")
    func unchangedBehindHeader() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try annotated("--pktap")
        let bare = folder.appending(path: "bare.pcapng").path
        _ = try read(["editcap", "-C", "108", "-T", "ether", file, bare])
        let tcpdump = ["tcpdump", "-nn", "-xx", "-tt", "--time-stamp-precision=nano", "-r"]
        #expect(try read(tcpdump + [bare]) == read(tcpdump + [input]))
        let named = try read([
            "tshark", "-n", "-r", file, "-Y", "pktap.pid == 2317", "-T", "fields", "-e", "frame.number", "-e",
            "pktap.pid", "-e", "pktap.cmdname",
        ])
        #expect(named == "18\t2317\tmad\n22\t2317\tmad\n24\t2317\tmad\n")
    }

    @Test("A capture with pktap headers can be joined again, with the same answers")
    func joinedAgain() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try annotated("--pktap")
        let evidence = CaseFolder("sample").file("evidence.pcapng").path
        let lines = try [input, file].map { capture in
            let run = try CommandRun([
                TestMachine.whosent, "join", capture, "--evidence", evidence, "--format", "ndjson",
            ])
            return try ReportedOutput(run.output).lines.map {
                [$0.whosent.verdict, $0.whosent.confidence, $0.process?.name ?? "", $0.whosent.tag ?? ""]
            }
        }
        #expect(lines[0].count == 24 && lines[1] == lines[0])
    }

    @Test(
        "Comments and directions are filterable",
        arguments: [
            (#"frame.comment contains "PID=2317 ""#, [18, 22, 24]),
            (#"frame.comment contains "NAME=\"ping\"""#, [26, 28]),
            (#"frame.comment contains "TAG=dsaccess-ping" && frame.packet_flags_direction == 1"#, [19, 23, 25]),
            (#"frame.packet_flags_direction == 2 && !icmp"#, Array(12...17) + [20] + Array(30...35)),
            (#"frame.comment && tcp"#, []),
        ])
    func filters(filter: String, expected: [Int]) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try frames(annotated(), filter) == expected)
    }

    @Test(
        "The post-dissector's fields are filterable",
        arguments: [
            ("whosent.pid == 2317", [18, 22, 24]), (#"whosent.verdict == "received" && dns"#, [21]),
            (#"whosent.name == "ping" && whosent.confidence == "exact""#, [26, 28]), ("whosent && tcp", []),
        ])
    func postDissector(filter: String, expected: [Int]) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = TestMachine.package.appending(path: "tools/wireshark/whosent.lua").path
        #expect(try frames(annotated(), filter, ["-X", "lua_script:\(script)"]) == expected)
    }

    @Test("The interface's statistics and the tool are shown")
    func statistics() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try read(["capinfos", annotated()])
        #expect(text.contains("Capture application: whosent") && text.contains("Number of stat entries = 1"))
        #expect(
            text.contains("File timestamp precision:  nanoseconds (9)") && text.contains("Strict time order:   True"))
        let blocks = try read([
            "python3", TestMachine.package.appending(path: "Tests/Witnesses/pcapng_dump.py").path, annotated(),
        ])
        let statistics = blocks.split(separator: "\n").filter { $0.contains(#""block": "ISB""#) }
        // Option 4 is what the interface received, option 5 what it dropped.
        #expect(statistics.count == 1 && statistics[0].contains("[4, 35], [5, 0]"))
    }
}
