import Foundation

/// One run of the lab, shared by all accuracy tests: starting the tools for each row would take minutes.
struct LabSession: Sendable {
    /// How a command of the run ended.
    struct Command: Decodable, Sendable {
        var name: String
        var pid: Int?
        var status: Int?

        enum CodingKeys: String, CodingKey { case name, pid, status }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            name = try values.decode(String.self, forKey: .name)
            pid = try values.decodeIfPresent(Int.self, forKey: .pid)
            // A tool that had to be killed has a sentence in place of its status.
            status = try? values.decode(Int.self, forKey: .status)
        }
    }

    private struct Record: Decodable {
        var failure: String?
        var skipped: [String: String]
        var commands: [Command]
    }

    /// Where the run left its files.
    let folder: URL
    let sent: [SentPacket]
    let commands: [Command]
    /// Rows that this kernel cannot run, with the reason.
    let skipped: [String: String]
    let outputs: [Way: ReportedOutput]
    let comparisons: [Way: Comparison]

    /// The run, made when the first test asks for it.
    static let shared = Result { try LabSession() }

    /// The tools' own process ids: they send calibration datagrams to themselves.
    var toolPIDs: Set<Int> { Set(commands.compactMap(\.pid)) }

    private init() throws {
        folder = try LabRun.folder(of: "accuracy")
        let decoder = JSONDecoder()
        let truth = try Data(contentsOf: folder.appending(path: "truth.ndjson"))
        sent = try truth.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(SentPacket.self, from: $0) }
        let record = try decoder.decode(
            Record.self, from: Data(contentsOf: folder.appending(path: "session.json")))
        if let failure = record.failure { throw CommandFailure(description: failure) }
        commands = record.commands
        skipped = record.skipped
        var outputs: [Way: ReportedOutput] = [:]
        for way in Way.allCases {
            outputs[way] = try ReportedOutput(Data(contentsOf: folder.appending(path: "\(way.rawValue).ndjson")))
        }
        self.outputs = outputs
        let packets = sent
        comparisons = Dictionary(
            uniqueKeysWithValues: outputs.map { way, output in
                (way, Comparison(sent: packets, lines: output.lines, way: way))
            })
        try writeResults()
    }

    /// The verdicts on one case's packets.
    func result(of test: AccuracyCase) throws -> RowResult {
        guard let comparison = comparisons[test.way] else { throw CommandFailure(description: "no \(test.way) output") }
        if let reason = skipped[test.row.id] {
            return RowResult(notRun: test.row, test.family, test.way, because: reason)
        }
        return comparison.result(of: test.row, test.family)
    }

    /// Leaves the figures for the accuracy document.
    private func writeResults() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var results = try AccuracyCase.all.map { try result(of: $0) }
        for (way, comparison) in comparisons.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where way != .joinFiltered && way != .joinPeer {
            for family in Family.allCases {
                results += KernelMade.results(comparison, way, family)
                results += outerResults(comparison, way, family)
            }
        }
        try encoder.encode(results).write(to: folder.appending(path: "results.json"))
    }
}

/// Row 28: what the kernels of the lab's namespaces made.
enum KernelMade {
    private static let host: [Family: Set<String>] = [
        .ipv4: ["192.0.2.1", "192.0.2.11"], .ipv6: ["2001:db8:1::1", "2001:db8:1::11"],
    ]
    private static let peer: [Family: Set<String>] = [.ipv4: ["192.0.2.2"], .ipv6: ["2001:db8:1::2"]]

    /// Echo replies, port unreachables, and those that REJECT on OUTPUT sends to the sender's own machine.
    static func results(_ comparison: Comparison, _ way: Way, _ family: Family) -> [RowResult] {
        var results = AccuracyRow.all.filter { $0.isAnswered || $0.id == "28-request" }.map {
            comparison.replyResult(of: $0, family)
        }
        let here = host[family] ?? [], there = peer[family] ?? []
        results.append(comparison.unreachableResult(source: here, destination: there, count: 23, family))
        if way != .joinEthernet {
            results.append(comparison.unreachableResult(source: here, destination: here, count: 23, family))
        }
        return results
    }
}
