import PcapNG
import Records
import SeededRandomness
import Testing

@Suite("Damaged pcapng files")
struct BlockDamageTests {
    /// A section, an interface, two packets with options, a process and statistics.
    static func wholeFile(_ order: ByteOrder) -> (bytes: [UInt8], ends: [Int]) {
        var file = SampleBlocks(order)
        var ends: [Int] = []
        file.section(file.option(4, "whosent") + file.endOfOptions)
        ends.append(file.bytes.count)
        file.interface(101, snapLength: 128, file.option(2, "eth0") + file.option(9, [9]) + file.endOfOptions)
        ends.append(file.bytes.count)
        file.block(
            0x8000_0001, file.u32(11) + file.option(2, "sh") + file.option(1, #"{"pid":11}"#) + file.endOfOptions)
        ends.append(file.bytes.count)
        file.packet(ticks: 13, [1, 2, 3], file.option(1, "PID=11") + file.option(2, file.u32(2)) + file.endOfOptions)
        ends.append(file.bytes.count)
        file.packet(ticks: 17, [4, 5, 6, 7], original: 1500, file.option(8, file.u32(11) + file.u32(12)))
        ends.append(file.bytes.count)
        file.block(
            5, file.u32(0) + file.u32(0) + file.u32(19) + file.option(5, file.integer(23, 8)) + file.endOfOptions)
        ends.append(file.bytes.count)
        return (file.bytes, ends)
    }

    @Test("cut at every byte: all whole blocks are read, and the cut is named", arguments: [ByteOrder.little, .big])
    func truncation(order: ByteOrder) throws {
        let (bytes, ends) = Self.wholeFile(order)
        for length in 0...bytes.count {
            var reader = BlockReader(MemorySource(Array(bytes.prefix(length))), file: "f")
            var events = 0
            while try reader.next() != nil { events += 1 }
            let whole = ends.filter { $0 <= length }
            #expect(events == whole.count)
            let lastEnd = whole.last ?? 0
            #expect(reader.damage.map(\.offset) == (lastEnd == length ? [] : [UInt64(lastEnd)]))
            #expect(reader.damage.allSatisfy { $0.what.contains("ends") })
        }
    }

    @Test(
        "what is wrong is said, with its place, and what can be read is read",
        arguments: [
            ("differing lengths", "a block's two lengths differ: 32 at its begin, 36 at its end", 1),
            ("length 13", "a block states a length of 13 bytes, which no block can have", 1),
            ("length 8", "a block states a length of 8 bytes, which no block can have", 1),
            (
                "length 1 GB",
                "a block states a length of 1073741824 bytes, more than the 16777216 accepted here", 1
            ),
            ("magic", "a section header has no valid byte-order magic", 1),
            ("version", "a section has version 2; only version 1 is known, and nothing is read from here on", 1),
            ("captured", "a packet states 99 captured bytes, its block holds 4; the block is left out", 2),
            ("original", "a packet states 3 captured of only 2 original bytes", 3),
            ("interface", "a packet names interface 5, but only 1 are described before; the block is left out", 2),
            ("short packet", "a packet block is too short; the block is left out", 2),
            ("short interface", "an interface description is too short; the block is left out", 2),
            ("short process", "a process event block is too short; the block is left out", 2),
            ("short statistics", "an interface statistics block is too short; the block is left out", 2),
            (
                "statistics interface",
                "statistics name interface 3, but only 1 are described before; the block is left out", 2
            ),
            ("option overrun", "option 1 runs past its block", 3),
            ("simple", "a simple packet block should hold 9 bytes, it has 4; the block is left out", 2),
        ])
    func findings(damage: String, what: String, packets: Int) throws {
        var file = SampleBlocks(.little)
        file.section()
        file.interface()
        file.packet([1])
        let offset = file.bytes.count
        switch damage {
        case "differing lengths":
            file.packet([])
            file.bytes[file.bytes.count - 4] = 36
        case "length 13", "length 8", "length 1 GB":
            file.packet([])
            let length: UInt32 = damage == "length 13" ? 13 : damage == "length 8" ? 8 : 1 << 30
            file.bytes.replaceSubrange(offset + 4..<offset + 8, with: file.u32(length))
        case "magic":
            file.section()
            file.bytes[offset + 8] = 0
        case "version": file.section(major: 2)
        case "captured": file.packet([1, 2, 3], captured: 99)
        case "original": file.packet([1, 2, 3], original: 2)
        case "interface": file.packet(interface: 5, [1])
        case "short packet": file.block(6, file.u32(0))
        case "short interface": file.block(1, file.u32(0))
        case "short process": file.block(0x8000_0001, [])
        case "short statistics": file.block(5, file.u32(0))
        case "statistics interface": file.block(5, file.u32(3) + file.u32(0) + file.u32(0))
        case "option overrun": file.packet([1], file.u16(1) + file.u16(99))
        case "simple": file.block(3, file.u32(9) + [1, 2, 3, 4])
        default: Issue.record("no such damage")
        }
        file.packet([2])
        var reader = BlockReader(MemorySource(file.bytes), file: "x.pcapng")
        var found = 0
        while let event = try reader.next() {
            if case .packet = event { found += 1 }
        }
        #expect(found == packets)
        #expect(reader.damage == [Damage(file: "x.pcapng", offset: UInt64(offset), what: what)])
        #expect(try reader.next() == nil)
    }

    @Test(
        "what is not pcapng at all",
        arguments: [[], [1], Array("hello, world, this is text".utf8), [UInt8](repeating: 0, count: 99)])
    func notPcapNG(bytes: [UInt8]) throws {
        var reader = BlockReader(MemorySource(bytes), file: "f")
        #expect(try reader.next() == nil)
        #expect(reader.damage.count == (bytes.isEmpty ? 0 : 1))
    }

    @Test("a million damaged blocks are counted, not listed")
    func boundedFindings() throws {
        var file = SampleBlocks(.little)
        file.section()
        for _ in 0..<10_007 { file.packet([]) }
        var reader = BlockReader(MemorySource(file.bytes), file: "f")
        while try reader.next() != nil {}
        #expect(reader.damage.count == 100)
        #expect(reader.damageCount == 10_007)
    }

    @Test("1,000 mutated files: no crash, no hang, no more events than bytes")
    func mutations() throws {
        var generator = SeededGenerator(state: 2136)
        for round in 0..<1000 {
            var bytes = Self.wholeFile(round % 2 == 0 ? .little : .big).bytes
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch generator.next() % 5 {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 2: bytes[at] = [0, 0xFF, 0x7F, 0x80][Int(generator.next() % 4)]
                case 3: bytes.remove(at: at)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
                }
            }
            var reader = BlockReader(MemorySource(bytes), file: "f")
            var events = 0
            while let event = try reader.next() {
                events += 1
                if case .packet(let packet) = event {
                    #expect(reader.packetBytes.byteCount <= packet.originalLength)
                    #expect(packet.interface < reader.interfaces.count)
                }
                _ = reader.comments()
                _ = ProcessComment(comments: reader.comments())
            }
            #expect(events <= bytes.count / 12)
        }
    }
}
