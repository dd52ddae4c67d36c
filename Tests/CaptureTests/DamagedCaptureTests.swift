import Foundation
import Records
import SystemPackage
import Testing

@testable import Capture

@Suite("Damaged and foreign files")
struct DamagedCaptureTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    // MARK: What cannot be opened

    @Test(arguments: [
        ("empty", [UInt8](), CaptureError.Code.notACapture, " is empty"),
        ("one byte", [0xA1], .damaged, "truncated"),
        ("text", Array("Frame 1: 60 bytes on wire\n".utf8), .notACapture, "neither pcap nor pcapng"),
        ("zstd", hex("28B5 2FFD 0000 0000"), .notACapture, "unzstd"),
        ("xz", hex("FD37 7A58 5A00 0000"), .notACapture, "unxz"),
        ("bzip2", Array("BZh91AY".utf8), .notACapture, "bunzip2"),
        ("half a pcap header", Array(PcapSample().header.prefix(17)), .damaged, "truncated"),
        ("future version", hex("D4C3 B2A1 0300 0000") + [UInt8](repeating: 0, count: 16), .damaged, "version"),
        ("half a section header", Array(PcapNGSample().section.prefix(15)), .damaged, "nothing usable"),
        ("gzip of nothing", hex("1F8B 0800 0000 0000 0003 0300 0000 0000 0000 0000"), .notACapture, " is empty"),
        ("only a gzip header", hex("1F8B 0800 0000 0000 0003"), .damaged, "gzip data ends early"),
        ("broken gzip", hex("1F8B 0800 0000 0000 0003 FFFF FFFF"), .damaged, "gzip data is damaged"),
        ("link type", PcapSample(linkType: 105).header, .unsupportedLinkType, "link type 105 (IEEE802_11)"),
        ("unknown link type", PcapSample(linkType: 60_001).header, .unsupportedLinkType, "link type 60001"),
    ])
    func namesWhatIsWrong(name: String, content: [UInt8], code: CaptureError.Code, words: String) throws {
        let error = try #require(openingError(folder.write(content)))
        #expect(error.code == code)
        #expect(error.description.contains(words), "\(error)")
        #expect(error.description.contains(folder.path("input")))
        #expect(error.description.hasSuffix("."))
    }

    @Test func missingFileAndDirectory() throws {
        let missing = try #require(openingError(folder.path("absent.pcap")))
        #expect(missing.code == .missing)
        #expect(missing.description == "\(folder.path("absent.pcap")) does not exist; check its path.")
        let below = try #require(openingError(folder.write([0]) + "/file"))
        #expect(below.code == .missing)
        let directory = try #require(openingError(folder.path("")))
        #expect(directory.code == .unreadable)
        #expect(directory.description.contains("is a directory"))
    }

    @Test(arguments: [Errno.permissionDenied, .notPermitted, .ioError, .tooManyOpenFiles])
    func otherErrnosAreUnreadable(errno: Errno) {
        let error = CaptureError.opening("x.pcap", errno)
        #expect(error.code == .unreadable)
        #expect(error.errno == errno.rawValue)
        #expect(error.description.hasPrefix("x.pcap "))
    }

    @Test func controlCharactersInAPathAreEscaped() throws {
        let error = try #require(openingError(folder.path("a\u{1B}[31m")))
        #expect(!error.description.contains("\u{1B}"))
    }

    // MARK: What is readable is delivered

    @Test(arguments: PcapSavefileTests.formats)
    func cutAnywhereDeliversWholePackets(sample: PcapSample) throws {
        let file = sample.file(SamplePacket.three)
        var ends = [sample.header.count]
        for packet in SamplePacket.three { ends.append((ends.last ?? 0) + sample.record(packet).count) }
        for length in sample.header.count..<file.count {
            let reading = try Reading(folder.write(Array(file.prefix(length))))
            let whole = ends.lastIndex { $0 <= length } ?? 0
            #expect(reading.packets == Array(SamplePacket.three.prefix(whole)), "cut to \(length)")
            if ends[whole] == length {
                #expect(reading.damage == [])
            } else {
                #expect(reading.damage.map(\.offset) == [UInt64(ends[whole])], "cut to \(length)")
                #expect(reading.damage.first?.what.contains("truncated") == true)
            }
        }
    }

    @Test func absurdCapturedLengthEndsTheFile() throws {
        let sample = PcapSample()
        let good = SamplePacket.three[0]
        let file = sample.file([good]) + sample.record(good, capturedLength: 0x7FFF_FFF0) + sample.record(good)
        let reading = try Reading(folder.write(file))
        #expect(reading.packets == [good])
        #expect(reading.damage.map(\.offset) == [90])
        #expect(reading.damage.first?.what.contains("invalid packet capture length") == true)
    }

    @Test func packetsBeyondTheSnapLengthAreCutAndCounted() throws {
        let sample = PcapSample(snapLength: 42)
        let long = SamplePacket.three[0]
        let file = sample.file([long, long]) + sample.record(long).dropLast()
        let reading = try Reading(folder.write(file))
        #expect(reading.frames.map(\.capturedLength) == [42, 42])
        #expect(reading.frames.map(\.originalLength) == [50, 50])
        #expect(reading.damage.map(\.offset) == [24 + 2 * 66])
    }

    @Test func zeroSnapLengthIsNoLimit() throws {
        let reading = try Reading(folder.write(PcapSample(snapLength: 0).file(SamplePacket.three)))
        #expect(reading.packets == SamplePacket.three)
        #expect(reading.damage == [])
    }

    @Test func originalLengthIsNeverBelowTheCaptured() throws {
        var packet = SamplePacket.three[0]
        packet.originalLength = 7
        #expect(try Reading(folder.write(PcapSample().file([packet]))).frames.map(\.originalLength) == [50])
    }

    @Test func aFileThatShrinksWhileItIsReadEndsWithDamage() throws {
        let packets = [SamplePacket](repeating: SamplePacket.three[0], count: 20_011)
        let path = try folder.write(PcapSample().file(packets))
        let file = try Savefile(path: path)
        #expect(file.next { frame, _ in frame.frame } == 1)
        // More than is read ahead, and within a record.
        #expect(try run(["truncate", "-s", "\(24 + 66 * 10_007 + 30)", path]).status == 0)
        let reading = Reading(file)
        #expect(file.frameCount == 10_007)
        #expect(reading.damage.map(\.offset) == [24 + 66 * 10_007])
    }

    @Test func pcapngDamageIsHandedOn() throws {
        let sample = PcapNGSample()
        let file = sample.section + sample.interface(1) + sample.packet(SamplePacket.three[0])
        let reading = try Reading(folder.write(file + sample.packet(SamplePacket.three[1]).dropLast(5)))
        #expect(reading.packets == [SamplePacket.three[0]])
        #expect(reading.damage.map(\.offset) == [UInt64(file.count)])
    }
}
