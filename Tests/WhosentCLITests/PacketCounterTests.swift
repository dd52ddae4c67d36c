import Capture
import Classification
import Correlation
import PcapNG
import Records
import Reporting
import Testing

@testable import WhosentCLI

/// Packets that are counted as they come give the summary of packets that wait for each other.
@Suite("Packets that are only counted")
struct PacketCounterTests {
    /// Counts packets a few at a time.
    private struct Counting {
        var tagger: PacketTagger
        var packets = TaggedPackets()
        var counter = PacketCounter()
        var evidence: EvidenceFeed

        init(_ attribution: borrowing Attribution) throws {
            tagger = attribution.makeTagger()
            packets.areLocated = true
            evidence = try EvidenceFeed(paths: [])
        }

        mutating func add(_ frame: CapturedFrame, _ bytes: [UInt8], to attribution: inout Attribution) throws {
            attribution.add(
                frame, bytes: bytes.rawSpan, capture: 0, interface: 0, filters: nil, to: &packets, &tagger)
            guard packets.packets.count == 50 else { return }
            try counter.count(&packets, with: &evidence, in: &attribution)
            packets.removeAll()
        }

        mutating func end(_ attribution: inout Attribution) throws {
            tagger.end(&packets)
            try counter.count(&packets, with: &evidence, in: &attribution)
            attribution.adopt(cutHeaders: 0, classifier: tagger.classifier)
        }
    }

    private static func run(counting: Bool, packets: Int, spacing: Int64) throws -> (String, RunSummary) {
        var attribution = SmallTraffic.attribution()
        var counts = try Counting(attribution)
        var output = CountingTable()
        for number in 0..<packets {
            let time = Int64(number) * spacing
            let payload = [UInt8](repeating: UInt8(number % 251), count: number % 3 == 0 ? 8 : 11)
            let (id, port) = (UInt16(truncatingIfNeeded: number), UInt16(2000 + number % 7))
            if number % 2 == 0 {
                let pid = UInt32(number % 5)
                attribution.add(
                    SmallTraffic.record(
                        id: id, port: port, payload: payload, pid: pid, name: pid == 3 ? "store.exe" : "daemon",
                        at: time - 9_000))
            }
            let bytes = SmallTraffic.datagram(id: id, from: number % 11 == 0 ? 9 : 1, port: port, payload: payload)
            let frame = CapturedFrame(
                time: SmallTraffic.start.advanced(by: time), frame: UInt64(number + 1), linkType: 101,
                originalLength: bytes.count,
                capturedLength: bytes.count)
            if counting {
                try counts.add(frame, bytes, to: &attribution)
            } else {
                attribution.add(frame, bytes: bytes.rawSpan, capture: 0, interface: 0, filters: nil)
                try attribution.settle(
                    recordsThrough: SmallTraffic.start.advanced(by: time + 60_000_000), into: &output)
            }
        }
        if counting {
            try counts.end(&attribution)
            output = counts.counter.output
        } else {
            try attribution.settle(recordsThrough: .distantFuture, ended: true, into: &output)
        }
        let summary = attribution.currentSummary()
        var text: [UInt8] = []
        var format = TextFormat(options: TextFormat.Options(printsPackets: false), table: output.table)
        format.summary(summary, into: &text)
        return (String(decoding: text, as: UTF8.self), summary)
    }

    /// What is known of a process only behind the last packet is shown all the same, wherever batches end.
    @Test(arguments: [1, 49, 50, 51, 100])
    func nameProcessesThatAreDescribedLate(packets: Int) throws {
        var attribution = SmallTraffic.attribution()
        var counts = try Counting(attribution)
        for number in 0..<packets {
            let (id, time) = (UInt16(number + 1), Int64(number) * 1_000_000)
            attribution.add(SmallTraffic.record(id: id, port: 9, payload: [1, 2, 3], pid: 7, at: time - 9_000))
            let bytes = SmallTraffic.datagram(id: id, port: 9, payload: [1, 2, 3])
            let frame = CapturedFrame(
                time: SmallTraffic.start.advanced(by: time), frame: UInt64(number + 1), linkType: 101,
                originalLength: bytes.count, capturedLength: bytes.count)
            try counts.add(frame, bytes, to: &attribution)
        }
        try counts.end(&attribution)
        let process = ProcessKey(pid: 7, startTime: 70)
        attribution.add(
            ProcessRecord(
                event: .snapshot, time: SmallTraffic.start.advanced(by: -20_000), process: process,
                executable: "/usr/sbin/late"))
        counts.counter.end(&attribution)
        let rows = counts.counter.output.table.rows
        #expect(rows.count == 1 && rows.first?.packets == UInt64(packets))
        #expect(rows.first?.process?.executable == "/usr/sbin/late")
    }

    /// Less and more than may wait at once, within and beyond the time for which a tag is open.
    @Test(arguments: [(3000, 1_000_000), (70_000, 5_000), (40, 400_000_000)] as [(Int, Int64)])
    func giveTheSameSummary(packets: Int, spacing: Int64) throws {
        let (text, summary) = try Self.run(counting: true, packets: packets, spacing: spacing)
        let (expected, whole) = try Self.run(counting: false, packets: packets, spacing: spacing)
        #expect(text == expected)
        #expect(summary.packets == UInt64(packets) && whole.packets == summary.packets)
        #expect(summary.captured == whole.captured && summary.distinctPackets == whole.distinctPackets)
        #expect(summary.verdicts == whole.verdicts && summary.tags == whole.tags)
        #expect(summary.verdicts.count >= 2 && !summary.tags.isEmpty, "there is more than one thing to count")
        #expect(summary.unmatchedRecords == whole.unmatchedRecords)
    }
}
