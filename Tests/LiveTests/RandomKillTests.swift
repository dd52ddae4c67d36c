import Foundation
import Testing

/// Senders that are killed in the middle, again and again: nobody's packet gets another's name.
@Suite("Random kills", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct RandomKillTests {
    private static let names = ["first", "second", "third"]
    private static let basePort = 24000

    @Test("Row 20's sender killed at random times, 20 times over: every name is the packet's own")
    func reusedIDs() throws {
        let network = try LabNetwork()
        let senders = try LabRun.buildSenders().path
        let live = try StartedCommand(
            network.inside(
                "host",
                [TestMachine.whosent, "live", "-i", "h0", "--format", "ndjson", "udp and dst portrange 7401-7420"]))
        try live.wait(for: "ready")
        for round in 1...20 {
            let sender = try StartedCommand(
                network.inside(
                    "host",
                    [
                        "\(senders)/sender", "reuse", "--row", "20", "--token",
                        "0000ab\(String(format: "%02x", round))",
                        "--source", "192.0.2.1", "--destination", "192.0.2.2", "--port", "\(7400 + round)", "--count",
                        "300", "--helper", senders,
                    ]))
            usleep(UInt32.random(in: 20_000...400_000))
            sender.send(signal: SIGKILL)
            _ = try sender.finish(seconds: 10)
        }
        usleep(1_000_000)
        live.send(signal: SIGINT)
        let run = try live.finish(seconds: 20)
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        let named = lines.filter { $0.process != nil }
        #expect(named.count > 100 && named.count == lines.count, "\(named.count) of \(lines.count)")
        for line in named { Self.expectOwnName(line) }
    }

    /// The command line of each holds the packet's port and payload, and its program follows from the port.
    private static func expectOwnName(_ line: ReportedLine) {
        guard let port = line.source.port, let process = line.process, let arguments = process.args else {
            Issue.record("\(line)")
            return
        }
        let name = names[(port - basePort) % 3]
        #expect(process.name == name && process.executable?.hasSuffix("/\(name)") == true, "\(line)")
        #expect(arguments.count == 7 && arguments[3] == "\(port)", "\(line)")
        #expect(arguments.last?.hasPrefix(line.whosent.payload.prefix ?? "-") == true, "\(line)")
        #expect(line.whosent.verdict == "process" && line.whosent.confidence == "exact", "\(line)")
    }
}
