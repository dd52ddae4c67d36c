import Evidence
import PcapNG
import Records
import Testing

@Suite("Captures of other tools")
struct ForeignCaptureTests {
    /// Ethernet, IPv4, UDP from 192.0.2.10 port 36003 to 198.51.100.7 port 2762, eight bytes.
    static func frame(identification: UInt8 = 1) -> [UInt8] {
        [0x02, 0, 0x5E, 0, 0, 1] + [0x02, 0, 0x5E, 0, 0, 2] + [0x08, 0x00]  // destination, source, EtherType
            + [0x45, 0, 0, 36] + [0, identification, 0, 0] + [128, 17, 0, 0]  // lengths, id and flags, TTL and protocol
            + [192, 0, 2, 10] + [198, 51, 100, 7]
            + [0x8C, 0xA3, 0x0A, 0xCA] + [0, 16, 0, 0]  // ports, length, checksum
            + [1, 2, 3, 4, 5, 6, 7, 8]
    }

    /// A block with its length before and after it.
    static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let length = little(UInt32(padded.count + 12))
        return little(type) + length + padded + length
    }

    static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        stride(from: 0, to: Value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> Value($0)) }
    }

    static func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
        little(code) + little(UInt16(value.count)) + value
            + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    static func section(application: String?) -> [UInt8] {
        let name = application.map { option(4, Array($0.utf8)) + option(0, []) } ?? []
        return block(
            0x0A0D_0D0A, little(UInt32(0x1A2B_3C4D)) + [1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8) + name)
            + block(1, little(UInt16(1)) + [0, 0] + little(UInt32(262_144)))
    }

    /// An enhanced packet block with comments, direction flags (1 in, 2 out) and a packet id.
    static func packet(
        _ frame: [UInt8] = frame(), comments: [String], flags: UInt32? = 2, id: UInt64? = nil, microseconds: UInt64 = 17
    ) -> [UInt8] {
        var options: [UInt8] = []
        if let flags { options += option(2, little(flags)) }
        if let id { options += option(5, little(id)) }
        for comment in comments { options += option(1, Array(comment.utf8)) }
        let padding = [UInt8](repeating: 0, count: (4 - frame.count % 4) % 4)
        let time = 1_263_468_014_000_000 + microseconds
        return block(
            6,
            little(UInt32(0)) + little(UInt32(time >> 32)) + little(UInt32(truncatingIfNeeded: time))
                + little(UInt32(frame.count)) + little(UInt32(frame.count)) + frame + padding + options
                + option(0, []))
    }

    static let caddy = "PID: 2136\nCmd: /opt/x/store\nArgs: /opt/x/store -d\nPID: 1"

    @Test(
        "ptcpdump names the process of each packet, with path, arguments, thread and user",
        arguments: ["ptcpdump 0.30.0", "x"])
    func ptcpdump(application: String) throws {
        let records = try ForeignRecords(
            bytes: Self.section(application: application)
                + Self.packet(comments: []) + Self.packet(comments: ["a user's own comment"])
                + Self.packet(comments: [
                    Self.caddy, "ThreadId: 2140\nThreadName: x", "UserId: 1001\nGroupId: 5",
                    "ParentPID: 500\nParentCmd: /bin/sh",
                ])
                + Self.packet(comments: [Self.caddy, "ThreadId: 2141"], flags: 1)
                + Self.packet(comments: ["PID: 77\nCommand: /bin/old"], flags: nil))
        #expect(records.kind == .ptcpdump && records.kind?.trust == .stated && records.damage.isEmpty)
        #expect(records.traffic.map(\.pid) == [2136, 2136, 77])
        #expect(records.traffic.map(\.thread) == [2140, 2141, nil])
        #expect(records.traffic.map(\.action) == [.sent, .received, .other])
        #expect(records.traffic.map(\.isOriented) == [true, true, false])
        #expect(records.traffic.map(\.position) == [3, 4, 5])
        #expect(records.traffic[0].localAddress == ip("192.0.2.10") && records.traffic[0].localPort == 36003)
        #expect(records.traffic[1].localAddress == ip("198.51.100.7") && records.traffic[1].localPort == 2762)
        #expect(records.traffic[0].packet?.identification == 1 && records.traffic[0].payloadLength == 8)
        #expect(records.traffic[0].time == Timestamp("2010-01-14T11:20:14.000017000Z"))
        // The second packet says nothing of the process that the first one did not, but for its parent.
        #expect(records.sightings.map(\.pid) == [2136, 2136, 77])
        #expect(records.sightings.map(\.executable) == ["/opt/x/store", "/opt/x/store", "/bin/old"])
        // What looks like a key in the arguments is a part of them.
        #expect(records.sightings[0].commandLine == "/opt/x/store -d\\x0aPID: 1" && records.sightings[0].user == "1001")
        #expect(records.sightings[0].imageName == "store" && records.sightings[0].parent == 500)
    }

    @Test(
        "etl2pcapng names whoever was running: the weakest trust, one record a packet",
        arguments: [nil, "etl2pcapng 1.11"] as [String?])
    func etl2pcapng(application: String?) throws {
        let records = try ForeignRecords(
            bytes: Self.section(application: application)
                + Self.packet(comments: ["PID=2136 TID=2140"], id: 7)
                + Self.packet(comments: ["PID=4 TID=99"], id: 7, microseconds: 18)
                + Self.packet(Self.frame(identification: 2), comments: ["PID=2136"], id: 7)
                + Self.packet(comments: ["PID=884 TID=5 VlanId=0 SrcPortId=1"], flags: 1, id: 8)
                + Self.packet(comments: ["PID=-1 TID=-1"], id: 9) + Self.packet(comments: ["PID=x"], id: 10))
        #expect(records.kind == .etl2pcapng && records.kind?.trust == .running && records.damage.isEmpty)
        #expect(records.traffic.map(\.pid) == [2136, 2136, 884])
        #expect(records.traffic.map(\.thread) == [2140, nil, 5])
        #expect(records.traffic.map(\.position) == [1, 3, 4])
        #expect(records.traffic.map(\.action) == [.sent, .sent, .received])
        #expect(records.sightings.isEmpty)
    }

    @Test("contradictory and foreign comments name nobody")
    func contradictions() throws {
        let bytes =
            Self.section(application: "Dumpcap") + Self.packet(comments: ["PID: 5\nPID: 6", "x"])
            + Self.packet(comments: ["PID=5 TID=5 VERDICT=process CONFIDENCE=exact METHOD=packet"])
        let error = #expect(throws: EvidenceError.self) { try ForeignRecords(bytes: bytes) }
        #expect(error?.description.contains("it has packets, but does not say who sent them") == true)
    }

    @Test("damage is a loss, and what is readable is delivered")
    func damage() throws {
        var bytes = Self.section(application: "ptcpdump")
        let start = bytes.count
        bytes += Self.packet(comments: [Self.caddy]) + Self.packet(comments: [Self.caddy])
        // The first packet claims more bytes than its block has.
        bytes[start + 21] = 0xFF
        let records = try ForeignRecords(bytes: bytes)
        #expect(records.traffic.map(\.pid) == [2136] && records.losses.count == 1 && records.damage.count == 1)
    }
}
