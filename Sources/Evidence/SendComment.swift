import PcapNG
import Records

/// What a send record's packet block does not hold by itself, as its comment.
enum SendComment {
    /// Keys as the scanner packs them: ASCII, first letter highest.
    private enum Key: UInt64 {
        case namespace = 0x4E_4554_4E53  // NETNS
        case interface = 0x4946  // IF
        case cookie = 0x434F_4F4B_4945  // COOKIE
        case segment = 0x53_4547  // SEG
        case cgroup = 0x4347_524F_5550  // CGROUP
        case user = 0x55_4944  // UID
        case group = 0x47_4944  // GID
        case image = 0x49_4D41_4745  // IMAGE
        case start = 0x53_5441_5254  // START
        case path = 0x5041_5448  // PATH
        case proof = 0x50_524F_4F46  // PROOF
        case threadName = 0x54_4E41_4D45  // TNAME
    }

    /// Writes the comment; `interfaceName` is for human readers and not read back.
    static func write(_ record: SendRecord, interfaceName: String?, to line: inout PacketCommentWriter) {
        line.removeAll()
        if record.namespace != 0 { line.field("NETNS", UInt64(record.namespace)) }
        if record.interface != 0 { line.field("IF", UInt64(record.interface)) }
        if let interfaceName { line.field("IFNAME", data: interfaceName) }
        if record.socketCookie != 0 { line.field("COOKIE", record.socketCookie) }
        if record.segmentSize != 0 { line.field("SEG", UInt64(record.segmentSize)) }
        if record.cgroup != 0 { line.field("CGROUP", record.cgroup) }
        if let user = record.user { line.field("UID", UInt64(user)) }
        if let group = record.group { line.field("GID", UInt64(group)) }
        line.field("IMAGE", UInt64(record.imageVersion))
        line.field("START", record.process.startTime)
        switch record.path {
        case .cgroupEgress: line.field("PATH", "egress")
        case .packetSocket: line.field("PATH", "packet-socket")
        case .foreign: line.field("PATH", "foreign")
        }
        switch record.proof {
        case .verified: line.field("PROOF", "verified")
        case .unverified: line.field("PROOF", "unverified")
        case .borrowed: line.field("PROOF", "borrowed")
        }
        if record.threadName != .empty { line.text("TNAME", record.threadName) }
    }

    /// Sets what the comment says; false where it is malformed or says something impossible: then nothing of the record
    /// may be believed. Keys that are not known are skipped, a later version may have more.
    static func read(_ line: RawSpan, into record: inout SendRecord) -> Bool {
        var scanner = PacketCommentScanner(line)
        var seen: UInt64 = 0
        record.path = .foreign
        // Without a word about it a record proves nothing.
        record.proof = .unverified
        while scanner.next() {
            guard let key = Key(rawValue: scanner.key) else { continue }
            let bit: UInt64 = 1 << UInt64(ordinal(key))
            guard seen & bit == 0, set(key, scanner, &record) else { return false }
            seen |= bit
        }
        return !scanner.isMalformed && seen != 0
    }

    private static func ordinal(_ key: Key) -> Int {
        switch key {
        case .namespace: 0
        case .interface: 1
        case .cookie: 2
        case .segment: 3
        case .cgroup: 4
        case .user: 5
        case .group: 6
        case .image: 7
        case .start: 8
        case .path: 9
        case .proof: 10
        case .threadName: 11
        }
    }

    private static func set(_ key: Key, _ scanner: borrowing PacketCommentScanner, _ record: inout SendRecord) -> Bool {
        switch key {
        case .namespace: return assign(scanner.number(), &record.namespace)
        case .interface: return assign(scanner.number(), &record.interface)
        case .cookie: return assign(scanner.number(), &record.socketCookie)
        case .segment: return assign(scanner.number(), &record.segmentSize)
        case .cgroup: return assign(scanner.number(), &record.cgroup)
        case .user:
            record.user = scanner.number()
            return record.user != nil
        case .group:
            record.group = scanner.number()
            return record.group != nil
        case .image: return assign(scanner.number(), &record.imageVersion)
        case .start: return assign(scanner.number(), &record.process.startTime)
        case .path:
            if scanner.isWord("egress") {
                record.path = .cgroupEgress
            } else if scanner.isWord("packet-socket") {
                record.path = .packetSocket
            } else {
                return scanner.isWord("foreign")
            }
            return true
        case .proof:
            if scanner.isWord("verified") {
                record.proof = .verified
                return true
            }
            if scanner.isWord("borrowed") {
                record.proof = .borrowed
                return true
            }
            return scanner.isWord("unverified")
        case .threadName: return assign(scanner.taskName(), &record.threadName)
        }
    }

    @inline(__always)
    private static func assign<Value>(_ value: Value?, _ field: inout Value) -> Bool {
        guard let value else { return false }
        field = value
        return true
    }
}
