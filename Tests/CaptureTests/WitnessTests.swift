import Capture
import Foundation
import PacketDecoding
import Records
import Testing

/// Files that others wrote, read by us and by tshark.
@Suite(
    "The same as tshark shows", .enabled(if: hasTool("tshark") && hasTool("text2pcap"), "needs tshark and text2pcap"))
struct WitnessTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let formats = ["pcap", "nsecpcap", "modpcap", "pcapng"]

    @Test(arguments: formats, [false, true])
    func readsAsTsharkDoes(format: String, gzipped: Bool) throws {
        var path = try write(format)
        if gzipped {
            #expect(try run(["gzip", "-n", path]).status == 0)
            path += ".gz"
        }
        let shown = try run([
            "tshark", "-r", path, "-T", "fields", "-E", "separator=,", "-e", "frame.number", "-e", "frame.time_epoch",
            "-e", "frame.len", "-e", "frame.cap_len", "-e", "ip.src", "-e", "ip.dst", "-e", "ip.id", "-e",
            "udp.srcport",
            "-e", "udp.dstport", "-e", "udp.length", "-e", "icmp.type", "-e", "icmp.ident", "-e", "icmp.seq",
        ])
        #expect(shown.status == 0)
        let file = try Savefile(path: path)
        var lines: [String] = []
        while let line = file.next({
            describe($0, decodeFrame($1, linkType: $0.linkType, originalLength: $0.originalLength))
        }) {
            lines.append(line)
        }
        #expect(lines == shown.lines)
        #expect(lines.count == 23)
        #expect(file.damage == [])
    }

    /// The line that tshark prints with the fields above.
    private func describe(_ frame: CapturedFrame, _ decoded: DecodedFrame) -> String {
        let time = frame.time.nanoseconds
        let fraction = String(time % 1_000_000_000)
        let stamp = "\(time / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
        guard let ip = decoded.ip else { return "no packet" }
        var fields = [
            "\(frame.frame)", stamp, "\(frame.originalLength)", "\(frame.capturedLength)", "\(ip.source)",
            "\(ip.destination)", "0x" + padded(ip.identification),
        ]
        let isUDP = ip.transport == .udp && !ip.isTruncated
        fields += isUDP ? ["\(ip.sourcePort)", "\(ip.destinationPort)", "\(ip.udpLength)"] : ["", "", ""]
        let isICMP = ip.transport == .icmp
        fields +=
            isICMP
            ? ["\(ip.icmpType)", "\(ip.sourcePort)", "\(ip.destinationPort)"] : ["", "", ""]
        return fields.joined(separator: ",")
    }

    private func padded(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// 23 packets through text2pcap, converted by editcap.
    private func write(_ format: String) throws -> String {
        var text = ""
        for number in 0..<23 {
            let payload = (0..<number * 3).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            text += "2026-03-01T10:20:\(10 + number).123456\n000000"
            let frame = number % 5 == 4 ? ping(number, payload) : datagram(number, payload)
            for byte in frame { text += " " + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            text += "\n\n"
        }
        let dump = try folder.write(Array(text.utf8), as: "dump.txt")
        let first = folder.path("first.pcapng")
        #expect(try run(["text2pcap", "-q", "-t", "%Y-%m-%dT%H:%M:%S.%f", dump, first]).status == 0)
        let path = folder.path("converted")
        #expect(try run(["editcap", "-F", format, "-s", "70", first, path]).status == 0)
        return path
    }

    private func datagram(_ number: Int, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt16(8 + payload.count)
        return ip(
            "11",
            bytes(UInt16(36_000 + number), bigEndian: true) + bytes(UInt16(2762), bigEndian: true)
                + bytes(length, bigEndian: true) + hex("0000") + payload)
    }

    private func ping(_ number: Int, _ payload: [UInt8]) -> [UInt8] {
        ip("01", hex("0800 0000 4D2E") + bytes(UInt16(number), bigEndian: true) + payload)
    }

    private func ip(_ transport: String, _ rest: [UInt8]) -> [UInt8] {
        hex("0053 0000 0002", "0053 0000 0001", "0800", "45", "00")
            + bytes(UInt16(20 + rest.count), bigEndian: true)
            + hex("1234", "4000", "40", transport, "0000", "C000 0201", "C633 6407") + rest
    }
}
