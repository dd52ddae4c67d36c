import Foundation

/// A case of tools/lab/floods.py.
enum FloodCase: String, CaseIterable, Sendable {
    case loss, volume, hostile, forwarding

    /// The row of the matrix.
    var row: String {
        switch self {
        case .loss: "37-loss"
        case .volume: "38"
        case .hostile: "40"
        case .forwarding: "40-forwarding"
        }
    }

    var title: String {
        switch self {
        case .loss: "in a loss interval"
        case .volume: "8 processes at full speed"
        case .hostile: "beside a flood of sockets, processes and flows, with small tables"
        case .forwarding: "beside a forwarding flood"
        }
    }
}

/// What came of a case: the payloads say who sent each packet, and the lab counted how the verdicts compare.
struct FloodRun: Decodable, Sendable {
    /// The packets of one kind of sender.
    struct Group: Decodable, Sendable {
        var token: String
        var name: String
        /// As the senders counted.
        var sent: Int
        var seen: Int
        /// The right process, `exact`.
        var exact: Int
        /// The right process, less sure.
        var weaker: Int
        var ambiguous: Int
        /// `unknown`, as evidence was lost around that time.
        var lost: Int
        /// `unknown` for another reason.
        var unknown: Int
        var forwarded: Int
        /// Another process, or another process's name.
        var wrong: Int
        /// The right process without its name.
        var nameless: Int
        /// A line that is neither exact nor lost.
        var example: String

        /// The right process. One packet in 65,536 has the IP id 0, and then a loss nearby weakens its match; else all
        /// of them are exact.
        var named: Int { weaker <= sent / 16_384 + 8 ? exact + weaker : exact }
    }

    struct Interval: Decodable, Sendable {
        var kind: String
        var count: Int
    }

    struct Coverage: Decodable, Sendable {
        var lost: [Interval]
    }

    struct Summary: Decodable, Sendable {
        var packets: Int
        var records: Int
        var lost: [String: Int]
        var coverage: [Coverage]

        /// Dated losses of a kind, added up.
        func dated(_ kind: String) -> Int {
            coverage.flatMap(\.lost).filter { $0.kind == kind }.map(\.count).reduce(0, +)
        }
    }

    var groups: [Group]
    var summary: Summary
    var commands: [LabSession.Command]
    /// Packets that the kernel dropped for want of room in the capture's buffer, as the capture counted.
    var captureDrops: Int
    /// What `record` said at its end.
    var account: [String]?
    var evidenceBytes: Int?
    /// Packets that left by the captured interface meanwhile, as the kernel counted.
    var transmitted: Int?
    /// For how long the flood ran.
    var seconds: Double?

    enum CodingKeys: String, CodingKey {
        case groups, summary, commands, account, transmitted, seconds
        case captureDrops = "capture_drops"
        case evidenceBytes = "evidence_bytes"
    }

    /// The command under test: a debug build is too slow for millions of packets.
    private static let whosent = ProcessInfo.processInfo.environment["WHOSENT_FLOOD_BINARY"] ?? TestMachine.whosent

    /// How many packets row 38 has.
    private static let packets =
        ProcessInfo.processInfo.environment["WHOSENT_FLOOD_PACKETS"].flatMap(Int.init) ?? 200_000

    /// Runs a case.
    init(_ flood: FloodCase, _ way: Way) throws {
        if LabRun.given != nil {
            // It was run elsewhere, and is only judged here.
            let output = FloodResults.folder.appending(path: "\(flood.rawValue)-\(way == .live ? "live" : "join").out")
            self = try JSONDecoder().decode(FloodRun.self, from: Data(contentsOf: output))
            return
        }
        let folder = FloodResults.folder.appending(path: "\(flood.rawValue)-\(way.rawValue)")
        try? FileManager.default.removeItem(at: folder)
        let senders = try LabRun.buildSenders()
        let run = try CommandRun(
            [
                "/usr/bin/env", "python3", TestMachine.package.appending(path: "tools/lab/floods.py").path,
                flood.rawValue, "--way", way == .live ? "live" : "join", "--whosent", Self.whosent, "--senders",
                senders.path, "--output", folder.path, "--packets", "\(Self.packets)",
            ], seconds: 240)
        guard run.status == 0 else { throw CommandFailure(description: run.errors) }
        self = try JSONDecoder().decode(FloodRun.self, from: run.output)
    }

    /// Senders' packets, and how many of them have which verdict: the sum has to be what was sent.
    var equation: String {
        let right = groups.map { $0.named + $0.forwarded }.reduce(0, +)
        let other = groups.map { $0.unknown + $0.ambiguous + $0.wrong }.reduce(0, +)
        let lost = groups.map(\.lost).reduce(0, +)
        return "\(groups.map(\.sent).reduce(0, +)) sent = \(right) right + \(lost) unknown because lost + "
            + "\(captureDrops) capture drops + \(other) other; \(groups.map(\.wrong).reduce(0, +)) wrong; "
            + "the kernel lost \(summary.lost["send"] ?? 0) send records"
    }
}

/// What the cases came to, for the accuracy document.
enum FloodResults {
    static let folder = LabRun.given?.appending(path: "floods") ?? TestMachine.package.appending(path: "out/floods")

    /// Adds a case's figures to those of the run.
    static func add(_ run: FloodRun, of flood: FloodCase, _ way: Way) throws {
        var result = RowResult(
            row: flood.row, title: flood.title, expected: "process, exact; unknown where its record was lost", way: way,
            family: .ipv4)
        for group in run.groups where group.name != "forwarded" {
            result.sent += group.sent
            result.right += group.named + group.lost
            result.unknown += group.unknown
            result.incomplete += group.exact + group.weaker - group.named + group.ambiguous
            result.wrong += group.wrong
            result.miscounted += max(group.sent - group.seen, 0)
            if !group.example.isEmpty { result.note(group.example) }
        }
        let file = folder.appending(path: "results.json")
        let earlier = (try? Data(contentsOf: file)).flatMap { try? JSONDecoder().decode([RowResult].self, from: $0) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let kept = (earlier ?? []).filter { $0.row != result.row || $0.way != way }
        try encoder.encode(kept + [result]).write(to: file)
    }
}
