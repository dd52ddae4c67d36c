import Capture
import Foundation
import PacketDecoding
import Records
import SeededRandomness
import Testing

@Suite("Mutated files", .timeLimit(.minutes(2)))
struct MutatedCaptureTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let count = 1_000

    private func mutate(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = file
        for _ in 0...Int.random(in: 0...7, using: &random) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes.removeLast(bytes.count - place)
            case 1: bytes.removeSubrange(place..<min(place + 7, bytes.count))
            case 2: bytes.insert(contentsOf: bytes.prefix(13), at: place)
            case 3: bytes[place] = 0xFF
            default: bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    @Test func neitherCrashNorHang() throws {
        var random = SeededGenerator(state: 20_260_301)
        let packets = SamplePacket.three + SamplePacket.three
        let block = PcapNGSample()
        let big = PcapNGSample(bigEndian: true)
        var seeds = PcapSavefileTests.formats.map { $0.file(packets) }
        seeds.append(
            block.section + block.interface(1, name: "eth0") + packets.flatMap { block.packet($0, flags: 1, id: 5) })
        seeds.append(
            big.section + big.interface(1) + big.interface(101, resolution: 9) + packets.flatMap { big.packet($0) }
                + block.section + block.interface(1) + block.simplePacket(SampleFrame.udp))
        let compressed = try folder.write(seeds[0], as: "seed")
        #expect(try run(["gzip", "-n", compressed]).status == 0)
        seeds.append(try Array(Data(contentsOf: URL(filePath: compressed + ".gz"))))

        var opened = 0
        var violations: [String] = []
        for number in 0..<Self.count {
            let content = mutate(seeds[number % seeds.count], &random)
            let path = try folder.write(content)
            do throws(CaptureError) {
                let reading = try Reading(path)
                opened += 1
                // No packet can come out of nothing: each record has a head of 16 bytes at least.
                if reading.frames.count > content.count * 100 { violations.append("\(number): too many packets") }
                for (frame, bytes) in zip(reading.frames, reading.contents) {
                    if frame.capturedLength != bytes.count || frame.originalLength < bytes.count {
                        violations.append("\(number): lengths of frame \(frame.frame)")
                    }
                    if !reading.interfaces.indices.contains(frame.interface) {
                        violations.append("\(number): interface of frame \(frame.frame)")
                    }
                }
                if reading.damage.contains(where: { $0.what.count < 8 || $0.file != path }) {
                    violations.append("\(number): a finding that says nothing")
                }
            } catch {
                if error.description.count < 20 { violations.append("\(number): \(error)") }
            }
        }
        #expect(violations.prefix(3) == [])
        #expect(opened > Self.count / 3)
    }
}
