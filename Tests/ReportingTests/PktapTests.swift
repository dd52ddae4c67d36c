import Correlation
import Foundation
import PcapNG
import Records
import Reporting
import SystemPackage
import Testing

/// Captures with LINKTYPE_PKTAP's header before every frame.
@Suite("Annotated captures with pktap headers")
struct PktapTests {
    private static let start = AnnotatedCaptureTests.start
    private static let datagram = Array(AnnotatedCaptureTests.frame(payload: [1, 2, 3]).dropFirst(14))
    /// Protocol IPv4, reserved, index 2, Ethernet, outgoing, an address of 6 bytes.
    private static let cooked: [UInt8] = [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0x5E, 0, 0, 1, 0, 0]

    private struct Row {
        var interface: CaptureInterface
        var frame: [UInt8]
        var packet: ReportedPacket?
        var direction = Direction.egress
    }

    /// An Ethernet, a cooked and a raw frame of a process, and one of nobody.
    private static func rows(name: String) -> [Row] {
        let sender = AnnotatedCaptureTests.sender(pid: 0x0A0B_0C0D, start: 17, image: 1, thread: 2140)
        let description = AnnotatedCaptureTests.description(pid: 0x0A0B_0C0D, name: name)
        let named = AnnotatedCaptureTests.packet(
            AnnotatedCaptureTests.verdict(.process, .exact, .packet, sender), process: description)
        let ethernet = AnnotatedCaptureTests.frame(payload: [1, 2, 3])
        let nobodys = AnnotatedCaptureTests.packet(AnnotatedCaptureTests.verdict(.received, .exact, .none))
        return [
            Row(
                interface: CaptureInterface(name: "eth0", linkType: 1, snapLength: 0), frame: ethernet, packet: named),
            Row(
                interface: CaptureInterface(name: "any", linkType: 276, snapLength: 0), frame: cooked + datagram,
                packet: named),
            Row(
                interface: CaptureInterface(name: nil, linkType: 101, snapLength: 0), frame: datagram, packet: named),
            Row(
                interface: CaptureInterface(name: "eth0", linkType: 1, snapLength: 0), frame: ethernet, packet: nobodys,
                direction: .ingress),
        ]
    }

    private static func capture(name: String = "store") throws -> [UInt8] {
        let path = AnnotatedCaptureWitnesses.temporaryPath()
        defer { AnnotatedCaptureWitnesses.remove(path) }
        let rows = rows(name: name)
        let descriptor = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
        try descriptor.closeAfter {
            var writer = try AnnotatedCaptureWriter(
                descriptor: descriptor, toolVersion: "0.1.0", operatingSystem: nil,
                coverage: [Coverage(host: "gate", start: start)], interfaces: rows.map(\.interface), pktap: true)
            for (index, row) in rows.enumerated() {
                try writer.write(
                    .init(
                        time: start.advanced(by: Int64(index)), interface: UInt16(index), direction: row.direction,
                        originalLength: row.frame.count + 1000),
                    row.frame.rawSpan, row.packet, interfaces: rows.map(\.interface))
            }
            try writer.finish(stop: start.advanced(by: 100), counts: [], lost: [:])
        }
        return [UInt8](try Data(contentsOf: URL(filePath: path.string)))
    }

    private static func packets(_ file: [UInt8]) throws -> [(block: PacketBlock, bytes: [UInt8])] {
        var reader = BlockReader(MemorySource(file), file: "f")
        var packets: [(block: PacketBlock, bytes: [UInt8])] = []
        while let event = try reader.next() {
            if case .packet(let packet) = event { packets.append((packet, reader.packetBytes.array)) }
        }
        #expect(reader.interfaces.allSatisfy { $0.linkType == 258 } && reader.damage.isEmpty)
        return packets
    }

    private static func padded(_ text: String, to count: Int) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: count - text.utf8.count)
    }

    @Test("the header of a process's frame, byte for byte")
    func header() throws {
        let packets = try Self.packets(Self.capture())
        let first = try #require(packets.first)
        let fields: [[UInt8]] = [
            [108, 0, 0, 0], [1, 0, 0, 0],  // length, a packet follows
            [1, 0, 0, 0],  // DLT_EN10MB
            Self.padded("eth0", to: 24),
            [2, 0, 0, 0],  // outgoing
            [2, 0, 0, 0],  // AF_INET
            [14, 0, 0, 0], [0, 0, 0, 0],  // link-layer header and trailer
            [0x0D, 0x0C, 0x0B, 0x0A], Self.padded("store", to: 20),
            [0, 0, 0, 0],  // service class
            [0, 0, 0, 0],  // interface's type and unit
            [0x0D, 0x0C, 0x0B, 0x0A], Self.padded("store", to: 20),
        ]
        #expect(Array(first.bytes.prefix(108)) == Array(fields.joined()))
        #expect(Array(first.bytes.dropFirst(108)) == Self.rows(name: "")[0].frame)
        #expect(first.block.originalLength == 108 + Self.rows(name: "")[0].frame.count + 1000)
    }

    @Test("the frame's own link type, its header's length and direction are in the header")
    func linkTypes() throws {
        let packets = try Self.packets(Self.capture())
        // DLT_RAW is 12 where LINKTYPE_RAW is 101.
        #expect(packets.map { $0.bytes[8] } == [1, 20, 12, 1])
        #expect(packets.map { $0.bytes[9] } == [0, 1, 0, 0])
        #expect(packets.map { $0.bytes[44] } == [14, 20, 0, 14])
        #expect(packets.map { $0.bytes[36] } == [2, 2, 2, 1])
        #expect(packets.map { Array($0.bytes.dropFirst(108)) } == Self.rows(name: "").map(\.frame))
    }

    @Test("a packet of nobody has Darwin's number for no process, and no name")
    func nobody() throws {
        let bytes = try #require(Self.packets(Self.capture()).last).bytes
        #expect(
            Array(bytes[52..<56]) == [0xFF, 0xFF, 0xFF, 0xFF] && Array(bytes[84..<88]) == [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(bytes[56..<76].allSatisfy { $0 == 0 } && bytes[88..<108].allSatisfy { $0 == 0 })
    }

    @Test(
        "a name that is too long is cut between characters, and ends in a zero",
        arguments: [
            ("nineteen bytes long", "nineteen bytes long"), ("twenty bytes are more", "twenty bytes are mo"),
            ("eighteen bytes, éx", "eighteen bytes, éx"), ("eighteen and a bit é", "eighteen and a bit "),
        ])
    func longNames(name: String, stored: String) throws {
        let bytes = try #require(Self.packets(Self.capture(name: name)).first).bytes
        #expect(Array(bytes[56..<76]) == Self.padded(stored, to: 20))
    }

    @Test(
        "tshark has typed fields and dissects what is inside, and tcpdump reads it too",
        .enabled("both are installed") {
            AnnotatedCaptureWitnesses.areRequired
                || ["tcpdump", "tshark"].allSatisfy { AnnotatedCaptureWitnesses.find($0) != nil }
        })
    func witnesses() throws {
        let path = AnnotatedCaptureWitnesses.temporaryPath()
        defer { AnnotatedCaptureWitnesses.remove(path) }
        try Data(Self.capture()).write(to: URL(filePath: path.string))
        let fields = ["pktap.pid", "pktap.cmdname", "pktap.ifname", "udp.dstport"].flatMap { ["-e", $0] }
        let tshark = try AnnotatedCaptureWitnesses.run(
            #require(AnnotatedCaptureWitnesses.find("tshark")),
            ["-n", "-r", path.string, "-Y", "pktap.pid == 168496141", "-T", "fields"] + fields)
        #expect(
            tshark.output == """
                168496141\tstore\teth0\t2762
                168496141\tstore\tany\t2762
                168496141\tstore\t\t2762

                """)
        let tcpdump = try AnnotatedCaptureWitnesses.run(
            #require(AnnotatedCaptureWitnesses.find("tcpdump")), ["-n", "-r", path.string])
        #expect(tcpdump.status == 0 && tcpdump.output.split(separator: "\n").count == 4)
        #expect(tcpdump.output.split(separator: "\n").allSatisfy { $0.contains("192.0.2.1.36003 > 198.51.100.7.2762") })
    }
}
