import ArgumentParser
import Correlation
import ProcessMetadata
import Testing

@testable import WhosentCLI

@Suite("Command line")
struct CommandLineParsingTests {
    @Test func aFilterIsTheRemainingWords() throws {
        let command = try #require(
            Whosent.parseAsRoot(["live", "-ieth0", "udp", "port", "53", "-c", "3"]) as? LiveCommand)
        #expect(command.interface == "eth0" && command.filter == ["udp", "port", "53"] && command.count == 3)
        #expect(command.command.isEmpty)
    }

    @Test func whatFollowsTwoDashesIsTheCommand() throws {
        let words = markCommandWords(["record", "-w", "x", "udp", "--", "sh", "-c", "exit 3", "--"])
        let command = try #require(Whosent.parseAsRoot(words) as? RecordCommand)
        #expect(command.filter == ["udp"])
        #expect(command.command == ["sh", "-c", "exit 3", "--"])
    }

    @Test func fileCommandsKeepTheirTwoDashes() throws {
        let words = ["classify", "--", "-odd-name.pcap"]
        #expect(markCommandWords(words) == words)
        let command = try #require(Whosent.parseAsRoot(words) as? ClassifyCommand)
        #expect(command.captures.paths == ["-odd-name.pcap"])
    }

    @Test func aCaptureMayBeNamedAsInTcpdump() throws {
        let command = try #require(
            Whosent.parseAsRoot(["join", "a.pcap", "-r", "b.pcap", "-rc.pcap", "--evidence", "e", "--evidence", "f"])
                as? JoinCommand)
        #expect(command.captures.paths == ["a.pcap", "b.pcap", "c.pcap"])
        #expect(command.evidence == ["e", "f"])
    }

    @Test func tablesAreSizedByOptions() throws {
        let words = ["live", "--ring-size", "64", "--process-table", "256", "--record-table", "1024"]
        let live = try #require(Whosent.parseAsRoot(words) as? LiveCommand)
        #expect(live.ring.bytes == 65_536 && live.recordTable.limits.sendRecords == 1024)
        #expect(live.processTable.limits.live == 256 && live.processTable.limits.exited == 64)
        let record = try #require(Whosent.parseAsRoot(["record", "-w", "x"]) as? RecordCommand)
        #expect(record.ring.bytes == 8 << 20 && record.processTable.limits.live == 65_536)
    }

    @Test(arguments: [
        ["live", "--nonsense"], ["live", "-w", "-", "--format", "ndjson"], ["live", "--print"],
        ["live", "--duration", "0"],
        ["live", "-c", "0"], ["live", "--format", "xml"], ["live", "udp", "-Z"], ["record"], ["join", "a.pcap"],
        ["join", "--evidence", "e"], ["join", "-", "--evidence", "-"], ["classify"], ["classify", "-", "-"],
        ["join", "a", "--evidence", "e", "--clock-offset", "soon"], ["explain", "0", "a", "--evidence", "e"],
        ["evidence"], ["evidence", "a", "b", "-w", "c"], ["evidence", "-", "-"], ["evidence", "a", "--format", "csv"],
        ["record", "-w", "x", "--snaplen", "5"], ["nonsense"],
        ["live", "--ring-size", "63"], ["record", "-w", "x", "--ring-size", "1048577"],
        ["live", "--top", "--format", "ndjson"], ["live", "--top", "-v"], ["live", "--top", "-w", "-"],
        ["live", "--top", "--command-word", "true"],
        ["live", "--process-table", "255"], ["join", "a", "--evidence", "e", "--record-table", "1023"],
    ])
    func wrongWordsAreUsageErrors(words: [String]) {
        #expect(throws: (any Error).self) { try Whosent.parseAsRoot(words) }
        #expect(runWhosent(words) == 64)
    }
}
