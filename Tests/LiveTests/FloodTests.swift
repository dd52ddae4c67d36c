import Foundation
import Testing

/// Rows 37 (in a loss interval), 38 and 40 of the accuracy matrix, through the real commands.
@Suite("Floods", .serialized, .enabled(if: LabRun.isPossible, "needs BPF"))
struct FloodTests {
    static let ways: [Way] = [.live, .joinAny]

    private func run(_ flood: FloodCase, _ way: Way) throws -> FloodRun {
        let run = try FloodRun(flood, way)
        try FloodResults.add(run, of: flood, way)
        print("row \(flood.row), \(way.rawValue): \(run.equation)")
        for command in run.commands { #expect(command.status == 0, "\(command.name)") }
        for group in run.groups {
            #expect(group.wrong == 0 && group.ambiguous == 0, "\(group.example)")
            #expect(group.sent > 0)
        }
        return run
    }

    @Test("Where records were lost a packet is unknown and says so; one with its record stays exact", arguments: ways)
    func lossInterval(way: Way) throws {
        let run = try run(.loss, way)
        let group = try #require(run.groups.first)
        #expect(group.sent == 2104)
        #expect(group.sent == group.named + group.lost + run.captureDrops, "\(group.example)")
        #expect(group.exact > 200 && group.lost > 1000)
        // Records of others may be among the lost ones too.
        #expect(try #require(run.summary.lost["send"]) >= group.lost)
        #expect(run.summary.dated("send") == run.summary.lost["send"])
    }

    @Test("Sent = right + unknown as evidence was lost + capture drops", arguments: ways)
    func volume(way: Way) throws {
        let run = try run(.volume, way)
        let group = try #require(run.groups.first)
        #expect(group.sent == group.named + group.lost + run.captureDrops, "\(group.example)")
        #expect(try #require(run.transmitted) >= group.sent)
        #expect(group.exact > 0)
        // Every packet without a record is one that the kernel counted, or that a table let go.
        let lost = (run.summary.lost["send"] ?? 0) + (run.summary.lost["table"] ?? 0)
        #expect(lost >= group.lost)
        #expect(run.summary.dated("send") == run.summary.lost["send"])
    }

    @Test("Nobody takes another's packets by filling tables", arguments: ways)
    func hostileSenders(way: Way) throws {
        let run = try run(.hostile, way)
        #expect(run.groups.count == 5)
        let seen = run.groups.map(\.seen).reduce(0, +)
        #expect(run.groups.map(\.sent).reduce(0, +) == seen + run.captureDrops)
        for group in run.groups {
            #expect(group.seen == group.named + group.lost, "\(group.token): \(group.example)")
        }
        // The table of processes was too small for this, and the account says so.
        #expect(try #require(run.summary.lost["process_table"]) > 0)
        #expect(run.summary.dated("process_table") == run.summary.lost["process_table"])
    }

    @Test("A forwarding flood costs no send record, and the evidence grows by flows", arguments: ways)
    func forwardingFlood(way: Way) throws {
        let run = try run(.forwarding, way)
        let (quiet, flood) = (try #require(run.groups.first), try #require(run.groups.last))
        let (transmitted, seconds) = (try #require(run.transmitted), try #require(run.seconds))
        print("forwarded \(Int(Double(transmitted) / seconds)) packets a second")
        #expect(quiet.sent == quiet.exact && run.captureDrops == 0, "\(quiet.example)")
        #expect(run.summary.lost["send"] == 0 && run.summary.lost["wire"] == 0)
        #expect(flood.seen > 0 && flood.seen == flood.forwarded, "\(flood.example)")
        // An emulated machine forwards what it can.
        #expect(transmitted > (LabRun.given == nil ? 100_000 : 1_000))
        guard way != .live else { return }
        let wires = try #require(run.account?.first { $0.contains("wire records") }?.split(separator: " ").first)
        // 16 flows, each at most once a second.
        #expect(try #require(Int(wires)) < 16 * (Int(seconds) + 3) + 100)
        #expect(try #require(run.evidenceBytes) < 1 << 20)
    }
}
