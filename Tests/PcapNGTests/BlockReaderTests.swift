import PcapNG
import Records
import Testing

@Suite("Reading pcapng blocks")
struct BlockReaderTests {
    static let seconds: UInt64 = 1_772_360_430

    @Test("every kind of block, in both byte orders", arguments: [ByteOrder.little, .big])
    func readsEveryKind(order: ByteOrder) throws {
        var file = SampleBlocks(order)
        file.section(
            file.option(2, "x86_64") + file.option(3, "Linux") + file.option(4, "whosent 1\u{0}") + file.endOfOptions)
        file.interface(
            101, snapLength: 128,
            file.option(2, "eth0") + file.option(3, "uplink") + file.option(9, [9]) + file.option(1, "hello"))
        file.block(0x8000_0001, file.u32(2136) + file.option(2, "st\u{1B}ore") + file.option(3, "/opt/x/store"))
        file.packet(
            ticks: Self.seconds * 1_000_000_000 + 123_456_789, [1, 2, 3, 4, 5], original: 64,
            file.option(1, "first") + file.option(2, file.u32(2)) + file.option(4, file.integer(7, 8))
                + file.option(5, file.integer(1 << 40, 8)) + file.option(6, file.u32(3))
                + file.option(8, file.u32(2136) + file.u32(2140)) + file.option(0x8001, file.u32(0))
                + file.option(0x8003, file.u32(0)) + file.option(1, "second") + file.endOfOptions)
        file.block(3, file.u32(3) + file.padded([9, 9, 9]))
        file.block(
            2, file.u16(0) + file.u16(5) + file.u32(0) + file.u32(11) + file.u32(2) + file.u32(2) + file.padded([7, 8]))
        file.block(
            5,
            file.u32(0) + file.u32(0) + file.u32(13) + file.option(2, file.u32(0) + file.u32(1))
                + file.option(4, file.integer(100, 8)) + file.option(5, file.integer(17, 8))
                + file.option(7, file.integer(19, 8)) + file.endOfOptions)
        for skipped: UInt32 in [4, 9, 10, 0x101, 0x102, 0x201, 0xBAD, 0x4000_0BAD, 0x7777_7777] {
            file.block(skipped, file.u32(0xFFFF_FFFF))
        }

        var reader = BlockReader(MemorySource(file.bytes), file: "f")
        #expect(try described(&reader) == "section")
        #expect(reader.section.byteOrder == order)
        #expect(reader.section.hardware == "x86_64")
        #expect(reader.section.operatingSystem == "Linux")
        #expect(reader.section.application == "whosent 1")
        #expect(try described(&reader) == "interface 0")
        #expect(reader.interfaces.first?.name == "eth0")
        #expect(reader.interfaces.first?.summary == "uplink")
        #expect(reader.interfaces.first?.linkType == 101)
        #expect(reader.interfaces.first?.snapLength == 128)
        #expect(reader.comments() == ["hello"])
        #expect(try described(&reader) == "process 0 pid 2136")
        #expect(reader.text(OptionCode.ProcessEvent.name) == "st\\x1bore")
        #expect(reader.text(OptionCode.ProcessEvent.path) == "/opt/x/store")

        guard case .packet(let packet) = try reader.next() else {
            Issue.record("no packet")
            return
        }
        #expect(packet.time?.description == "2026-03-01T10:20:30.123456789Z")
        #expect(reader.packetBytes.array == [1, 2, 3, 4, 5])
        #expect(packet.originalLength == 64)
        #expect(packet.direction == .egress)
        #expect(packet.dropCount == 7)
        #expect(packet.packetID == 1 << 40)
        #expect(packet.queue == 3)
        #expect(packet.processID == 2136)
        #expect(packet.threadID == 2140)
        #expect(packet.processIndex == 0)
        #expect(packet.effectiveProcessIndex == 0)
        #expect(reader.comments() == ["first", "second"])
        #expect(String(decoding: reader.comment.array, as: UTF8.self) == "first")

        guard case .packet(let simple) = try reader.next() else {
            Issue.record("no simple packet")
            return
        }
        #expect(simple.time == nil)
        #expect(reader.packetBytes.array == [9, 9, 9])
        guard case .packet(let obsolete) = try reader.next() else {
            Issue.record("no obsolete packet")
            return
        }
        #expect(obsolete.dropCount == 5)
        #expect(obsolete.time == Timestamp(nanoseconds: 11))
        #expect(reader.packetBytes.array == [7, 8])
        guard case .statistics(let statistics) = try reader.next() else {
            Issue.record("no statistics")
            return
        }
        #expect(statistics.time == Timestamp(nanoseconds: 13))
        #expect(statistics.start == Timestamp(nanoseconds: 1))
        #expect(statistics.end == nil)
        #expect(statistics.received == 100)
        #expect(statistics.dropped == 17)
        #expect(statistics.droppedBySystem == 19)
        for skipped in [4, 9, 10, 0x101, 0x102, 0x201, 0xBAD, 0x4000_0BAD, 0x7777_7777] {
            #expect(try described(&reader) == "other \(skipped)")
        }
        #expect(try reader.next() == nil)
        #expect(reader.damage.isEmpty)
    }

    @Test("a second section has its own byte order, interfaces and process indices")
    func secondSection() throws {
        var file = SampleBlocks(.little)
        file.section()
        file.interface(1, file.option(2, "a"))
        file.interface(1, file.option(2, "b"))
        file.block(0x8000_0001, file.u32(11))
        var second = SampleBlocks(.big)
        second.section()
        second.interface(101)
        second.block(0x8000_0001, second.u32(13))
        second.packet(interface: 1, [1])
        var reader = BlockReader(MemorySource(file.bytes + second.bytes), file: "f")
        var seen: [String] = []
        while let event = try describedOrEnd(&reader) { seen.append(event) }
        #expect(
            seen == [
                "section", "interface 0", "interface 1", "process 0 pid 11", "section", "interface 0",
                "process 0 pid 13",
            ])
        #expect(reader.interfaces.map(\.linkType) == [101])
        #expect(
            reader.damage.map(\.what) == [
                "a packet names interface 1, but only 1 are described before; the block is left out"
            ])
    }

    @Test(
        "time stamps in every unit",
        arguments: [
            (nil, 0, 1_500_000, 1_500_000_000),  // absent: microseconds
            (6, 0, 1, 1_000), (9, 0, 1, 1), (0, 0, 3, 3_000_000_000), (3, 0, 1, 1_000_000),
            (12, 0, 1_999, 1), (18, 0, 5_000_000_000, 5), (127, 0, .max, 0), (29, 0, .max, 0),
            (0x80, 0, 2, 2_000_000_000), (0x81, 0, 3, 1_500_000_000), (0x94, 0, 1 << 20, 1_000_000_000),
            (0xBF, 0, 1 << 63, 1_000_000_000), (0xFF, 0, .max, 0),
            (6, -1, 1, -999_999_000), (9, 10, 1, 10_000_000_001),
            (0, 0, .max, .max), (9, 0, .max, .max), (9, .max, 1, .max),
        ] as [(UInt8?, Int64, UInt64, Int64)])
    func timeStamps(code: UInt8?, offset: Int64, ticks: UInt64, expected: Int64) throws {
        for order in [ByteOrder.little, .big] {
            var file = SampleBlocks(order)
            file.section()
            file.interface(
                1,
                (code.map { file.option(9, [$0]) } ?? [])
                    + file.option(14, file.integer(UInt64(bitPattern: offset), 8)) + file.endOfOptions)
            file.packet(ticks: ticks, [])
            var reader = BlockReader(MemorySource(file.bytes), file: "f")
            _ = try reader.next()
            _ = try reader.next()
            guard case .packet(let packet) = try reader.next() else {
                Issue.record("no packet")
                return
            }
            #expect(packet.time?.nanoseconds == expected)
        }
    }

    @Test("blocks larger than the buffer, through a source that gives little at a time", arguments: [1, 7, 1 << 20])
    func largeBlocks(step: Int) throws {
        var file = SampleBlocks(.little)
        file.section()
        file.interface()
        file.packet([1])
        let large = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        if step > 1 { file.packet(large) }
        file.packet([2])
        var reader = BlockReader(Dribble(bytes: file.bytes, step: step), file: "f")
        var packets: [[UInt8]] = []
        while let event = try reader.next() {
            if case .packet = event { packets.append(reader.packetBytes.array) }
        }
        #expect(packets == (step > 1 ? [[1], large, [2]] : [[1], [2]]))
        #expect(reader.damage.isEmpty)
    }

    private func described(_ reader: inout BlockReader) throws -> String { try describedOrEnd(&reader) ?? "end" }

    private func describedOrEnd(_ reader: inout BlockReader) throws -> String? {
        switch try reader.next() {
        case .section: "section"
        case .interface(let index): "interface \(index)"
        case .packet(let packet): "packet \(packet.interface)"
        case .processEvent(let process): "process \(process.index) pid \(process.processID)"
        case .statistics: "statistics"
        case .other(let type): "other \(type)"
        case nil: nil
        }
    }
}

/// Gives a few bytes at a time, as a pipe may.
private struct Dribble: ByteSource {
    var bytes: [UInt8]
    var step: Int
    var position = 0

    mutating func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int {
        let count = min(step, bytes.count - position, buffer.byteCount)
        for index in 0..<count {
            buffer.storeBytes(of: bytes[position + index], toByteOffset: index, as: UInt8.self)
        }
        position += count
        return count
    }
}
