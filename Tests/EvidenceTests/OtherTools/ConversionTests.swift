import Evidence
import PcapNG
import Records
import SystemPackage
import Testing

@Suite("Converted evidence")
struct ConversionTests {
    private static let trace =
        KernelTraceTests.modern
        + KernelTraceTests.modernLine("UdpIp", "SendIPV4", "2136, 8, 172.23.98.97, 10.1.1.1, 2762, 36003, 0, 0x0")
        + KernelTraceTests.modernLine("UdpIp", "RecvIPV4", "2136, 0, 172.23.98.97, 10.1.1.1, 2762, 36003, 0, 0x0")
        + KernelTraceTests.modernLine("UdpIp", "RecvIPV4", "4294967295, 70000, 192.0.2.1, 192.0.2.2, 1, 2, 0, 0x0")
        + KernelTraceTests.modernLine("TcpIp", "ConnectIPV6", "7, 0, 2001:db8::7, 2001:db8::1, 389, 1061, 0, 0, 0, 0")
        + KernelTraceTests.modernLine("TcpIp", "SendIPV6", "7, 131, 2001:db8::7, 2001:db8::1, 389, 1061, 0, 0, 0, 0")
        + KernelTraceTests.modernLine(
            "Process", "Start", "0x1, 0x858, 0x1, 0, 259, 0x2, S-1-5-18, \"st\u{1B}ore.exe\", \"store \"\"x\"\"\"")
        + "UdpIp, broken\n"

    private static let ptcpdump =
        ForeignCaptureTests.section(application: "ptcpdump")
        + ForeignCaptureTests.packet(comments: [ForeignCaptureTests.caddy, "ThreadId: 3"], id: 5)
        + ForeignCaptureTests.packet(comments: [ForeignCaptureTests.caddy], flags: 1)

    private static let netstat = """
        2010-01-14T15:20:14+04:00
          TCP    192.0.2.10:1060        192.0.2.21:389         HERGESTELLT     7176
         [mad.exe]
          UDP    [::]:123               *:*                                    884
        """

    private static let tasks = "store.exe 2136 Console 0 1,040,592 K\nsvchost.exe 884 DcomLaunch, Power\n"

    /// What a record says, without the damage and losses of its own file.
    private static func statements(_ bytes: [UInt8]) throws -> (statements: [AnyHashable], reader: EvidenceReader) {
        let (records, reader) = try readAll(bytes)
        let statements = records.compactMap { record -> AnyHashable? in
            switch record {
            case .traffic(let record): record
            case .sighting(let record): record
            case .listing(let listing): listing
            case .socket(let socket): socket
            case .lost(let loss): loss
            default: nil
            }
        }
        return (statements, reader)
    }

    static func converted(_ bytes: [UInt8]) throws -> [UInt8] {
        try written { descriptor in
            let reader = try EvidenceReader(source: MemorySource(bytes), file: "origin", host: 3)
            let writer = ConvertedEvidenceWriter(descriptor: descriptor, from: reader, toolVersion: "9")
            while let record = try reader.next() { try writer.write(record) }
            try writer.finish()
        }
    }

    @Test(
        "every kind comes back with the same records and the same trust, twice",
        arguments: [Array(trace.utf8), ptcpdump, Array(netstat.utf8), Array(tasks.utf8)])
    func roundTrip(origin: [UInt8]) throws {
        let expected = try Self.statements(origin)
        let once = try Self.converted(origin)
        let twice = try Self.converted(once)
        #expect(expected.statements.count >= 3)
        for bytes in [once, twice] {
            let found = try Self.statements(bytes)
            #expect(found.statements == expected.statements)
            #expect(found.reader.kind == expected.reader.kind && found.reader.isConverted)
            #expect(found.reader.clock == expected.reader.clock && found.reader.trust == expected.reader.trust)
            #expect(found.reader.damage.isEmpty && !found.reader.endedWithoutSummary)
            #expect(found.reader.coverage.losses == expected.reader.coverage.losses)
        }
    }

    @Test("command lines can be left out")
    func withoutArguments() throws {
        let bytes = try written { descriptor in
            let reader = try EvidenceReader(source: MemorySource(Self.ptcpdump), file: "origin", host: 3)
            let writer = ConvertedEvidenceWriter(
                descriptor: descriptor, from: reader, toolVersion: "9", withoutArguments: true)
            while let record = try reader.next() { try writer.write(record) }
            try writer.finish()
        }
        let records = try ForeignRecords(bytes: bytes)
        #expect(records.sightings.map(\.commandLine) == [nil])
        #expect(!String(decoding: bytes, as: UTF8.self).contains("-d"))
    }

    @Test("cut at every byte: readable to the last whole block, and said to be broken off")
    func truncation() throws {
        let bytes = try Self.converted(Array(Self.trace.utf8))
        let ends = EvidenceDamageTests.blockEnds(bytes)
        let whole = try Self.statements(bytes).statements
        for length in ends[1]..<bytes.count {
            let (records, reader) = try Self.statements(Array(bytes.prefix(length)))
            #expect(reader.endedWithoutSummary && reader.damage.contains { $0.what.contains("without a summary") })
            let blocks = ends.filter { $0 <= length }.count - 2
            #expect(records.prefix(blocks) == whole.prefix(blocks))
        }
    }

    @Test(
        "a changed comment takes its record out, never changes its meaning",
        arguments: [
            ("PID=2136", "PID=2137"), ("ACTION=sent", "ACTION=sxnt"), ("AT=2", "AT=x"), ("SIDE=source", "SIDE=sourcx"),
            ("HEADERS=made", "HEADERS=mad="),
        ])
    func tampering(from: String, to: String) throws {
        let origin = Array(Self.trace.utf8)
        let bytes = try Self.converted(origin)
        let text = Array(from.utf8)
        let at = try #require((0..<bytes.count - text.count).first { Array(bytes[$0..<$0 + text.count]) == text })
        let changed = bytes[..<at] + Array(to.utf8) + bytes[(at + text.count)...]
        let records = try ForeignRecords(bytes: Array(changed))
        #expect(records.traffic.count == 4 && records.damage.count == 1)
        #expect(!records.traffic.contains { $0.pid == 2137 })
    }

    @Test("other programs read it without a complaint")
    func witnesses() throws {
        for origin in [Array(Self.trace.utf8), Self.ptcpdump] {
            try withFile(try Self.converted(origin)) { path in
                let dump = try run("/usr/bin/env", ["python3", witness, path])
                #expect(dump.status == 0, "\(dump.errors)")
                guard let tshark = find("tshark") else {
                    #expect(!requiresWitnesses)
                    return
                }
                let shown = try run(tshark, ["-r", path, "-T", "fields", "-e", "frame.comment"])
                #expect(shown.status == 0 && shown.output.contains("ORIGIN="))
                #expect(!shown.errors.contains("arning:") && !shown.errors.contains("damaged"))
            }
        }
    }
}
