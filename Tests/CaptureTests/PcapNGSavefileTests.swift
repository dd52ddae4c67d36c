import Capture
import Foundation
import Records
import Testing

@Suite("pcapng savefiles")
struct PcapNGSavefileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [false, true], [false, true])
    func readsInterfacesIdsAndDirections(bigEndian: Bool, gzipped: Bool) throws {
        let sample = PcapNGSample(bigEndian: bigEndian)
        let packet = SamplePacket.three[0]
        let raw = SamplePacket(
            seconds: 0, nanoseconds: 0, frame: Array(SampleFrame.udp.dropFirst(14)), originalLength: 36)
        let file =
            sample.section
            + sample.interface(1, name: "eth0")
            + sample.interface(101, name: "tun0", resolution: 9)
            + sample.packet(packet, flags: 1, id: 77)
            + sample.packet(raw, interface: 1, ticks: 1_700_000_000_123_456_789, flags: 2)
            + sample.block(0x8000_0042, hex("DEAD BEEF"))  // an unknown block
            + sample.packet(packet)
        var path = try folder.write(file)
        if gzipped {
            #expect(try run(["gzip", "-n", path]).status == 0)
            path += ".gz"
        }
        let reading = try Reading(path)
        #expect(
            reading.interfaces == [
                CaptureInterface(name: "eth0", linkType: 1, snapLength: 262_144),
                CaptureInterface(name: "tun0", linkType: 101, snapLength: 262_144),
            ])
        #expect(reading.frames.map(\.frame) == [1, 2, 3])
        #expect(reading.frames.map(\.interface) == [0, 1, 0])
        #expect(reading.frames.map(\.linkType) == [1, 101, 1])
        #expect(reading.frames.map(\.direction) == [.ingress, .egress, .unknown])
        #expect(reading.frames.map(\.packetID) == [77, nil, nil])
        #expect(
            reading.frames.map(\.time.nanoseconds) == [
                1_700_000_000_123_456_000, 1_700_000_000_123_456_789, 1_700_000_000_123_456_000,
            ])
        #expect(reading.contents == [packet.frame, raw.frame, packet.frame])
        #expect(reading.damage == [])
    }

    @Test func eachSectionHasInterfacesOfItsOwn() throws {
        let little = PcapNGSample()
        let big = PcapNGSample(bigEndian: true)
        let packet = SamplePacket.three[0]
        let raw = SamplePacket(
            seconds: 5, nanoseconds: 0, frame: Array(SampleFrame.udp.dropFirst(14)), originalLength: 36)
        let file =
            little.section + little.interface(1, name: "a") + little.packet(packet)
            + big.section + big.interface(101, name: "b") + big.packet(raw)
        let reading = try Reading(folder.write(file))
        #expect(reading.interfaces.map(\.name) == ["a", "b"])
        #expect(reading.frames.map(\.interface) == [0, 1])
        #expect(reading.frames.map(\.linkType) == [1, 101])
        #expect(reading.packets == [packet, raw])
    }

    @Test func unsupportedLinkTypeIsNamedAndTheOthersAreRead() throws {
        let sample = PcapNGSample()
        let file =
            sample.section + sample.interface(147) + sample.interface(1)
            + sample.packet(SamplePacket.three[0], interface: 1)
        let reading = try Reading(folder.write(file))
        #expect(reading.packets == [SamplePacket.three[0]])
        #expect(reading.damage.count == 1)
        #expect(reading.damage.first?.what == "interface 0 has link type 147, whose frames cannot be decoded")
        #expect(reading.damage.first?.offset == UInt64(sample.section.count))
    }

    @Test func packetsWithoutATimeAreSaidToBe() throws {
        let sample = PcapNGSample()
        let file =
            sample.section + sample.interface(1) + sample.simplePacket(SampleFrame.udp)
            + sample.simplePacket(SampleFrame.udp)
        let reading = try Reading(folder.write(file))
        #expect(reading.contents == [SampleFrame.udp, SampleFrame.udp])
        #expect(reading.frames.map(\.time.nanoseconds) == [0, 0])
        #expect(reading.damage.count == 1)
        #expect(reading.damage.first?.what.contains("no time stamp") == true)
    }
}
