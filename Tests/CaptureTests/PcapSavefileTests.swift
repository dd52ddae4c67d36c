import Capture
import Foundation
import Glibc
import Records
import Testing

@Suite("pcap savefiles")
struct PcapSavefileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let formats = [
        PcapSample(), PcapSample(bigEndian: true), PcapSample(nanoseconds: false),
        PcapSample(bigEndian: true, nanoseconds: false), PcapSample(nanoseconds: false, modified: true),
        PcapSample(bigEndian: true, nanoseconds: false, modified: true),
    ]

    @Test(arguments: formats, [false, true])
    func readsEveryFormat(sample: PcapSample, gzipped: Bool) throws {
        var path = try folder.write(sample.file(SamplePacket.three))
        if gzipped { path = try gzip(path) }
        let reading = try Reading(path)
        #expect(reading.packets == SamplePacket.three)
        #expect(reading.frames.map(\.frame) == [1, 2, 3])
        #expect(reading.frames.map(\.capturedLength) == [50, 42, 0])
        #expect(reading.frames.allSatisfy { $0.linkType == 1 && $0.interface == 0 && $0.packetID == nil })
        // libpcap counts the link-layer header of the modified format on top.
        let snapLength: UInt32 = sample.modified ? 65_549 : 65_535
        #expect(reading.interfaces == [CaptureInterface(name: nil, linkType: 1, snapLength: snapLength)])
        #expect(reading.damage == [])
    }

    @Test func nanosecondsAreExact() throws {
        let packet = SamplePacket(seconds: 1, nanoseconds: 123_456_789, frame: SampleFrame.udp, originalLength: 50)
        let reading = try Reading(folder.write(PcapSample().file([packet])))
        #expect(reading.frames.first?.time == Timestamp(nanoseconds: 1_123_456_789))
    }

    @Test func noPacketsIsNoDamage() throws {
        let reading = try Reading(folder.write(PcapSample().header))
        #expect(reading.frames == [])
        #expect(reading.damage == [])
    }

    @Test func rawLinkTypeHasItsFileNumber() throws {
        let packet = SamplePacket(
            seconds: 1, nanoseconds: 0, frame: Array(SampleFrame.udp.dropFirst(14)), originalLength: 36)
        let reading = try Reading(folder.write(PcapSample(linkType: 101).file([packet])))
        #expect(reading.interfaces.map(\.linkType) == [101])
        #expect(reading.frames.map(\.linkType) == [101])
    }

    // MARK: Pipes

    /// A pipe that hands over the bytes one by one, as `-` and as a path.
    @Test(arguments: [false, true])
    func readsFromAPipeInSmallSteps(gzipped: Bool) throws {
        var path = try folder.write(PcapSample().file(SamplePacket.three))
        if gzipped { path = try gzip(path) }
        let pipe = folder.path("pipe")
        #expect(try run(["mkfifo", pipe]).status == 0)
        let writer = Process()
        writer.executableURL = URL(filePath: "/bin/sh")
        writer.arguments = ["-c", "dd if='\(path)' of='\(pipe)' bs=1 2>/dev/null"]
        try writer.run()
        let reading = try Reading(pipe)
        writer.waitUntilExit()
        #expect(reading.packets == SamplePacket.three)
        #expect(reading.damage == [])
    }

    @Test func readsStandardInput() throws {
        let path = try folder.write(PcapSample().file(SamplePacket.three))
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        let kept = dup(0)
        defer {
            dup2(kept, 0)
            close(kept)
        }
        #expect(dup2(file.fileDescriptor, 0) == 0)
        let reading = try Reading("-")
        #expect(reading.packets == SamplePacket.three)
    }

    // MARK: gzip

    @Test func readsSeveralGzipMembersAndPadding() throws {
        let file = PcapSample().file(SamplePacket.three)
        let first = try gzip(folder.write(Array(file.prefix(70)), as: "first"))
        let second = try gzip(folder.write(Array(file.dropFirst(70)), as: "second"))
        var joined = try Array(Data(contentsOf: URL(filePath: first)))
        joined += try Array(Data(contentsOf: URL(filePath: second)))
        let whole = try Reading(folder.write(joined))
        #expect(whole.packets == SamplePacket.three)
        #expect(whole.damage == [])
        // Tapes pad with zeros, and other things follow too; gzip itself ignores them.
        for trailing in [[0], [UInt8](repeating: 0, count: 512), Array("BZ".utf8), hex("1F 8B FF FF")] {
            let padded = try Reading(folder.write(joined + trailing))
            #expect(padded.packets == SamplePacket.three)
            #expect(padded.damage == [])
        }
        // Members without a byte in them, thousands in a row.
        let empty = try Array(Data(contentsOf: URL(filePath: gzip(folder.write([], as: "empty")))))
        let many = try Reading(folder.write(joined + Array([[UInt8]](repeating: empty, count: 5003).joined())))
        #expect(many.packets == SamplePacket.three)
        #expect(many.damage == [])
    }

    @Test func damagedGzipKeepsWhatCameBefore() throws {
        let packets = (0..<20_011).map {
            SamplePacket(
                seconds: UInt32($0), nanoseconds: 0, frame: SampleFrame.udp.dropLast(4) + bytes(UInt32($0 &* 7919)),
                originalLength: 50)
        }
        let compressed = try Array(
            Data(contentsOf: URL(filePath: gzip(folder.write(PcapSample().file(packets))))))
        let cut = try Reading(folder.write(Array(compressed.prefix(compressed.count / 2)), as: "cut"))
        #expect((1..<packets.count).contains(cut.frames.count))
        #expect(cut.packets == Array(packets.prefix(cut.frames.count)))
        #expect(cut.damage.map(\.what) == ["the gzip data ends early: the file is not complete"])
        #expect(try #require(cut.damage.first).offset >= UInt64(24 + 66 * cut.frames.count))

        var spoilt = compressed
        for index in compressed.count / 2..<compressed.count / 2 + 64 { spoilt[index] ^= 0x55 }
        let broken = try Reading(folder.write(spoilt, as: "spoilt"))
        // Wrong data may decompress to wrong records before zlib can tell: either finds the damage.
        #expect((1..<packets.count).contains(broken.frames.count))
        #expect(broken.damage.count == 1)
        #expect(broken.packets.first == packets.first)
    }

    private func gzip(_ path: String) throws -> String {
        let result = try run(["gzip", "-n", path])
        #expect(result.status == 0)
        return path + ".gz"
    }
}
