import Foundation
import Testing

/// The accuracy matrix through the real command, live and again offline.
@Suite("Accuracy", .serialized, .enabled(if: LabRun.isPossible, "needs BPF"))
struct LiveAccuracyTests {
    /// The shared run. Where there is none, one test says why and the others do not repeat it.
    private func lab() throws -> LabSession {
        guard let session = try? LabSession.shared.get() else { try Test.cancel("the lab's run failed") }
        return session
    }

    @Test("The lab's run comes to its end")
    func runEnds() throws {
        _ = try LabSession.shared.get()
    }

    @Test("Every packet has the expected verdict, and none names a wrong process", arguments: AccuracyCase.all)
    func everyPacketIsRight(test: AccuracyCase) throws {
        let session = try lab()
        let result = try session.result(of: test)
        if test.row.mayBeMissing, let reason = result.notRun { try Test.cancel("not on this kernel: \(reason)") }
        let problems = Comment(rawValue: result.problems.joined(separator: "\n"))
        #expect(result.sent >= test.row.atLeast(on: test.way), "the row's senders did not run")
        #expect(result.wrong == 0, problems)
        #expect(result.right == result.sent, problems)
    }

    @Test("What the kernel makes has no process", arguments: [Way.live, .joinAny, .joinEthernet], Family.allCases)
    func kernelMadePackets(way: Way, family: Family) throws {
        let session = try lab()
        let comparison = try #require(session.comparisons[way])
        for result in KernelMade.results(comparison, way, family) {
            let problems = Comment(rawValue: "\(result.title): " + result.problems.joined(separator: "\n"))
            #expect(result.sent > 0 && result.right == result.sent && result.wrong == 0, problems)
        }
    }

    @Test(
        "What carries another packet is the kernel's", arguments: [Way.live, .joinAny, .joinEthernet], Family.allCases)
    func outerPackets(way: Way, family: Family) throws {
        let session = try lab()
        let comparison = try #require(session.comparisons[way])
        for result in session.outerResults(comparison, way, family) where result.notRun == nil {
            let problems = Comment(rawValue: "\(result.title): " + result.problems.joined(separator: "\n"))
            #expect(result.sent > 0 && result.right == result.sent && result.wrong == 0, problems)
        }
    }

    @Test("No packet that the lab did not send is given to a process", arguments: Way.allCases)
    func noInventions(way: Way) throws {
        let session = try lab()
        let comparison = try #require(session.comparisons[way])
        #expect(comparison.inventions(exceptPIDs: session.toolPIDs) == [])
    }

    @Test("Live and join say the same of every packet")
    func sameVerdictsBothWays() throws {
        let session = try lab()
        let live = try #require(session.comparisons[.live]).verdicts()
        var joined = try #require(session.comparisons[.joinAny]).verdicts()
        for packet in session.sent where ["37-early", "37-late"].contains(packet.row) {
            joined[packet.identity] = nil
        }
        #expect(live.count > 3000)
        #expect(live.keys.filter { joined[$0] == nil }.isEmpty && joined.keys.filter { live[$0] == nil }.isEmpty)
        let differing = live.filter { joined[$0.key] != $0.value }.prefix(10)
        #expect(differing.isEmpty, "\(differing.map { "\($0.value) then \(joined[$0.key] ?? [])" })")
    }

    @Test("Sends that never left are counted as unmatched")
    func unmatchedSends() throws {
        let session = try lab()
        // No route and a firewall end a send before there is a record; a queue and a tc filter come after it.
        let dropped = session.sent.filter { $0.row == "33" }.count / 2
        #expect(dropped >= 92)
        for way in [Way.live, .joinAny] {
            let summary = try #require(session.outputs[way]).summary
            #expect(summary.unmatchedRecords >= dropped, "\(way)")
        }
    }

    @Test("Outside the evidence's filter everything is unknown, with a reason")
    func outsideTheFilter() throws {
        let session = try lab()
        let inside = Set(session.sent.filter { $0.row == "37-inside" }.map(\.identity))
        let lines = try #require(session.outputs[.joinFiltered]).lines.filter { !inside.contains($0.identity) }
        #expect(lines.count > 3000)
        #expect(lines.filter { $0.whosent.verdict != "unknown" || $0.whosent.reason.count < 8 }.count == 0)
    }

    @Test("Every command of the run ended well, and lost nothing")
    func commandsEndedWell() throws {
        let session = try lab()
        #expect(session.commands.count >= 9)
        for command in session.commands { #expect(command.status == 0, "\(command.name)") }
        for (way, output) in session.outputs {
            #expect(output.summary.lost.values.allSatisfy { $0 == 0 }, "\(way): \(output.summary.lost)")
            #expect(output.summary.damage.isEmpty)
            #expect(output.summary.verdicts.values.reduce(0, +) == output.lines.count, "\(way)")
        }
    }

    @Test("Every line validates against the schema, and the counts add up", arguments: Way.allCases)
    func validNDJSON(way: Way) throws {
        let session = try lab()
        let python = try #require(TestMachine.python, "no Python with jsonschema")
        let run = try CommandRun([
            "/usr/bin/env", python, TestMachine.package.appending(path: "Tests/Witnesses/validate_ndjson.py").path,
            TestMachine.package.appending(path: "docs/contract.schema.json").path,
            session.folder.appending(path: "\(way.rawValue).ndjson").path,
        ])
        #expect(run.status == 0, "\(run.text)\(run.errors)")
    }

    static let written = ["evidence.pcapng", "filtered.pcapng", "live.pcapng", "join.pcapng"]

    @Test("Every pcapng is well formed to an independent reader", arguments: written)
    func wellFormedPcapNG(name: String) throws {
        let session = try lab()
        let run = try CommandRun([
            "/usr/bin/env", "python3", TestMachine.package.appending(path: "Tests/Witnesses/pcapng_dump.py").path,
            session.folder.appending(path: name).path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.contains(#""block": "EPB""#))
    }

    @Test("tcpdump and tshark read every pcapng without a warning", arguments: written)
    func readByOtherTools(name: String) throws {
        let session = try lab()
        let file = session.folder.appending(path: name).path
        let tcpdump = try CommandRun(["/usr/bin/env", "tcpdump", "-nr", file])
        #expect(tcpdump.status == 0)
        // The first is no warning; the second it gives for every capture of the any interface, its own too.
        let usual = ["reading from file", "Warning: interface names might be incorrect"]
        let said = tcpdump.errors.split(separator: "\n").filter { line in !usual.contains { line.hasPrefix($0) } }
        #expect(said.isEmpty, "\(said)")
        let tshark = try CommandRun(
            ["/usr/bin/env", "tshark", "-n", "-r", file], environment: ["HOME": "/nonexistent"])
        #expect(tshark.status == 0)
        let warnings = tshark.errors.split(separator: "\n").filter { !$0.contains("as user \"root\"") }
        #expect(warnings.isEmpty, "\(warnings)")
    }

    @Test("tshark shows the process in the packet comment", arguments: ["live.pcapng", "join.pcapng"])
    func commentNamesTheProcess(name: String) throws {
        let session = try lab()
        let file = session.folder.appending(path: name).path
        let ping = try #require(session.sent.first { $0.row == "ping" })
        let run = try CommandRun([
            "/usr/bin/env", "tshark", "-n", "-r", file, "-Y", "icmp.type == 8 && data.len == 1", "-T", "fields", "-e",
            "frame.packet_flags_direction", "-e", "frame.comment",
        ])
        let comments = run.text.split(separator: "\n")
        #expect(comments.count == 3)
        for comment in comments {
            #expect(comment.contains("PID=\(ping.pid) TID=\(ping.tid) VERDICT=process CONFIDENCE=exact"))
            #expect(comment.contains("TAG=dsaccess-ping") && comment.contains(#"NAME="ping""#))
            #expect(comment.hasPrefix("0x00000002\t"), "outgoing: \(comment)")
        }
    }
}

extension AccuracyRow {
    /// The least number of packets on the way's interfaces: those of row 5 are half on another one.
    func atLeast(on way: Way) -> Int {
        way == .joinEthernet && id == "5" ? 3 : atLeast
    }
}
