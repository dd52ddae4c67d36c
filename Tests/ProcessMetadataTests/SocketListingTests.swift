import Foundation
import Records
import Testing

@testable import ProcessMetadata

@Suite struct SocketListingTests {
    private func line(_ local: String, inode: Int) -> String {
        "  1: \(local) 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 \(inode) 2 0000000000000000 0\n"
    }

    @Test func procNetIsRead() {
        let text = "  sl  local_address rem_address\n" + line("010200C0:1B59", inode: 77) + "cut of\n"
        let sockets = SocketListing.sockets(Array(text.utf8), .v4) { _ in .udp }
        #expect(
            sockets == [
                ListedSocket(kind: .udp, address: IPAddress(v4: 0xC000_0201), isDual: false, port: 7001, inode: 77)
            ])
    }

    @Test func procNetOfIPv6IsRead() {
        let text =
            "  sl\n" + line("00000000000000000000000000000000:003A", inode: 5)
            + line("B80D0120000001000000000001000000:0007", inode: 6)
            + line("0000000000000000FFFF0000010200C0:0007", inode: 7)
        let sockets = SocketListing.sockets(Array(text.utf8), .v6) { .raw(UInt8(truncatingIfNeeded: $0)) }
        #expect(sockets.map(\.kind) == [.raw(58), .raw(7), .raw(7)] && sockets.map(\.isDual) == [true, false, false])
        #expect(sockets[1].address == IPAddress(v6High: 0x2001_0DB8_0001_0000, low: 1))
        #expect(sockets[2].address == IPAddress(v4: 0xC000_0201))
    }

    /// An inet_diag_msg of an unconnected IPv6 socket, with INET_DIAG_SKV6ONLY after another attribute.
    @Test(arguments: [0, 1] as [UInt8])
    func diagnosisTellsWhetherIPv4IsTakenToo(only: UInt8) {
        var message = [UInt8](repeating: 0, count: 72)
        message.replaceSubrange(0..<6, with: [10, 7, 0, 0, 0x1B, 0x59])
        message.replaceSubrange(68..<72, with: [77, 0, 0, 0])
        message += [5, 0, 8, 0, 0, 0, 0, 0, 5, 0, 11, 0, only, 0, 0, 0]
        let socket = SocketListing.socket(message)
        #expect(socket?.port == 7001 && socket?.inode == 77 && socket?.isDual == (only == 0))
        #expect(SocketListing.socket(Array(message.prefix(71))) == nil)
    }

    @Test func theOwnSocketIsFoundWithItsHolder() throws {
        let own = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(own) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = unsafe bind(own, pointer, size)
                _ = unsafe getsockname(own, pointer, &size)
            }
        }
        // While another test's thread with descriptors of its own comes or goes, nobody is sure to hold the socket.
        var reading = try #require(SocketTables().first().first)
        func holders() -> [[UInt32]] {
            reading.snapshot.sockets
                .filter { $0.kind == .udp && $0.port == UInt16(bigEndian: address.sin_port) }
                .map { $0.holders.map(\.process.pid) }
        }
        for _ in 0..<20 where holders() != [[UInt32(getpid())]] {
            usleep(100_000)
            reading = try #require(SocketTables().first().first)
        }
        #expect(holders() == [[UInt32(getpid())]])
        #expect(reading.processes.contains { $0.process.pid == UInt32(getpid()) && $0.name != .empty })
        #expect(reading.snapshot.began <= reading.snapshot.ended)
    }

    @Test func translatedSourcesAreThoseThatDiffer() {
        let text = """
            ipv4     2 udp      17 29 src=198.51.100.130 dst=192.0.2.2 sport=7190 dport=7001 [UNREPLIED] src=192.0.2.2 dst=192.0.2.1 sport=7001 dport=7190 mark=0 zone=0 use=2
            ipv4     2 udp      17 29 src=192.0.2.1 dst=192.0.2.2 sport=5000 dport=53 src=192.0.2.2 dst=192.0.2.1 sport=53 dport=5000 mark=0 use=2
            ipv4     2 icmp     1 29 src=198.51.100.130 dst=192.0.2.2 type=8 code=0 id=9 src=192.0.2.2 dst=192.0.2.1 type=0 code=0 id=12 mark=0 use=2
            ipv6     10 udp      17 29 src=2001:0db8:0004:0000:0000:0000:0000:0002 dst=2001:0db8:0001:0000:0000:0000:0000:0002 sport=1 dport=2 src=2001:0db8:0001:0000:0000:0000:0000:0002 dst=2001:0db8:0001:0000:0000:0000:0000:0001 sport=2 dport=1 use=2
            nonsense src=1.2.3 dst=x sport=99999

            """
        let host = IPAddress(v4: 0xC000_0201)
        #expect(
            ConnectionTable.translatedSources(Array(text.utf8)) == [
                SourceEndpoint(address: host, port: 7190), SourceEndpoint(address: host, port: 12),
                SourceEndpoint(address: IPAddress(v6High: 0x2001_0DB8_0001_0000, low: 1), port: 1),
            ])
    }
}
