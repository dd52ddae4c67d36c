import Evidence
import PacketDecoding
import PcapNG
import Records
import SystemPackage

/// Packets, records and files that tests are made of; all addresses are from the documentation ranges.
enum SampleEvidence {
    static let start = Timestamp(nanoseconds: 1_772_360_430_000_000_000)

    /// An IPv4 UDP packet, 192.0.2.1:36003 to 198.51.100.7:2762.
    static func udp(payload: [UInt8], identification: UInt16 = 0x1234) -> [UInt8] {
        let total = UInt16(28 + payload.count)
        return [
            0x45, 0x00, UInt8(total >> 8), UInt8(truncatingIfNeeded: total),  // version, length
            UInt8(identification >> 8), UInt8(truncatingIfNeeded: identification), 0x40, 0x00,  // id, DF
            64, 17, 0, 0,  // TTL, UDP, checksum
            192, 0, 2, 1, 198, 51, 100, 7,
            0x8C, 0xA3, 0x0A, 0xCA,  // ports
            UInt8((8 + payload.count) >> 8), UInt8(truncatingIfNeeded: 8 + payload.count), 0, 0,
        ] + payload
    }

    /// An ICMPv6 echo request, 2001:db8::1 to 2001:db8::2.
    static func ping6(sequence: UInt8) -> [UInt8] {
        let address: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        return [0x60, 0, 0, 0, 0, 9, 58, 64] + address + [1] + address + [2]
            + [128, 0, 0, 0, 0x12, 0x34, 0, sequence, 0x3F]
    }

    static let coverage = Coverage(
        host: "gate\\x1bway", bootID: "5b6c8d0e-0000-4000-8000-000000000000", start: start, filter: "udp or \"icmp\"",
        onlyInterface: "eth0",
        interfaces: [
            HostInterface(
                index: 2, name: "eth0", namespace: 4_026_531_840, mac: MACAddress(bits: 0x0053_00AB_CDEF),
                addresses: [
                    .init(address: IPAddress(v4: 0xC000_0201), prefixLength: 24),
                    .init(address: IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 1), prefixLength: 64),
                    .init(address: IPAddress(v6High: 0, low: 0xFFFF_C000_0201), prefixLength: 128),
                ]),
            HostInterface(index: 1, name: "lo", namespace: 4_026_531_840),
        ])

    static let header = EvidenceHeader(
        toolVersion: "0.1.0", kernel: "Linux 6.12.48", hardware: "x86_64",
        clock: "boot clock, offset sampled each second",
        coverage: coverage)

    static func description(pid: UInt32) -> ProcessDescription {
        var description = ProcessDescription(pid: pid, name: "store \"x\" PID=1")
        description.innerPID = 7
        description.executable = "/opt/x/st\\x1bore"
        description.arguments = ["/opt/x/store", "", "-d", "\\x5cx41 é 😀 \\"]
        description.start = Timestamp(nanoseconds: 1_772_355_600_100_000_000)
        description.entityID = "5b6c8d0e-\(pid)-100"
        description.user = .init(id: "1001", name: "exch")
        description.group = .init(id: "1002")
        description.sha256 = String(repeating: "0a", count: 32)
        description.containerID = "deadbeef"
        description.serviceName = "store.service"
        description.image = .deleted
        var parent = ProcessDescription(pid: 11, name: "sh")
        parent.arguments = []
        parent.image = .memfd
        var first = ProcessDescription(pid: 1, name: "systemd")
        first.serviceName = "init.scope"
        description.parents = [parent, first]
        return description
    }
}

/// A pipe's or a file's worth of bytes: what a writer wrote to a temporary file, which is gone afterwards.
func written(_ body: (FileDescriptor) throws -> Void) throws -> [UInt8] {
    let path = try temporaryPath()
    let descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
    defer { removeFile(path) }
    return try descriptor.closeAfter {
        try body(descriptor)
        let size = try descriptor.seek(offset: 0, from: .end)
        try descriptor.seek(offset: 0, from: .start)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var source: any ByteSource = DescriptorSource(descriptor)
        var count = 0
        while count < bytes.count {
            let read = try bytes.fill(from: count, &source)
            if read == 0 { break }
            count += read
        }
        return bytes
    }
}

/// Everything that a reader gives, and the reader itself at its end.
func readAll(_ bytes: [UInt8]) throws -> (records: [EvidenceRecord], reader: EvidenceReader) {
    let reader = try EvidenceReader(source: MemorySource(bytes), file: "test", host: 3)
    var records: [EvidenceRecord] = []
    while let record = try reader.next() { records.append(record) }
    return (records, reader)
}

/// The headers of a packet of which `bytes` were kept.
func decoded(_ bytes: [UInt8], originalLength: Int) -> IPPacket? {
    decodeIP(bytes.rawSpan, originalLength: originalLength)
}
