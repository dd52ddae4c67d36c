import Classification
import Correlation
import PacketDecoding
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

    /// TCP, UDP and pings to few destinations, not in the order of time.
    private static let frames: [GlancedFrame] = (0..<1000).map { number in
        let transport = [6, 17, 17, 1][number % 4] as UInt8
        let body: [UInt8] =
            [1, 2, 0, UInt8(number * 13 % 17), 0, 28, 0, 0, 0, 0, 0, 0, 0x50] + [UInt8](repeating: 0, count: 15)
        let address: [UInt8] = [192, 0, 2, 1, 198, 51, 100, UInt8(number * 7 % 11)]
        let bytes =
            [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0, 0, 48, 0, 0, 0, 0, 64, transport, 0, 0] + address + body
        return GlancedFrame(
            time: Timestamp(nanoseconds: Int64(number * 389 % 1000) + 1),
            glance: unsafe PacketGlance(bytes.span.bytes, linkType: LinkType.ethernet, originalLength: bytes.count),
            place: 0)
    }

    @Test("Packets of which no evidence speaks are counted alike one by one and together", arguments: [262_144, 40])
    func unattributed(limit: Int) throws {
        var together = SummaryTable(destinationLimit: limit)
        var counted = SummaryTable(destinationLimit: limit)
        let tag = Tag(name: "newmail", confidence: .shape, reasons: ["a reason"])
        var packets: UInt64 = 0
        for start in stride(from: 0, to: Self.frames.count, by: 8) {
            packets += together.countUnattributed(Self.frames.span, in: start..<start + 7)
            for frame in Self.frames[start..<start + 8] {
                let glance = try #require(frame.glance)
                let isTagged = glance == Self.frames[start + 7].glance && frame.time == Self.frames[start + 7].time
                let destination = SummaryTable.Destination(glance)
                if isTagged { together.countUnattributed(destination, at: frame.time, tag: tag) }
                guard isTagged || glance.transport != .tcp else { continue }
                counted.countUnattributed(destination, at: frame.time, tag: isTagged ? tag : nil)
            }
        }
        func lines(_ rows: [SummaryTable.Row]) -> [String] { rows.map { "\($0)" } }
        #expect(lines(together.rows) == lines(counted.rows) && together.rows.count == 2)
        #expect(lines(together.rowsByAge) == lines(counted.rowsByAge))
        #expect(packets == 625 && together.rows.map(\.packets) == [125, 625])
        #expect(together.rows.allSatisfy { $0.hasMoreDestinations == (limit == 40) })
    }
}
