import Capture
import Classification
import Correlation
import Foundation
import Records
import Testing

@testable import WhosentCLI

/// What is said of the packets of a capture: on a thread of its own, without one, and frame by frame.
@Suite("Packets that are read ahead")
struct PacketsAheadTests {
    /// The packets of all batches, and the tags of those that have one: those that were open in the order in which they were
    /// settled, which is that of their packets.
    private struct Said: Equatable {
        var packets: [String] = []
        var others: UInt64 = 0
        var tags: [Int: String] = [:]
        private var open: [Int] = []

        mutating func add(_ batch: TaggedPackets) {
            for (index, tag) in batch.tags {
                switch tag {
                case .settled(let tag): tags[packets.count + index] = "\(tag)"
                case .open: open.append(packets.count + index)
                }
            }
            packets += batch.packets.map { "\($0)" }
            others += batch.others
            for settled in batch.settled {
                #expect(settled.position <= batch.packets.count && !open.isEmpty)
                tags[open.removeFirst()] = "\(String(describing: settled.tag))"
            }
            if batch.areLast { #expect(open.isEmpty, "every tag is settled in the end") }
        }
    }

    /// Ethernet frames of all kinds, with thousands of notifications' form among them.
    private static func capture(_ count: Int) -> [UInt8] {
        func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var bytes: [UInt8] = little(0xA1B2_C3D4) + [2, 0, 4, 0] + little(0) + little(0) + little(65_535) + little(1)
        for number in 0..<count {
            let payload = [UInt8](repeating: UInt8(number % 200), count: number % 3 == 0 ? 8 : number % 41)
            var packet = SmallTraffic.datagram(
                id: UInt16(truncatingIfNeeded: number), from: UInt8(1 + number % 5), port: UInt16(1100 + number % 700),
                payload: payload)
            switch number % 13 {
            case 3: packet[9] = 6
            case 5: packet[6] = 0x20
            case 7: packet[9] = 1
            case 9: packet = Array(packet.prefix(number % packet.count))
            default: break
            }
            let type: [UInt8] = number % 17 == 0 ? [8, 6] : number % 19 == 0 ? [0x81, 0, 0, 5, 8, 0] : [8, 0]
            let frame = [0, 0x53, 0, 0, 0, 2, 0, 0x53, 0, 0, 0, 1] + type + packet
            let microseconds = UInt32(number * 150)
            bytes += little(1_772_360_430 + microseconds / 1_000_000) + little(microseconds % 1_000_000)
            bytes += little(UInt32(frame.count)) + little(UInt32(frame.count)) + frame
        }
        return bytes
    }

    private static func tagger() -> PacketTagger {
        let hasher = PacketHasher(
            lookups: Correlator(seed: 7).lookupMaker, identities: DistinctPackets(seed: 7).hasher)
        return PacketTagger(
            classifier: Classifier(configuration: ClassifierConfiguration()), hasher: hasher, waitingLimit: 1000)
    }

    /// Damaged captures too: the end is missing, or a record's length is wrong.
    @Test(arguments: [(0, nil), (30_000, nil), (30_000, 1_900_000), (9, nil)] as [(Int, Int?)])
    func areTheSameEitherWay(count: Int, cut: Int?) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID()).pcap").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var bytes = Self.capture(count)
        if let cut { bytes.removeLast(bytes.count - cut) }
        try Data(bytes).write(to: URL(filePath: path))

        var plain = Said()
        let file = try Savefile(path: path)
        var tagger = Self.tagger()
        var packets = TaggedPackets()
        while let batch = file.nextBatch() {
            tagger.add(batch, to: &packets)
            plain.add(packets)
            packets.removeAll()
        }
        tagger.end(&packets)
        plain.add(packets)
        #expect(plain.packets.count + Int(plain.others) == file.frameCount)
        if count > 100 { #expect(plain.tags.count > 1000 && (cut != nil || file.frameCount == count)) }

        for _ in 0..<3 {
            var said = Said()
            var packets = TaggedPackets()
            let file = try Savefile(path: path)
            var ahead = PacketsAhead(file, Self.tagger())
            while ahead.next(&packets) { said.add(packets) }
            let after = ahead.stop()
            #expect(said == plain)
            #expect(after.cutHeaders == tagger.cutHeaders && file.frameCount == plain.packets.count + Int(plain.others))
        }
    }

    @Test func endAtOnceWhereTheRunIsStopped() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID()).pcap").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(Self.capture(60_000)).write(to: URL(filePath: path))
        var said = Said()
        var packets = TaggedPackets()
        var ahead = PacketsAhead(try Savefile(path: path), Self.tagger())
        let hasBegun = ahead.next(&packets)
        #expect(hasBegun)
        said.add(packets)
        ahead.end()
        while ahead.next(&packets) { said.add(packets) }
        _ = ahead.stop()
        // What was read has its tags, and the rest was not read.
        #expect(said.packets.count > 0 && said.packets.count < 40_000)
    }
}
