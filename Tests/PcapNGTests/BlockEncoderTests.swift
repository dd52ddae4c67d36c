import PcapNG
import Records
import SystemPackage
import Testing

@Suite("Writing pcapng blocks")
struct BlockEncoderTests {
    @Test("a small file, byte for byte")
    func golden() {
        var encoder = BlockEncoder()
        encoder.section(
            SectionHeader(operatingSystem: "Linux", application: "whosent 1"), comments: [Array("{}".utf8)])
        #expect(
            encoder.interface(InterfaceDescription(linkType: 101, snapLength: 128, name: "whosent-send")) == 0)
        #expect(
            encoder.processEvent(processID: 2136, name: "store", path: "/x", comments: [Array(#"{"pid":2136}"#.utf8)])
                == 0)
        var packet = PacketBlock(interface: 0, time: Timestamp(nanoseconds: 0x1_0000_0002), originalLength: 64)
        packet.flags = PacketBlock.outbound
        packet.packetID = 3
        packet.processID = 2136
        packet.threadID = 2140
        packet.processIndex = 0
        encoder.packet(packet, [0x45, 0x00, 0x01] as [UInt8], comment: "PID=2136")
        var statistics = InterfaceStatistics(interface: 0, time: Timestamp(nanoseconds: 5))
        statistics.start = Timestamp(nanoseconds: 1)
        statistics.end = Timestamp(nanoseconds: 5)
        statistics.received = 7
        statistics.dropped = 11
        statistics.droppedBySystem = 13
        encoder.statistics(statistics)

        let header: [[UInt8]] = [
            [0x0A, 0x0D, 0x0D, 0x0A, 0x44, 0, 0, 0],  // section header, 68 bytes
            [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0],  // magic, version 1.0
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],  // section length unknown
            [1, 0, 2, 0, 0x7B, 0x7D, 0, 0],  // comment {}
            [3, 0, 5, 0] + Array("Linux".utf8) + [0, 0, 0],
            [4, 0, 9, 0] + Array("whosent 1".utf8) + [0, 0, 0],
            [0, 0, 0, 0, 0x44, 0, 0, 0],
        ]
        let interface: [[UInt8]] = [
            [1, 0, 0, 0, 0x30, 0, 0, 0, 101, 0, 0, 0, 128, 0, 0, 0],  // 48 bytes, LINKTYPE_RAW, snap length
            [2, 0, 12, 0] + Array("whosent-send".utf8),
            [9, 0, 1, 0, 9, 0, 0, 0],  // nanoseconds
            [0, 0, 0, 0, 0x30, 0, 0, 0],
        ]
        let process: [[UInt8]] = [
            [1, 0, 0, 0x80, 0x38, 0, 0, 0, 0x58, 8, 0, 0],  // 56 bytes, pid 2136
            [1, 0, 12, 0] + Array(#"{"pid":2136}"#.utf8),
            [2, 0, 5, 0] + Array("store".utf8) + [0, 0, 0],
            [3, 0, 2, 0] + Array("/x".utf8) + [0, 0],
            [0, 0, 0, 0, 0x38, 0, 0, 0],
        ]
        let packetBlock: [[UInt8]] = [
            [6, 0, 0, 0, 0x5C, 0, 0, 0, 0, 0, 0, 0],  // 92 bytes, interface 0
            [1, 0, 0, 0, 2, 0, 0, 0],  // time, high half first
            [3, 0, 0, 0, 64, 0, 0, 0, 0x45, 0, 1, 0],  // captured, original, packet, padding
            [1, 0, 8, 0] + Array("PID=2136".utf8),
            [2, 0, 4, 0, 2, 0, 0, 0],  // outbound
            [5, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0],  // packet id
            [8, 0, 8, 0, 0x58, 8, 0, 0, 0x5C, 8, 0, 0],  // pid, tid
            [0x01, 0x80, 4, 0, 0, 0, 0, 0],  // process block 0
            [0, 0, 0, 0, 0x5C, 0, 0, 0],
        ]
        let counters: [[UInt8]] = [
            [5, 0, 0, 0, 0x58, 0, 0, 0, 0, 0, 0, 0],  // 88 bytes, interface 0
            [0, 0, 0, 0, 5, 0, 0, 0],
            [2, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0],  // start
            [3, 0, 8, 0, 0, 0, 0, 0, 5, 0, 0, 0],  // end
            [4, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0],  // received
            [5, 0, 8, 0, 11, 0, 0, 0, 0, 0, 0, 0],  // dropped
            [7, 0, 8, 0, 13, 0, 0, 0, 0, 0, 0, 0],  // dropped by the system
            [0, 0, 0, 0, 0x58, 0, 0, 0],
        ]
        let expected = Array((header + interface + process + packetBlock + counters).joined())
        #expect(encoder.bytes == expected)
    }

    @Test("a text that is too long for an option is cut before a whole character")
    func longText() throws {
        var encoder = BlockEncoder()
        encoder.section(SectionHeader(application: String(repeating: "é", count: 40_000)))
        var reader = BlockReader(MemorySource(encoder.bytes), file: "f")
        _ = try reader.next()
        #expect(reader.section.application == String(repeating: "é", count: 32_767))
        #expect(reader.damage.isEmpty)
    }

    @Test(
        "a reader that goes away, and a full disk, are typed errors that stay", arguments: [Errno.brokenPipe, .noSpace])
    func failures(errno: Errno) throws {
        ignoreBrokenPipes()
        let descriptor: FileDescriptor
        if errno == .brokenPipe {
            let pipe = try FileDescriptor.pipe()
            try pipe.readEnd.close()
            descriptor = pipe.writeEnd
        } else {
            descriptor = try FileDescriptor.open(FilePath("/dev/full"), .writeOnly)
        }
        defer { try? descriptor.close() }
        var writer = BlockWriter(descriptor, threshold: 1)
        writer.blocks.section(SectionHeader())
        var errors: [BlockWriterError] = []
        for _ in 0..<2 {
            do throws(BlockWriterError) {
                writer.blocks.interface(InterfaceDescription(linkType: 1, snapLength: 0))
                try writer.flushIfFull()
            } catch {
                errors.append(error)
            }
        }
        #expect(errors.map(\.errno) == [errno, errno])
        #expect(errors.map(\.bytesWritten) == [0, 0])
        #expect(writer.blocks.bytes.isEmpty)
    }
}

extension BlockEncoder {
    fileprivate mutating func packet(_ packet: PacketBlock, _ data: [UInt8], comment: String) {
        let line = Array(comment.utf8)
        self.packet(packet, data.rawSpan, comment: line.rawSpan)
    }
}
