import Classification
import Correlation
import Records
import Testing

@testable import Reporting

@Suite("Summary table")
struct SummaryTableTests {
    private static func packet(_ index: Int, pid: UInt32 = 7, destination: UInt32 = 1, port: UInt16 = 53)
        -> ReportedPacket
    {
        Sample.report(
            UInt64(index + 1), .egress,
            Sample.udp(Sample.server, 1, IPAddress(v4: 0xC633_6400 + destination), port, payload: []),
            Sample.exact(Sample.sender(pid: pid)), process: Sample.process(pid: pid, name: "p\(pid)", executable: nil))
    }

    @Test func countsDistinctDestinationsAndTimes() {
        var table = SummaryTable()
        for (index, port) in ([53, 53, 54, 53, 123] as [UInt16]).enumerated() {
            table.count(Self.packet(index, destination: index == 4 ? 2 : 1, port: port))
        }
        #expect(table.rows.count == 1)
        let row = table.rows[0]
        #expect(row.packets == 5 && row.destinations == 3 && !row.hasMoreDestinations)
        #expect(row.first == Sample.begin && row.last == Sample.begin.advanced(by: 4 * 1_001_000))
    }

    @Test func anEchosSequenceNumberIsNoPort() {
        var table = SummaryTable()
        for seq in 1...5 as ClosedRange<UInt16> {
            table.count(
                Sample.report(
                    UInt64(seq), .egress, Sample.icmp(Sample.server, Sample.client, type: 8, id: 1, seq: seq),
                    Sample.without(.kernel)))
        }
        #expect(table.rows.map(\.destinations) == [1])
    }

    @Test func beyondTheDestinationLimitItSaysSo() {
        var table = SummaryTable(destinationLimit: 3)
        for index in 0..<3 { table.count(Self.packet(index, destination: UInt32(index))) }
        #expect(!table.rows[0].hasMoreDestinations)
        table.count(Self.packet(3, destination: 0))
        #expect(!table.rows[0].hasMoreDestinations)
        table.count(Self.packet(4, destination: 9))
        #expect(table.rows[0].hasMoreDestinations && table.rows[0].destinations == 3 && table.rows[0].packets == 5)
    }

    @Test func beyondTheGroupLimitTheRestIsOneRow() {
        var table = SummaryTable(groupLimit: 2)
        for index in 0..<10 { table.count(Self.packet(index, pid: UInt32(index + 1))) }
        #expect(table.hasOverflow)
        #expect(table.rows.map(\.packets) == [1, 1, 8])
        #expect(table.rows.last?.kind == nil && table.rows.last?.process == nil)
    }

    @Test func reasonsWithFiguresDoNotFloodTheTable() {
        var table = SummaryTable()
        for index in 0..<100 {
            var reported = Self.packet(index)
            reported.verdict = Verdict(
                kind: .unknown, confidence: .none, method: .none,
                reason: .equalRecord(delay: Int64(index)))
            table.count(reported)
        }
        #expect(table.rows.count == 17)
        #expect(table.rows.map(\.packets).reduce(0, +) == 100)
        #expect(table.rows[0].remark == "other reasons" && table.rows[0].packets == 84)
    }

    @Test func tagsConfidencesAndImagesAreRowsOfTheirOwn() {
        var table = SummaryTable()
        var packets = (0..<4).map { Self.packet($0) }
        packets[1].tag = Sample.newmail
        packets[2].tag = Classification.Tag(name: "newmail", confidence: .shape, reasons: ["8 bytes"])
        packets[3].verdict.sender?.imageVersion = 1
        for packet in packets { table.count(packet) }
        #expect(table.rows.count == 4)
        // What is tagged comes first.
        #expect(table.rows.map { $0.tag != nil } == [true, true, false, false])
    }

    @Test func whatIsLearntOfAProcessLaterIsShown() {
        var table = SummaryTable()
        table.count(Self.packet(0))
        var later = Self.packet(1)
        later.process?.executable = "/usr/bin/p7"
        table.count(later)
        #expect(table.rows.map { $0.process?.executable } == ["/usr/bin/p7"])
    }

    @Test func everyRowOfTheTableHasItsFiguresInTheSameColumns() throws {
        var table = SummaryTable()
        for (pid, name) in [(1, "short"), (22, "邮件"), (333, "a-longer-name"), (4, String(repeating: "w", count: 90))] {
            var reported = Self.packet(pid, pid: UInt32(pid))
            reported.process?.name = name
            table.count(reported)
        }
        let layout = SummaryTableLayout(rows: table.rows, width: nil, palette: Palette(isOn: false))
        let rows = layout.lines(table, packets: 1).prefix(5).dropFirst()
        let columns = try rows.filter { !$0.contains("www") }.map { line in
            TerminalText.width(String(line[..<(try #require(line.firstRange(of: "process exact"))).lowerBound]))
        }
        #expect(columns.count == 3 && Set(columns).count == 1)
    }

    @Test func anEmptyRunSaysSo() {
        let layout = SummaryTableLayout(rows: [], width: 80, palette: Palette(isOn: false))
        #expect(layout.lines(SummaryTable(), packets: 0) == ["No UDP or ICMP packet."])
        #expect(layout.lines(SummaryTable(), packets: 7) == ["No packet passes the output filter."])
    }

    @Test("Packets of which no evidence speaks are counted alike one by one and aside", arguments: [262_144, 40])
    func unattributed(limit: Int) {
        var plain = SummaryTable(destinationLimit: limit)
        var counted = SummaryTable(destinationLimit: limit)
        let tag = Tag(name: "newmail", confidence: .shape, reasons: ["a reason"])
        for number in 0..<1000 {
            let address = IPAddress(v4: 0xC633_6400 + UInt32(number * 7 % 11))
            let port = number % 5 == 0 ? nil : UInt16(number * 13 % 17)
            // Not in the order of time.
            let time = Timestamp(nanoseconds: Int64(number * 389 % 1000) + 1)
            let destination = SummaryTable.Destination(address, port: port)
            if number % 3 == 0 {
                plain.countUnattributed(destination, at: time, tag: tag)
                counted.countUnattributed(destination, at: time, tag: tag)
            } else {
                plain.countUnattributed(address, port: port, at: time)
                counted.countUnattributed(destination, at: time, tag: nil)
            }
        }
        func lines(_ rows: [SummaryTable.Row]) -> [String] { rows.map { "\($0)" } }
        #expect(lines(plain.rows) == lines(counted.rows) && plain.rows.count == 2)
        #expect(lines(plain.rowsByAge) == lines(counted.rowsByAge))
        #expect(plain.rows.map(\.packets) == [334, 666])
        #expect(plain.rows.allSatisfy { $0.hasMoreDestinations == (limit == 40) })
    }
}
