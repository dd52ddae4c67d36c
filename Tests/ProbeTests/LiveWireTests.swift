import CLinux
import Glibc
import Records
import Testing

@testable import Probe

@Suite("Live records beside cgroup egress", .serialized, LiveProbe.condition)
struct LiveWireTests {
    @Test(arguments: ProbeConfiguration.Reading.allCases)
    func kernelAnswersEchoRequests(reading: ProbeConfiguration.Reading) throws {
        var configuration = ProbeConfiguration()
        configuration.reading = reading
        let probe = try Probe(configuration)
        let identifier = UInt16(truncatingIfNeeded: getpid()) ^ 0x5A5A
        try sendEchoRequest(identifier: identifier)
        let sink = try LiveProbe.gather(probe) { sink in
            sink.wires.contains { $0.record.packet.isEchoReply && $0.record.packet.sourcePort == identifier }
        }
        let request = try #require(
            sink.sends.first { $0.record.packet.isEchoRequest && $0.record.packet.sourcePort == identifier })
        #expect(request.record.process.pid == UInt32(getpid()))
        #expect(request.record.proof == .verified)
        let reply = try #require(
            sink.wires.first { $0.record.packet.isEchoReply && $0.record.packet.sourcePort == identifier })
        #expect(reply.record.origin == .kernel)
        #expect(reply.record.hasKernelSocket)
        #expect(!sink.sends.contains { $0.record.packet.isEchoReply && $0.record.packet.sourcePort == identifier })
    }

    @Test func packetSocketsAreSendersToo() throws {
        let probe = try Probe()
        let port = UInt16(60_000) + UInt16(truncatingIfNeeded: getpid()) % 5000
        try sendFrame(datagram(port: port, payload: [UInt8]("by frame".utf8)))
        let ours = try LiveProbe.sends(probe, from: port, count: 1)
        let sent = try #require(ours.first)
        #expect(sent.record.path == .packetSocket)
        #expect(sent.record.proof == .verified)
        #expect(sent.record.process.pid == UInt32(getpid()))
        #expect(sent.record.packet.payloadPrefix == PayloadPrefix("by frame".utf8))
        #expect(sent.originalLength == 36)
    }

    @Test func knowsTheInterfaces() throws {
        let probe = try Probe()
        let interfaces = probe.hostInterfaces().filter { $0.namespace == probe.host.networkNamespace }
        let loopback = try #require(interfaces.first { $0.name == "lo" })
        #expect(loopback.addresses.contains { $0.address == IPAddress(v4: 0x7F00_0001) && $0.prefixLength == 8 })
        #expect(probe.inventory.interface(namespace: loopback.namespace, index: loopback.index) == loopback)
    }

    private func sendEchoRequest(identifier: UInt16) throws {
        let number = socket(AF_INET, Int32(SOCK_RAW.rawValue), Int32(IPPROTO_ICMP))
        try #require(number >= 0)
        defer { _ = close(number) }
        // Type, code, checksum, identifier, sequence number.
        var message: [UInt8] = [8, 0, 0, 0, UInt8(identifier >> 8), UInt8(identifier & 0xFF), 0, 1]
        let sum = stride(from: 0, to: 8, by: 2).reduce(UInt32(0)) {
            $0 + UInt32(message[$1]) << 8 + UInt32(message[$1 + 1])
        }
        let checksum = ~UInt16(truncatingIfNeeded: sum & 0xFFFF + sum >> 16)
        message[2] = UInt8(checksum >> 8)
        message[3] = UInt8(checksum & 0xFF)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe sendto(number, message, message.count, 0, generic, size)
            }
        }
        try #require(sent == message.count)
    }

    /// 127.0.0.1 to itself, the checksums left out: nobody has to accept it.
    private func datagram(port: UInt16, payload: [UInt8]) -> [UInt8] {
        let length = UInt8(28 + payload.count)
        let header: [UInt8] = [
            0x45, 0, 0, length, 0, 0, 0, 0,  // version and header length, service, total length, id, no fragment
            64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,  // TTL, UDP, checksum, addresses
            UInt8(port >> 8), UInt8(port & 0xFF), 0, 9, 0, length - 20, 0, 0,  // ports, length, no checksum
        ]
        return header + payload
    }

    private func sendFrame(_ packet: [UInt8]) throws {
        let number = socket(AF_PACKET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(number >= 0)
        defer { _ = close(number) }
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = UInt16(0x0800).bigEndian
        address.sll_ifindex = Int32(unsafe if_nametoindex("lo"))
        let size = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe sendto(number, packet, packet.count, 0, generic, size)
            }
        }
        try #require(sent == packet.count)
    }
}
