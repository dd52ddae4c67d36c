import Foundation
import PacketDecoding
import Records
import SystemPackage
import Testing

@testable import Capture

/// All that is said of frames, whichever way they are read.
private struct Scan: Equatable {
    var frames: [ScannedFrame] = []
    var transports: [[UInt8]] = []
    var times: [Timestamp] = []
    var glances: [PacketGlance?] = []

    /// Reads frame by frame, without batches.
    init(framesOf file: Savefile) { while file.next({ add($0, $1) }) != nil {} }

    init(batches next: () -> FrameBatch?) { while let batch = next() { add(batch) } }

    private mutating func add(_ frame: CapturedFrame, _ bytes: RawSpan) {
        let decoded = decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength)
        frames.append(ScannedFrame(frame, decoded))
        transports.append(copy(decoded.transport(of: bytes)))
        times.append(frame.time)
        glances.append(PacketGlance(bytes, linkType: frame.linkType, originalLength: frame.originalLength))
    }

    private mutating func add(_ batch: FrameBatch) {
        for index in batch.frames.indices {
            times.append(batch.frames[index].time)
            glances.append(batch.frames[index].glance)
            batch.decode(index) { frame, transport in
                frames.append(frame)
                transports.append(copy(transport))
            }
            #expect(batch.frameNumber(index) == frames[frames.count - 1].frame)
        }
    }
}

@Suite("Reading in batches, and ahead on another thread")
struct ReadAheadTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static var hasProcessors: Bool { ProcessInfo.processInfo.activeProcessorCount > 1 }

    /// Packets of many lengths, up to the longest, enough of them for many buffers.
    private static func mix(_ count: Int, seed: UInt64) -> [SamplePacket] {
        var state = seed
        func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        return (0..<count).map { number in
            let length = number % 97 == 0 ? next(below: 65_000) : next(below: 1400)
            let frame =
                Array(SampleFrame.udp.prefix(42 - number % 3 * 17))
                + [UInt8](repeating: UInt8(number & 0xFF), count: length)
            return SamplePacket(
                seconds: 1_700_000_000 + UInt32(number / 100), nanoseconds: UInt32(number % 100) * 1000, frame: frame,
                originalLength: frame.count + number % 5)
        }
    }

    /// In batches, on one thread and on two, the frames are those that are read one by one.
    private func compare(_ path: String, readsAhead: Bool = true) throws {
        let plain = try Savefile(path: path)
        let expected = Scan(framesOf: plain)
        let batched = try Savefile(path: path)
        #expect(Scan { batched.nextBatch() } == expected)
        #expect(batched.damage == plain.damage && batched.frameCount == plain.frameCount)
        let file = try Savefile(path: path)
        let ahead = file.readAhead()
        #expect((ahead != nil) == (readsAhead && Self.hasProcessors))
        guard let ahead else { return }
        #expect(Scan { ahead.next() } == expected)
        #expect(file.damage == plain.damage)
    }

    @Test("The frames are those that are read one by one", arguments: [0, 1, 40, 6000], [false, true])
    func sameFrames(count: Int, gzipped: Bool) throws {
        var path = try folder.write(PcapSample().file(Self.mix(count, seed: 7)))
        if gzipped {
            #expect(try run(["gzip", "-k", path]).status == 0)
            path += ".gz"
        }
        try compare(path)
    }

    @Test("Records that only libpcap can judge lie between others")
    func oddRecords() throws {
        var packets = Self.mix(2000, seed: 9)
        // More than a second of nanoseconds.
        for index in stride(from: 5, to: 2000, by: 31) { packets[index].nanoseconds = 1_500_000_000 }
        try compare(try folder.write(PcapSample().file(packets)))
    }

    @Test("Damage is found at the same place", arguments: 0..<60)
    func damaged(number: Int) throws {
        var file = PcapSample().file(Self.mix(900, seed: UInt64(number)))
        for step in 1...3 {
            file[24 + (number * 7919 + step * 104_729) % (file.count - 24)] ^= UInt8(1 << (number % 8))
        }
        if number % 4 == 0 { file.removeLast(number * 11 + 1) }
        try compare(try folder.write(file))
    }

    @Test("It can be ended anywhere", .enabled(if: ReadAheadTests.hasProcessors), arguments: [0, 1, 2, 5])
    func ended(batches: Int) throws {
        let file = try Savefile(path: try folder.write(PcapSample().file(Self.mix(8000, seed: 3))))
        let ahead = try #require(file.readAhead())
        var left = batches
        let found = Scan {
            defer { left -= 1 }
            return left > 0 ? ahead.next() : nil
        }
        ahead.stop()
        #expect(ahead.next() == nil, "nothing may come after the end")
        let count = found.frames.count
        #expect(left == -1 && found.frames.map(\.frame) == Array(1..<UInt64(count + 1)) && count < 8000)
    }

    @Test(
        "What libpcap reads is not read ahead, and comes in batches all the same",
        arguments: [
            PcapSample(bigEndian: true), PcapSample(modified: true), PcapSample(bigEndian: true, linkType: 101),
        ])
    func refused(sample: PcapSample) throws {
        try compare(try folder.write(sample.file(Self.mix(5000, seed: 1))), readsAhead: false)
    }

    @Test("Empty frames fill a batch")
    func emptyFrames() throws {
        let packet = SamplePacket(seconds: 1, nanoseconds: 2, frame: [], originalLength: 60)
        try compare(
            try folder.write(PcapSample().file(Array(repeating: packet, count: 3 * FrameBatch.capacity + 1))))
    }

    @Test("A pipe's frames are handed over as they come")
    func pipe() throws {
        let packets = Self.mix(3, seed: 4)
        let path = folder.path("pipe")
        #expect(try run(["mkfifo", path]).status == 0)
        // Both ways, since nobody reads yet.
        let writer = try FileDescriptor.open(FilePath(path), .readWrite)
        let file = PcapSample().file(packets)
        try writer.writeAll(file.dropLast())
        let reader = try Savefile(path: path)
        let first = try #require(reader.nextBatch())
        #expect(first.count == 2 && first.frames[1].time == packets[1].time)
        try writer.writeAll(file.suffix(1))
        let second = try #require(reader.nextBatch())
        #expect(second.count == 1 && second.frameNumber(0) == 3)
        try writer.close()
        #expect(reader.nextBatch().map(\.count) == 0 && reader.nextBatch() == nil)
    }
}
