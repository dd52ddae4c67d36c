internal import CLinux
internal import Glibc
internal import SystemPackage

/// Asks the kernel for a list over netlink (netlink(7)).
enum NetlinkDump {
    /// SOCK_DIAG_BY_FAMILY of linux/sock_diag.h, which is the whole of NETLINK_SOCK_DIAG.
    private static let byFamily: UInt16 = 20
    private static let datagrams: UInt8 = 17
    /// NLM_F_REQUEST and NLM_F_DUMP.
    private static let dumpFlags: UInt16 = 0x301
    private static let headerSize = 16
    /// Beyond this many bytes a table is not read to its end, and counts as not readable.
    private static let limit = 64 << 20

    /// The UDP sockets of an address family in the calling thread's network namespace, each a struct inet_diag_msg with
    /// its attributes; nil where the kernel does not list them.
    static func udpSockets(family: UInt8) -> [[UInt8]]? {
        // struct inet_diag_req_v2: family, protocol, extensions, padding, states, and an id of zeros for any.
        var request: [UInt8] = [family, datagrams, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
        request += [UInt8](repeating: 0, count: 48)
        return ask(header(length: headerSize + request.count, kind: byFamily) + request)
    }

    private static func header(length: Int, kind: UInt16) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: some FixedWidthInteger) {
            var rest = number.littleEndian
            for _ in 0..<number.bitWidth / 8 {
                bytes.append(UInt8(truncatingIfNeeded: rest))
                rest >>= 8
            }
        }
        append(UInt32(length))
        append(kind)
        append(dumpFlags)
        append(UInt32(1))
        append(UInt32(0))
        return bytes
    }

    private static func ask(_ request: [UInt8]) -> [[UInt8]]? {
        let number = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
        guard number >= 0 else { return nil }
        let descriptor = FileDescriptor(rawValue: number)
        defer { try? descriptor.close() }
        guard unsafe send(number, request, request.count, 0) == request.count else { return nil }
        var messages: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var total = 0
        while total < limit {
            let count = unsafe recv(number, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            total += count
            if let isWhole = take(buffer[..<count], into: &messages) { return isWhole ? messages : nil }
        }
        return nil
    }

    /// Takes the messages of one datagram; whether the list came to a good end, or nil where more follows.
    private static func take(_ bytes: ArraySlice<UInt8>, into messages: inout [[UInt8]]) -> Bool? {
        var rest = bytes
        while rest.count >= headerSize {
            let start = rest.startIndex
            let length = Int(NativeBytes.word(rest[start..<start + 4]))
            guard length >= headerSize, length <= rest.count else { return false }
            let body = rest[(start + headerSize)..<(start + length)]
            switch Int32(NativeBytes.half(rest[start + 4..<start + 6])) {
            case NLMSG_ERROR: return false
            // Since 5.0 the end carries the error of a list that could not be made.
            case NLMSG_DONE: return body.count < 4 || NativeBytes.word(body.prefix(4)) == 0
            default: messages.append(Array(body))
            }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return nil
    }
}
