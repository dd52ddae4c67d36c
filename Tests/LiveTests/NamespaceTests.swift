import Foundation
import Testing

/// `--netns`: as if the tool had been started in the namespace.
@Suite("Network namespaces", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct NamespaceTests {
    private func sender(_ count: Int) throws -> [String] {
        [
            try LabRun.buildSenders().appending(path: "sender").path, "sendto", "--row", "x", "--token", "0000abcd",
            "--source", "192.0.2.1", "--destination", "192.0.2.2", "--port", "7001", "--count", "\(count)",
        ]
    }

    @Test("live sees the namespace's packets, runs COMMAND in it, and names it")
    func live() throws {
        let network = try LabNetwork()
        let name = network.name(of: "host")
        // COMMAND shares standard output, and this one says what it sent.
        let command = ["/bin/sh", "-c", "exec \"$@\" >/dev/null", "sh"] + (try sender(23))
        let live = [
            TestMachine.whosent, "live", "--netns", name, "-i", "h0", "--format", "ndjson", "udp port 7001", "--",
        ]
        let run = try CommandRun(live + command)
        #expect(run.status == 0, "\(run.errors)")
        let output = try ReportedOutput(run.output)
        #expect(output.lines.count == 23)
        #expect(output.lines.allSatisfy { $0.process?.name == "sender" && $0.whosent.confidence == "exact" })
        #expect(output.lines.allSatisfy { $0.observer?.egress?.interface.name == "h0" })
    }

    @Test("A path leads to a namespace, and what comes in from another one is its sender's")
    func path() throws {
        let network = try LabNetwork()
        let path = "/run/netns/\(network.name(of: "peer"))"
        let live = try StartedCommand([
            TestMachine.whosent, "live", "--netns", path, "-i", "any", "--format", "ndjson", "-c", "23",
            "udp port 7001",
        ])
        try live.wait(for: "ready")
        #expect(try CommandRun(network.inside("host", sender(23))).status == 0)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        #expect(lines.count == 23 && lines.allSatisfy { $0.process?.name == "sender" })
        #expect(lines.allSatisfy { $0.observer?.ingress?.interface.name == "p0" })
    }

    @Test("record --netns -i keeps what leaves by that namespace's interface, and nothing of its namesakes'")
    func record() throws {
        let network = try LabNetwork()
        let evidence = try TestMachine.temporaryFolder().appending(path: "ev.pcapng").path
        let record = try StartedCommand([
            TestMachine.whosent, "record", "--netns", network.name(of: "host"), "-i", "lo", "-w", evidence,
        ])
        try record.wait(for: "ready")
        #expect(try CommandRun(network.inside("host", sender(23))).status == 0)
        let local =
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 7003))"
        for place in ["host", "peer"] {
            #expect(try CommandRun(network.inside(place, ["/usr/bin/env", "python3", "-c", local])).status == 0)
        }
        usleep(200_000)
        record.send(signal: SIGINT)
        let run = try record.finish(seconds: 10)
        #expect(run.status == 0 && run.errors.contains("\n1 send records written\n"), "\(run.errors)")
    }
}
