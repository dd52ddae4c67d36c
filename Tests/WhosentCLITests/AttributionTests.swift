import Capture
import Classification
import Correlation
import PcapNG
import Records
import Reporting
import Testing

@testable import WhosentCLI

/// Keeps what leaves, in order.
private struct Collected: AttributionOutput {
    var isFinished: Bool { limit.map { frames.count >= $0 } ?? false }
    var limit: Int?
    var frames: [UInt64] = []
    var packets: [ReportedPacket] = []
    var bytes: [[UInt8]] = []

    mutating func take(
        _ frame: CapturedFrame, interface: UInt16, bytes: RawSpan?, reported: ReportedPacket?
    ) throws(CommandFailure) {
        frames.append(frame.frame)
        if let reported { packets.append(reported) }
        if let bytes { self.bytes.append(bytes.array) }
    }
}

@Suite("Attribution")
struct AttributionTests {
    private static func add(_ bytes: [UInt8], _ frame: UInt64, at offset: Int64, to attribution: inout Attribution) {
        let captured = CapturedFrame(
            time: SmallTraffic.start.advanced(by: offset), frame: frame, linkType: 101, originalLength: bytes.count,
            capturedLength: bytes.count)
        attribution.add(captured, bytes: bytes.rawSpan, capture: 0, interface: 0, filters: nil)
    }

    @Test func aPacketWaitsForItsRecords() throws {
        var attribution = SmallTraffic.attribution()
        var output = Collected()
        Self.add(SmallTraffic.datagram(id: 1, port: 9, payload: [1, 2, 3]), 1, at: 0, to: &attribution)
        try attribution.settle(recordsThrough: SmallTraffic.start.advanced(by: 50_000_000), into: &output)
        #expect(output.packets.isEmpty, "records are known to be complete only up to now")
        attribution.add(SmallTraffic.record(id: 1, port: 9, payload: [1, 2, 3], at: -10_000))
        try attribution.settle(recordsThrough: SmallTraffic.start.advanced(by: 50_000_001), into: &output)
        #expect(output.packets.first?.verdict.kind == .process)
        #expect(output.packets.first?.process?.name == "store", "the first thread's name is the process's")
    }

    /// A packet with a possible tag holds the ones behind it: lines keep the order of the capture.
    @Test func linesKeepTheOrderOfTheCapture() throws {
        var attribution = SmallTraffic.attribution()
        var output = Collected()
        Self.add(
            SmallTraffic.datagram(id: 1, port: 2762, payload: [1, 200, 3, 4, 5, 6, 7, 8]), 1, at: 0, to: &attribution)
        Self.add(SmallTraffic.datagram(id: 2, port: 9, payload: [1]), 2, at: 1_000_000, to: &attribution)
        try attribution.settle(recordsThrough: .distantFuture, into: &output)
        #expect(output.frames.isEmpty)
        Self.add(SmallTraffic.datagram(id: 3, port: 9, payload: [1]), 3, at: 1_000_000_001, to: &attribution)
        try attribution.settle(recordsThrough: .distantFuture, into: &output)
        #expect(output.frames == [1, 2, 3])
        #expect(output.packets.first?.tag?.name == "newmail")
    }

    @Test func bytesLeaveUnchangedAndCountsAddUp() throws {
        var attribution = SmallTraffic.attribution(keepsBytes: true)
        var output = Collected()
        let sent = (1...101).map { index in
            SmallTraffic.datagram(
                id: UInt16(index), port: UInt16(index), payload: Array(repeating: UInt8(index), count: index % 11))
        }
        for (index, bytes) in sent.enumerated() {
            Self.add(bytes, UInt64(index + 1), at: Int64(index) * 1_000_000, to: &attribution)
            if index % 7 == 0 { try attribution.settle(recordsThrough: .distantFuture, into: &output) }
        }
        try attribution.settle(recordsThrough: .distantFuture, ended: true, into: &output)
        #expect(output.bytes == sent)
        let summary = attribution.currentSummary()
        #expect(summary.packets == 101 && summary.verdicts.values.reduce(0, +) == 101)
        #expect(summary.captured == 101)
    }

    @Test func enoughIsEnough() throws {
        var attribution = SmallTraffic.attribution()
        var output = Collected(limit: 2)
        for index in 1...5 {
            Self.add(
                SmallTraffic.datagram(id: UInt16(index), port: 9, payload: [1]), UInt64(index), at: 0, to: &attribution)
        }
        try attribution.settle(recordsThrough: .distantFuture, ended: true, into: &output)
        #expect(output.frames == [1, 2])
        #expect(attribution.currentSummary().packets == 2)
    }

    /// How the packets and records are dealt out in time must not show in the result.
    @Test(arguments: [1, 3, 17, 100])
    func liveAndReplayAgree(batch: Int) throws {
        func run(_ batch: Int) throws -> [String] {
            var attribution = SmallTraffic.attribution()
            var output = Collected()
            for index in 0..<100 {
                let offset = Int64(index) * 30_000_000
                let payload: [UInt8] = index % 3 == 0 ? [9, 200, 3, 4, 5, 6, 7, UInt8(index)] : [UInt8(index)]
                attribution.add(SmallTraffic.record(id: UInt16(index), port: 5000, payload: payload, at: offset))
                Self.add(
                    SmallTraffic.datagram(id: UInt16(index), port: 5000, payload: payload), UInt64(index + 1),
                    at: offset + 10_000, to: &attribution)
                guard index % batch == batch - 1 else { continue }
                try attribution.settle(recordsThrough: SmallTraffic.start.advanced(by: offset), into: &output)
            }
            try attribution.settle(recordsThrough: .distantFuture, ended: true, into: &output)
            return output.packets.map {
                "\($0.packet.frame) \($0.verdict.confidence) \($0.tag?.confidence.name ?? "-")"
            }
        }
        let whole = try run(1000)
        #expect(whole.count == 100)
        #expect(try run(batch) == whole)
    }
}
