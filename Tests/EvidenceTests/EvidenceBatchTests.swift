import Evidence
import PcapNG
import Records
import SeededRandomness
import SystemPackage
import Testing

@Suite("Evidence, read a batch at a time")
struct EvidenceBatchTests {
    /// Bytes that come a few at a time, and a count of how often they were asked for.
    private final class Trickle {
        let bytes: [UInt8]
        let portion: Int
        let failsAtEnd: Bool
        var position = 0
        var reads = 0

        init(_ bytes: [UInt8], portion: Int, failsAtEnd: Bool = false) {
            self.bytes = bytes
            self.portion = portion
            self.failsAtEnd = failsAtEnd
        }
    }

    private struct TrickleSource: ByteSource {
        let trickle: Trickle

        func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int {
            trickle.reads += 1
            let count = min(trickle.portion, trickle.bytes.count - trickle.position, buffer.byteCount)
            if count == 0, trickle.failsAtEnd { throw ByteSourceError(operation: "read", errno: .ioError) }
            for index in 0..<count {
                buffer.storeBytes(of: trickle.bytes[trickle.position + index], toByteOffset: index, as: UInt8.self)
            }
            trickle.position += count
            return count
        }
    }

    /// Everything of a file in words: its records, how the reading ended, and what is known then.
    private static func told(
        _ trickle: Trickle, _ read: (EvidenceReader, inout [EvidenceRecord]) -> EvidenceError?
    ) throws -> [String] {
        let reader: EvidenceReader
        do throws(EvidenceError) {
            reader = try EvidenceReader(source: TrickleSource(trickle: trickle), file: "f", host: 3)
        } catch {
            return [error.description]
        }
        var records: [EvidenceRecord] = []
        let failure = read(reader, &records)
        return records.map { String(reflecting: $0) } + [
            failure?.description ?? "end", "\(reader.coverage)", "\(reader.damage)", "\(reader.endedWithoutSummary)",
        ]
    }

    private static func oneByOne(_ trickle: Trickle) throws -> [String] {
        try told(trickle) { reader, records in
            do throws(EvidenceError) {
                while let record = try reader.next() { records.append(record) }
                return nil
            } catch { return error }
        }
    }

    private static func inBatches(_ trickle: Trickle) throws -> [String] {
        try told(trickle) { reader, records in
            var batch = EvidenceBatch()
            while true {
                reader.read(into: &batch)
                #expect(batch.count > 0 || batch.end != nil)
                var others = batch.others[...]
                for position in 0...batch.sends.count {
                    while let other = others.first, other.position == position {
                        records.append(other.record)
                        others.removeFirst()
                    }
                    if position < batch.sends.count { records.append(.send(batch.sends[position])) }
                }
                #expect(others.isEmpty)
                switch batch.end {
                case .complete?: return nil
                case .failed(let error)?: return error
                case nil: continue
                }
            }
        }
    }

    private static func expectSame(_ bytes: [UInt8], failsAtEnd: Bool = false) throws {
        for portion in [7, 100, 1 << 20] {
            let whole = try oneByOne(Trickle(bytes, portion: 1 << 20, failsAtEnd: failsAtEnd))
            #expect(try inBatches(Trickle(bytes, portion: portion, failsAtEnd: failsAtEnd)) == whole)
        }
    }

    @Test("records, damage, losses and coverage are those of reading one by one, wherever the file ends")
    func truncation() throws {
        let bytes = try EvidenceDamageTests.recording()
        for length in stride(from: 0, through: bytes.count, by: 37) {
            try Self.expectSame(Array(bytes.prefix(length)), failsAtEnd: length % 2 == 0)
        }
        try Self.expectSame(bytes)
        try Self.expectSame(bytes + bytes)
    }

    @Test("300 mutated recordings give the same in batches")
    func mutations() throws {
        let whole = try EvidenceDamageTests.recording()
        var generator = SeededGenerator(state: 31)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch generator.next() % 3 {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                default: bytes.remove(at: at)
                }
            }
            try Self.expectSame(bytes)
        }
    }

    @Test("interfaces that appear within a batch are told as of their place")
    func coverage() throws {
        let packet = SampleEvidence.udp(payload: [1])
        let ip = try #require(decoded(packet, originalLength: packet.count))
        let record = SendRecord(time: SampleEvidence.start, packet: ip, process: ProcessKey(pid: 5, startTime: 1))
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            for index: UInt32 in 7...9 {
                try writer.send(record, bytes: packet.rawSpan, originalLength: packet.count)
                try writer.interfaces(
                    [HostInterface(index: index, name: "veth\(index)", namespace: 1)], time: SampleEvidence.start)
            }
            try writer.finish(stop: SampleEvidence.start)
        }
        let reader = try EvidenceReader(source: MemorySource(bytes), file: "f", host: 0)
        var batch = EvidenceBatch()
        reader.read(into: &batch)
        #expect(batch.sends.count == 3)
        let counts = batch.others.compactMap { other -> [Int]? in
            guard case .coverageChanged(let coverage) = other.record else { return nil }
            return [other.position, coverage.interfaces.count]
        }
        let known = SampleEvidence.coverage.interfaces.count
        #expect(counts == [[1, known + 1], [2, known + 2], [3, known + 3]])
        try Self.expectSame(bytes)
    }

    /// A header, sends, and the summary.
    private static func sends(_ count: Int) throws -> [UInt8] {
        let packet = SampleEvidence.udp(payload: [1])
        let ip = try #require(decoded(packet, originalLength: packet.count))
        let record = SendRecord(time: SampleEvidence.start, packet: ip, process: ProcessKey(pid: 5, startTime: 1))
        return try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            for _ in 0..<count { try writer.send(record, bytes: packet.rawSpan, originalLength: packet.count) }
            try writer.finish(stop: SampleEvidence.start)
        }
    }

    @Test("a batch ends where its source would have to be waited for")
    func waiting() throws {
        let bytes = try Self.sends(100)
        // What kind of file it is, is told by so many bytes; they come at once, and no more.
        let portion = 4096
        let whole = EvidenceDamageTests.blockEnds(bytes).filter { $0 <= portion }.count
        let trickle = Trickle(bytes, portion: portion)
        let reader = try EvidenceReader(source: TrickleSource(trickle: trickle), file: "f", host: 0)
        var batch = EvidenceBatch()
        reader.read(into: &batch)
        #expect(trickle.reads == 1)
        // All but the header and the two interfaces.
        #expect(batch.sends.count == whole - 3 && batch.sends.count > 5)
        reader.read(into: &batch)
        #expect(trickle.reads == 2 && batch.sends.count > 5)
    }

    @Test("a batch is bounded, whatever lies ready")
    func bound() throws {
        let bytes = try Self.sends(3 * EvidenceBatch.limit)
        let reader = try EvidenceReader(source: MemorySource(bytes), file: "f", host: 0)
        var batch = EvidenceBatch()
        var sends = 0
        while batch.end == nil {
            reader.read(into: &batch)
            #expect(batch.count <= EvidenceBatch.limit)
            sends += batch.sends.count
        }
        #expect(sends == 3 * EvidenceBatch.limit)
    }
}
