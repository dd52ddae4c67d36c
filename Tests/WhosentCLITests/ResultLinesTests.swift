import Foundation
import Reporting
import Testing

@testable import WhosentCLI

@Suite("NDJSON of earlier runs")
struct ResultLinesTests {
    private static func packet(_ frame: Int) -> String {
        """
        {"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"network":{"bytes":36},\
        "destination":{"ip":"192.0.2.7","port":53},"process":{"pid":1,"name":"a"},\
        "whosent":{"frame":\(frame),"capture":"c","payload":{"length":8,"prefix":"00"},"verdict":"process",\
        "confidence":"exact","method":"packet","reason":"matches","candidates":[]}}
        """
    }

    private static func summary(_ packets: UInt64) -> String {
        """
        {"whosent":{"summary":{"packets":\(packets),"coverage":[{"start":"2026-03-01T09:00:00.000000000Z",\
        "stop":"2026-03-01T11:00:00.000000000Z","filter":"","lost":[]}]}}}
        """
    }

    /// The report on a file of lines.
    private static func report(_ lines: [String]) throws -> IncidentReport {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).ndjson")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        let source = try ReportSource(path: file.path, isEvidenceGiven: false)
        let digest = ReportDigest()
        var results = ResultLines(source)
        try results.add(to: digest)
        return digest.report(on: IncidentReport.Question(inputs: [.init(name: source.name, role: source.role)]))
    }

    @Test(
        "Runs in one file: what no summary counts was cut short",
        arguments: [
            // Lines before each summary, what the summaries count, lines behind the last; judged, cut short.
            ([3], [3], 0, 3, false), ([3, 2], [3, 2], 0, 5, false), ([3], [3], 2, 5, true), ([], [], 2, 2, true),
            ([5], [3], 0, 5, true), ([2, 5], [2, 3], 0, 7, true), ([5, 2], [3, 2], 1, 8, true), ([1], [0], 0, 1, true),
            // Fewer lines may be the work of filters.
            ([2], [3], 0, 3, false), ([0], [3], 0, 3, false),
        ] as [([Int], [UInt64], Int, UInt64, Bool)])
    func runs(lines: [Int], counted: [UInt64], behind: Int, judged: UInt64, isCut: Bool) throws {
        let runs = zip(lines, counted).flatMap { lines, counted in
            (0..<lines).map { Self.packet($0 + 1) } + [Self.summary(counted)]
        }
        let report = try Self.report(runs + (0..<behind).map { Self.packet($0 + 1) })
        #expect(report.figures.packets == judged)
        #expect(report.figures.inputsWithoutSummary == (isCut ? [report.question.inputs[0].name] : []))
        let cautions = report.assurance.filter { $0.isCaution }.map(\.text)
        #expect(cautions.contains { $0.contains("holds packets without a summary that counts them") } == isCut)
        if !isCut {
            #expect(report.sentences[2].contains("no loss of evidence or packets is recorded") || lines == [0])
        }
        let fewer = judged - UInt64(lines.reduce(behind, +))
        #expect(cautions.contains { $0.contains("filtered out or are missing") } == (fewer > 0))
    }
}
