import Capture
import Foundation
import Records
import Testing

/// All that a scan hands over.
private struct Scan: Equatable {
    var frames: [ScannedFrame] = []
    var transports: [[UInt8]] = []

    mutating func add(_ frame: ScannedFrame, _ transport: RawSpan) {
        frames.append(frame)
        transports.append(copy(transport))
    }
}

@Suite("Reading ahead on another thread")
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

    private func compare(_ path: String) throws {
        let plain = try Savefile(path: path)
        var expected = Scan()
        #expect(
            !plain.scan { frame, transport in
                expected.add(frame, transport)
                return true
            })
        let file = try Savefile(path: path)
        let ahead = try #require(file.readAhead())
        var found = Scan()
        while ahead.next({ found.add($0, $1) }) {}
        #expect(found == expected)
        #expect(file.damage == plain.damage)
    }

    @Test(
        "The frames are those of one thread", .enabled(if: ReadAheadTests.hasProcessors), arguments: [0, 1, 40, 6000],
        [false, true])
    func sameFrames(count: Int, gzipped: Bool) throws {
        var path = try folder.write(PcapSample().file(Self.mix(count, seed: 7)))
        if gzipped {
            #expect(try run(["gzip", "-k", path]).status == 0)
            path += ".gz"
        }
        try compare(path)
    }

    @Test("Records that only libpcap can judge lie between others", .enabled(if: ReadAheadTests.hasProcessors))
    func oddRecords() throws {
        var packets = Self.mix(2000, seed: 9)
        // More than a second of nanoseconds.
        for index in stride(from: 5, to: 2000, by: 31) { packets[index].nanoseconds = 1_500_000_000 }
        try compare(try folder.write(PcapSample().file(packets)))
    }

    @Test("Damage is found at the same place", .enabled(if: ReadAheadTests.hasProcessors), arguments: 0..<60)
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
        var found = Scan()
        for _ in 0..<batches { #expect(ahead.next { found.add($0, $1) }) }
        ahead.stop()
        #expect(!ahead.next { _, _ in Issue.record("nothing may come after the end") })
        #expect(found.frames.map(\.frame) == Array(1..<UInt64(found.frames.count + 1)) && found.frames.count < 8000)
    }

    @Test("What nothing is gained from is not read ahead")
    func refused() throws {
        let packets = Self.mix(5, seed: 1)
        #expect(try Savefile(path: try folder.write(PcapSample(bigEndian: true).file(packets))).readAhead() == nil)
    }
}
