import Foundation
import Testing

/// Row 32 with the queue's daemon killed at random times: what it carried may be lost, but is nobody else's.
@Suite(
    "A queue daemon that is killed", .serialized,
    .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct QueueDaemonTests {
    @Test("Twenty daemons die, and every packet that left has its sender")
    func killedAtRandomTimes() throws {
        let folder = TestMachine.package.appending(path: "out/queue-kills")
        try? FileManager.default.removeItem(at: folder)
        let senders = try LabRun.buildSenders()
        let run = try CommandRun(
            [
                "/usr/bin/env", "python3", TestMachine.package.appending(path: "tools/lab/queue_kills.py").path,
                "--whosent", TestMachine.whosent, "--senders", senders.path, "--output", folder.path,
            ], seconds: 150)
        // Where there are no queues there is no daemon either.
        if run.errors.contains("NFQUEUE") { try Test.cancel("not on this kernel: \(run.errors)") }
        try #require(run.status == 0, "\(run.errors)")
        let decoder = JSONDecoder()
        let sent = try Data(contentsOf: folder.appending(path: "truth.ndjson"))
            .split(separator: UInt8(ascii: "\n")).map { try decoder.decode(SentPacket.self, from: $0) }
        let row = try #require(AccuracyRow.all.first { $0.id == "32" })
        for way in [Way.live, .joinAny] {
            let output = try ReportedOutput(Data(contentsOf: folder.appending(path: "\(way.rawValue).ndjson")))
            let comparison = Comparison(sent: sent, lines: output.lines, way: way)
            for family in Family.allCases {
                let result = comparison.result(of: row, family)
                let problems = Comment(rawValue: "\(run.errors)\(result.problems.joined(separator: "\n"))")
                #expect(result.wrong == 0 && result.unknown == 0 && result.incomplete == 0, problems)
                #expect(result.right > 100, problems)
                #expect(result.right + result.miscounted == result.sent, "a packet that did not leave is seen nowhere")
            }
        }
    }
}
