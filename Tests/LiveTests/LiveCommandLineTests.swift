import Foundation
import Testing

/// The lab's network for one test; gone when the test is.
final class LabNetwork {
    private let command: StartedCommand
    private var names: [String: String] = [:]

    init() throws {
        command = try StartedCommand([
            "/usr/bin/env", "python3", TestMachine.package.appending(path: "tools/lab/netlab.py").path,
        ])
        try command.wait(for: "guest ")
        for line in String(decoding: command.output, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 2 { names[words[0]] = words[1] }
        }
    }

    deinit { _ = try? command.finish() }

    /// The full name of a namespace.
    func name(of short: String) -> String { names[short] ?? "none" }

    /// Words that run a command in a namespace.
    func inside(_ short: String, _ words: [String]) -> [String] {
        ["/usr/bin/env", "ip", "netns", "exec", names[short] ?? "none"] + words
    }
}

/// What can befall `live` and `record` while they watch.
@Suite("Command line, live", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct LiveCommandLineTests {
    private func sendFrom(_ network: LabNetwork, count: Int = 23) throws {
        let senders = try LabRun.buildSenders().path
        let run = try CommandRun(
            network.inside(
                "host",
                [
                    "\(senders)/sender", "sendto", "--row", "x", "--token", "0000abcd", "--source", "192.0.2.1",
                    "--destination", "192.0.2.2", "--port", "7001", "--count", "\(count)",
                ]))
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test("An interrupt ends it well, with the summary", arguments: [SIGINT, SIGTERM])
    func interrupt(signal: Int32) throws {
        let network = try LabNetwork()
        let live = try StartedCommand(
            network.inside("host", [TestMachine.whosent, "live", "-i", "h0", "--format", "ndjson", "udp port 7001"]))
        try live.wait(for: "ready")
        try sendFrom(network)
        usleep(1_300_000)
        live.send(signal: signal)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 0, "\(run.errors)")
        let output = try ReportedOutput(run.output)
        #expect(output.lines.count == 23)
        #expect(output.lines.allSatisfy { $0.process?.name == "sender" })
    }

    @Test("A packet's line comes while the tool runs, within two seconds")
    func timely() throws {
        let network = try LabNetwork()
        let live = try StartedCommand(
            network.inside("host", [TestMachine.whosent, "live", "-i", "h0", "--format", "ndjson", "udp port 7001"]))
        try live.wait(for: "ready")
        try sendFrom(network, count: 1)
        try live.wait(for: #""name":"sender""#, seconds: 2)
        live.send(signal: SIGINT)
        #expect(try live.finish(seconds: 10).status == 0)
    }

    @Test("-w --pktap gives old versions of Wireshark typed fields, and counts what was captured")
    func pktap() throws {
        let network = try LabNetwork()
        let file = try TestMachine.temporaryFolder().appending(path: "named.pcapng").path
        let live = try StartedCommand(
            network.inside("host", [TestMachine.whosent, "live", "-i", "h0", "-w", file, "--pktap", "udp port 7001"]))
        try live.wait(for: "ready")
        try sendFrom(network)
        usleep(1_300_000)
        live.send(signal: SIGINT)
        #expect(try live.finish(seconds: 10).status == 0)
        let tshark = try CommandRun([
            "/usr/bin/env", "tshark", "-n", "-r", file, "-Y", #"pktap.cmdname == "sender" && pktap.ifname == "h0""#,
            "-T", "fields", "-e", "pktap.pid", "-e", "pktap.flags", "-e", "udp.dstport",
        ])
        let lines = tshark.text.split(separator: "\n")
        #expect(lines.count == 23 && Set(lines).count == 1, "\(tshark.text)")
        #expect(lines.allSatisfy { $0.hasSuffix("\t0x00000002\t7001") })
        let blocks = try CommandRun([
            "/usr/bin/env", "python3", TestMachine.package.appending(path: "Tests/Witnesses/pcapng_dump.py").path, file,
        ])
        let statistics = blocks.text.split(separator: "\n").filter { $0.contains(#""block": "ISB""#) }
        #expect(statistics.count == 1 && statistics[0].contains("[4, 23], [5, 0]"), "\(statistics)")
    }

    @Test("-c ends it after that many packets, --duration after that time, a command with its status")
    func endings() throws {
        let network = try LabNetwork()
        let counted = try StartedCommand(
            network.inside(
                "host", [TestMachine.whosent, "live", "-i", "h0", "-c", "7", "--format", "ndjson", "udp port 7001"]))
        try counted.wait(for: "ready")
        try sendFrom(network)
        let run = try counted.finish(seconds: 10)
        #expect(run.status == 0)
        #expect(try ReportedOutput(run.output).lines.count == 7)
        let timed = try CommandRun(
            network.inside("host", [TestMachine.whosent, "live", "--duration", "0.5", "--format", "ndjson"]),
            seconds: 10)
        #expect(timed.status == 0)
        let command = try CommandRun(
            network.inside(
                "host", [TestMachine.whosent, "live", "--format", "ndjson", "--", "/bin/sh", "-c", "exit 7"]),
            seconds: 20)
        #expect(command.status == 0, "\(command.errors)")
        #expect(try ReportedOutput(command.output).summary.commandStatus == 7)
    }

    @Test("An interface that is not there: 66")
    func missingInterface() throws {
        for command in [["live", "-i", "nosuch0"], ["record", "-w", "/dev/null", "-i", "nosuch0"]] {
            let run = try CommandRun([TestMachine.whosent] + command)
            #expect(run.status == 66, "\(run.errors)")
            #expect(run.errors.contains("nosuch0"))
        }
    }

    @Test("An interface that disappears: what was seen until then is reported, and the end is explained")
    func vanishingInterface() throws {
        let network = try LabNetwork()
        let live = try StartedCommand(
            network.inside("host", [TestMachine.whosent, "live", "-i", "h0", "--format", "ndjson", "udp port 7001"]))
        try live.wait(for: "ready")
        try sendFrom(network)
        usleep(300_000)
        #expect(try CommandRun(network.inside("host", ["ip", "link", "delete", "h0"])).status == 0)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 66, "\(run.errors)")
        #expect(run.errors.contains("h0"))
        #expect(try ReportedOutput(run.output).lines.count == 23)
    }

    @Test("A reader that goes away early ends it without a word")
    func closedPipe() throws {
        let network = try LabNetwork()
        let script = "\(TestMachine.whosent) live -i h0 --format ndjson udp port 7001 | head -1; exit ${PIPESTATUS[0]}"
        let live = try StartedCommand(network.inside("host", ["/bin/bash", "-c", script]))
        try live.wait(for: "ready")
        try sendFrom(network)
        usleep(1_500_000)
        try sendFrom(network)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.split(separator: "\n").count == 1)
    }

    @Test("A killed record leaves evidence that is readable to its last whole block")
    func killedRecord() throws {
        let network = try LabNetwork()
        let folder = try TestMachine.temporaryFolder()
        let (evidence, capture) = (folder.appending(path: "ev.pcapng").path, folder.appending(path: "cap.pcap").path)
        let tcpdump = try StartedCommand(
            network.inside(
                "host", ["tcpdump", "-Z", "root", "-U", "--immediate-mode", "-s", "512", "-i", "h0", "-w", capture]))
        try tcpdump.wait(for: "listening on")
        let record = try StartedCommand(network.inside("host", [TestMachine.whosent, "record", "-w", evidence]))
        try record.wait(for: "ready")
        try sendFrom(network)
        usleep(1_500_000)
        record.send(signal: SIGKILL)
        _ = try record.finish(seconds: 10)
        tcpdump.send(signal: SIGINT)
        _ = try tcpdump.finish(seconds: 10)
        let run = try CommandRun([
            TestMachine.whosent, "join", capture, "--evidence", evidence, "--format", "ndjson", "--filter",
            "udp port 7001",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        #expect(lines.count == 23 && lines.allSatisfy { $0.process?.name == "sender" })
    }

    @Test(
        "Without root: 77, and a sentence that says what to do", arguments: [["live"], ["record", "-w", "/dev/null"]])
    func notRoot(words: [String]) throws {
        let folder = try TestMachine.temporaryFolder()
        let copy = folder.appending(path: "whosent").path
        try FileManager.default.copyItem(atPath: TestMachine.whosent, toPath: copy)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy)
        let run = try CommandRun(CommandLineFileTests.asNobody([copy] + words))
        #expect(run.status == 77, "\(run.errors)")
        #expect(run.errors.contains("root"), "\(run.errors)")
        #expect(run.output.isEmpty)
    }

    @Test("Without BTF: 69, and a sentence that names it")
    func withoutBTF() throws {
        let script = "mount -t tmpfs none /sys/kernel/btf && exec \(TestMachine.whosent) live"
        let run = try CommandRun(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script], seconds: 20)
        #expect(run.status == 69, "\(run.errors)")
        #expect(run.errors.contains("BTF"))
    }

    @Test("doctor finds everything in order here")
    func doctor() throws {
        let run = try CommandRun([TestMachine.whosent, "doctor", "--format", "ndjson"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.contains("BTF"))
    }
}
