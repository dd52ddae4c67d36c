internal import Records

/// A socket as the kernel lists it; who holds it is not in there.
struct ListedSocket: Hashable {
    var kind: OpenSocket.Kind
    var address: IPAddress
    var isDual: Bool
    var port: UInt16
    var inode: UInt64
}

/// Lists the UDP, ping and raw sockets of the calling thread's network namespace.
enum SocketListing {
    /// UDP by sock_diag(7), which tells IPv6 sockets that take IPv4 too from those that do not; where that is not
    /// there, as the others from /proc/net. sock_diag knows raw sockets only in few kernels, answers the others' question
    /// as if there were none, and never knew ping sockets.
    static func read(procfs: String) -> [ListedSocket] {
        var found: [ListedSocket] = []
        for version in [IPAddress.Version.v4, .v6] {
            let suffix = version == .v4 ? "" : "6"
            func table(_ name: String) -> [UInt8] {
                // The thread's own: /proc/net is that of the process's first thread.
                (try? SystemCalls.read("\(procfs)/thread-self/net/\(name)\(suffix)", limit: fileLimit))?.bytes ?? []
            }
            found += udpByNetlink(version) ?? sockets(table("udp"), version) { _ in .udp }
            found += sockets(table("icmp"), version) { _ in .ping }
            found += sockets(table("raw"), version) { .raw(UInt8(truncatingIfNeeded: $0)) }
        }
        return found
    }

    private static let fileLimit = 16 << 20

    // MARK: sock_diag

    /// The sockets of the answer, or nil where the kernel has none to give.
    private static func udpByNetlink(_ version: IPAddress.Version) -> [ListedSocket]? {
        NetlinkDump.udpSockets(family: version == .v4 ? 2 : 10)?.compactMap(socket)
    }

    /// struct inet_diag_msg (linux/inet_diag.h) and the attributes behind it.
    static func socket(_ message: [UInt8]) -> ListedSocket? {
        guard message.count >= 72 else { return nil }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            message[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        let isSix = message[0] == 10
        var socket = ListedSocket(
            kind: .udp, address: IPAddress(v4: UInt32(number(8, 4))), isDual: false, port: UInt16(number(4, 2)),
            inode: UInt64(NativeBytes.word(message[68..<72])))
        if isSix {
            let address = IPAddress(v6High: number(8, 8), low: number(16, 8))
            socket.address = address.unmapped
            socket.isDual = address.isUnspecified && !isSixOnly(message[72...])
        }
        return socket
    }

    /// INET_DIAG_SKV6ONLY, 11: one byte.
    private static func isSixOnly(_ attributes: ArraySlice<UInt8>) -> Bool {
        var rest = attributes
        while rest.count >= 4 {
            let start = rest.startIndex
            let length = Int(NativeBytes.half(rest[start..<start + 2]))
            let kind = NativeBytes.half(rest[start + 2..<start + 4])
            guard length >= 4, length <= rest.count else { return false }
            if kind == 11, length > 4 { return rest[start + 4] != 0 }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return false
    }

    // MARK: /proc/net

    /// The lines of /proc/net/udp, icmp, raw and their IPv6 forms (proc(5)): `sl local remote st … uid timeout inode …`;
    /// `kind` gets the number behind the local address, a port or for raw sockets the protocol.
    static func sockets(_ bytes: [UInt8], _ version: IPAddress.Version, kind: (UInt16) -> OpenSocket.Kind)
        -> [ListedSocket]
    {
        bytes.split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 9, let inode = ProcFSFormat.decimal(fields[9]),
                let colon = fields[1].lastIndex(of: UInt8(ascii: ":")),
                let port = hexadecimal(fields[1][(colon + 1)...]).flatMap(UInt16.init(exactly:)),
                let address = address(fields[1][..<colon], version)
            else { return nil }
            return ListedSocket(
                kind: kind(port), address: address.unmapped, isDual: version == .v6 && address.isUnspecified,
                port: port,
                inode: inode)
        }
    }

    /// Words of four bytes, each as this machine reads it from memory.
    private static func address(_ digits: ArraySlice<UInt8>, _ version: IPAddress.Version) -> IPAddress? {
        guard digits.count == (version == .v4 ? 8 : 32) else { return nil }
        var words: [UInt64] = []
        var rest = digits
        while !rest.isEmpty {
            guard let value = hexadecimal(rest.prefix(8)) else { return nil }
            words.append(UInt64(UInt32(truncatingIfNeeded: value).bigEndian))
            rest = rest.dropFirst(8)
        }
        if version == .v4 { return IPAddress(v4: UInt32(truncatingIfNeeded: words[0])) }
        return IPAddress(v6High: words[0] << 32 | words[1], low: words[2] << 32 | words[3])
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 16 else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

/// Numbers of the kernel's structures, in this machine's byte order.
enum NativeBytes {
    static func half(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        UInt16(littleEndian: UInt16(truncatingIfNeeded: little(bytes)))
    }

    static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        UInt32(littleEndian: UInt32(truncatingIfNeeded: little(bytes)))
    }

    private static func little(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension IPAddress {
    fileprivate var isUnspecified: Bool { high == 0 && low == 0 }

    /// `::ffff:192.0.2.1` is how an IPv6 socket writes that it sends over IPv4.
    fileprivate var unmapped: IPAddress {
        guard version == .v6, high == 0, low >> 32 == 0xFFFF else { return self }
        return IPAddress(v4: UInt32(truncatingIfNeeded: low))
    }
}
