import PcapNG
import Records
import SeededRandomness
import Testing

@Suite("Options of packets")
struct PacketOptionTests {
    /// What a reader says of a packet with these options, in words.
    private static func said(_ options: [(UInt16, [UInt64])], cut: Int, _ order: ByteOrder) throws -> [String] {
        var blocks = SampleBlocks(order)
        blocks.section()
        blocks.interface(101)
        var bytes: [UInt8] = []
        for (code, value) in options {
            switch code {
            case OptionCode.comment: bytes += blocks.option(code, value.map { UInt8(truncatingIfNeeded: $0) })
            case OptionCode.end: bytes += blocks.endOfOptions
            case OptionCode.Packet.packetID, OptionCode.Packet.dropCount:
                bytes += blocks.option(code, value.flatMap { blocks.integer($0, 8) })
            default: bytes += blocks.option(code, value.flatMap { blocks.integer($0, 4) })
            }
        }
        blocks.packet([1, 2, 3, 4, 5], Array(bytes.prefix(max(0, bytes.count - cut))))
        blocks.packet([6], [])
        var reader = BlockReader(MemorySource(blocks.bytes), file: "f")
        var found: [String] = []
        while let event = try reader.next() {
            guard case .packet(let packet) = event else { continue }
            found.append("\(packet) \(reader.comment.array) \(reader.option(OptionCode.comment).array)")
            found.append("\(reader.comments()) \(reader.packetBytes.array)")
        }
        return found + reader.damage.map { "\($0)" }
    }

    /// Those of a send record, as this tool writes them.
    private static func usual(_ generator: inout SeededGenerator) -> [(UInt16, [UInt64])] {
        func word() -> UInt64 { generator.next() >> 32 }
        let length = Int.random(in: 0...40, using: &generator)
        return [
            (OptionCode.comment, (0..<length).map { _ in UInt64.random(in: 0x20...0x7E, using: &generator) }),
            (OptionCode.Packet.flags, [word()]), (OptionCode.Packet.processAndThread, [word(), word()]),
            (OptionCode.Packet.processIndex, [word()]), (OptionCode.end, []),
        ]
    }

    /// Files in the other byte order are read option by option.
    @Test("5,000 lists of options, usual and not, say the same in both byte orders")
    func bothOrders() throws {
        var generator = SeededGenerator(state: 47)
        for round in 0..<5000 {
            var options = Self.usual(&generator)
            for _ in 0..<(round % 4) {
                let at = Int.random(in: 0..<options.count, using: &generator)
                switch generator.next() % 7 {
                case 0: options.swapAt(at, Int.random(in: 0..<options.count, using: &generator))
                case 1: options.insert(options[at], at: 0)
                case 2 where options.count > 1: options.remove(at: at)
                case 3: options[at].1.append(generator.next() >> 32)
                case 4: options.insert((OptionCode.Packet.packetID, [generator.next()]), at: at)
                case 5: options[at].0 = [0, 1, 2, 4, 5, 6, 8, 0x8001, 0x8003, 77][Int(generator.next() % 10)]
                default: if !options[at].1.isEmpty { options[at].1.removeLast() }
                }
            }
            let cut = round % 5 == 0 ? 4 * Int.random(in: 0...4, using: &generator) : 0
            let little = try Self.said(options, cut: cut, .little)
            #expect(try Self.said(options, cut: cut, .big) == little, "\(options), cut by \(cut)")
        }
    }

    @Test("the options of a send record are read")
    func usual() throws {
        let options: [(UInt16, [UInt64])] = [
            (OptionCode.comment, [0x41, 0x3D, 0x31]), (OptionCode.Packet.flags, [2]),
            (OptionCode.Packet.processAndThread, [7, 9]), (OptionCode.Packet.processIndex, [3]), (OptionCode.end, []),
        ]
        var packet = PacketBlock(interface: 0, time: Timestamp(nanoseconds: 0), originalLength: 5)
        packet.flags = 2
        packet.processID = 7
        packet.threadID = 9
        packet.processIndex = 3
        for order in [ByteOrder.little, .big] {
            let said = try Self.said(options, cut: 0, order)
            #expect(said.prefix(2) == ["\(packet) [65, 61, 49] [65, 61, 49]", "[\"A=1\"] [1, 2, 3, 4, 5]"])
            // Nothing of it is left for the next packet.
            #expect(said.last == "[] [6]" && said.count == 4)
        }
    }
}
