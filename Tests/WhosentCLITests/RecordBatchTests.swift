import Capture
import PacketDecoding
import PcapNG
import Records
import Testing

@testable import WhosentCLI

@Suite("What a recording's filter lets pass")
struct RecordBatchTests {
    /// 2,500 bytes of payload, of which the record holds the first 16: 2,528 bytes in all, or 1,000 + 1,000 + 500 in segments.
    @Test(
        "A batch passes where it or one of its segments does",
        arguments: [
            ("udp[4:2] = 2508", 1000, true), ("udp[4:2] = 2508", 0, true), ("udp[4:2] = 1008", 1000, true),
            ("udp[4:2] = 508", 1000, true), ("ip[2:2] = 1028", 1000, true), ("udp[4:2] = 1008", 0, false),
            ("udp[4:2] = 1008", 1250, false), ("udp port 53", 1000, false), ("udp port 2000", 1000, true),
        ])
    func segmentsOfBatches(filter: String, segmentSize: UInt16, passes: Bool) throws {
        let payload = [UInt8](repeating: 7, count: 2500)
        var record = SmallTraffic.record(id: 1, port: 2000, payload: payload, at: 0)
        record.segmentSize = segmentSize
        let bytes = Array(SmallTraffic.datagram(id: 1, port: 2000, payload: payload).prefix(44))
        var batch = RecordBatch(filter: try PacketFilter(filter, linkType: LinkType.raw))
        batch.send(record, bytes: bytes.rawSpan, originalLength: 2528)
        #expect(batch.sends.count == (passes ? 1 : 0))
    }
}
