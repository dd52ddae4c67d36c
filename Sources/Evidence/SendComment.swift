import PcapNG
import Records
import TextEscaping

/// What a send record's packet block does not hold by itself: the fields of its one-line comment.
struct SendComment: Hashable {
    var namespace: UInt32 = 0
    var interface: UInt32 = 0
    var cookie: UInt64 = 0
    var segmentSize: UInt16 = 0
    var cgroup: UInt64 = 0
    var user: UInt32?
    var group: UInt32?
    var imageVersion: UInt32 = 0
    var startTime: UInt64 = 0
    var path = SendRecord.Path.foreign
    /// Without a word about it a record proves nothing.
    var proof = SendRecord.Proof.unverified
    var threadName = TaskName.empty
    var beforeNAT: UntranslatedTuple?
    var creator: SocketCreator?

    /// The defaults.
    init() {}

    /// The fields of a record.
    init(_ record: SendRecord) {
        namespace = record.namespace
        interface = record.interface
        cookie = record.socketCookie
        segmentSize = record.segmentSize
        cgroup = record.cgroup
        user = record.user
        group = record.group
        imageVersion = record.imageVersion
        startTime = record.process.startTime
        path = record.path
        proof = record.proof
        threadName = record.threadName
        beforeNAT = record.beforeNAT
        creator = record.creator
    }

    /// The record of a packet with this comment, but for the socket's cookie.
    @inline(__always)
    func record(
        time: Timestamp, packet: IPPacket, pid: UInt32, thread: UInt32, cookie: UInt64, host: UInt16
    ) -> SendRecord {
        var record = SendRecord(
            time: time, packet: packet, process: ProcessKey(pid: pid, startTime: startTime), thread: thread,
            threadName: threadName, imageVersion: imageVersion, user: user, group: group, namespace: namespace,
            interface: interface, socketCookie: cookie, cgroup: cgroup, segmentSize: segmentSize, path: path,
            proof: proof, host: host)
        record.beforeNAT = beforeNAT
        record.creator = creator
        return record
    }

    /// Writes the comment; `interfaceName` is for human readers and not read back.
    func write(interfaceName: String?, to line: inout PacketCommentWriter) {
        line.removeAll()
        if namespace != 0 { line.field("NETNS", UInt64(namespace)) }
        if interface != 0 { line.field("IF", UInt64(interface)) }
        if let interfaceName { line.field("IFNAME", data: interfaceName) }
        if cookie != 0 { line.field("COOKIE", cookie) }
        if segmentSize != 0 { line.field("SEG", UInt64(segmentSize)) }
        if cgroup != 0 { line.field("CGROUP", cgroup) }
        if let user { line.field("UID", UInt64(user)) }
        if let group { line.field("GID", UInt64(group)) }
        line.field("IMAGE", UInt64(imageVersion))
        line.field("START", startTime)
        switch path {
        case .cgroupEgress: line.field("PATH", "egress")
        case .packetSocket: line.field("PATH", "packet-socket")
        case .transmit: line.field("PATH", "transmit")
        case .foreign: line.field("PATH", "foreign")
        }
        switch proof {
        case .verified: line.field("PROOF", "verified")
        case .unverified: line.field("PROOF", "unverified")
        case .borrowed: line.field("PROOF", "borrowed")
        case .socketUser: line.field("PROOF", "socket-user")
        case .likelySocketUser: line.field("PROOF", "likely-socket-user")
        }
        if let beforeNAT { line.field("NAT", data: beforeNAT.commentText) }
        if let creator { line.field("CREATOR", data: creator.commentText) }
        if threadName != .empty { line.text("TNAME", threadName) }
    }
}

// Reading.
extension SendComment {
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
        case beforeNAT = 0x4E_4154  // NAT
        case creator = 0x43_5245_4154_4F52  // CREATOR

        /// A bit of its own, to notice repeated keys.
        var bit: UInt16 {
            switch self {
            case .namespace: 1 << 0
            case .interface: 1 << 1
            case .cookie: 1 << 2
            case .segment: 1 << 3
            case .cgroup: 1 << 4
            case .user: 1 << 5
            case .group: 1 << 6
            case .image: 1 << 7
            case .start: 1 << 8
            case .path: 1 << 9
            case .proof: 1 << 10
            case .threadName: 1 << 11
            case .beforeNAT: 1 << 12
            case .creator: 1 << 13
            }
        }
    }

    /// What a comment says; nil where it is malformed or says something impossible: then nothing of the record may be
    /// believed. Keys that are not known are skipped, a later version may have more.
    init?(_ line: RawSpan) {
        var cookie: Range<Int>?
        self.init(line, cookie: &cookie)
    }

    /// The same, and where the cookie's number stands in the line.
    init?(_ line: RawSpan, cookie place: inout Range<Int>?) {
        var scanner = PacketCommentScanner(line)
        var seen: UInt16 = 0
        while scanner.next() {
            guard let key = Key(rawValue: scanner.key) else { continue }
            guard seen & key.bit == 0, set(key, scanner) else { return nil }
            seen |= key.bit
            if key == .cookie { place = scanner.value }
        }
        guard !scanner.isMalformed, seen != 0 else { return nil }
    }

    private mutating func set(_ key: Key, _ scanner: borrowing PacketCommentScanner) -> Bool {
        switch key {
        case .namespace: return assign(scanner.number(), &namespace)
        case .interface: return assign(scanner.number(), &interface)
        case .cookie: return assign(scanner.number(), &cookie)
        case .segment: return assign(scanner.number(), &segmentSize)
        case .cgroup: return assign(scanner.number(), &cgroup)
        case .user:
            user = scanner.number()
            return user != nil
        case .group:
            group = scanner.number()
            return group != nil
        case .image: return assign(scanner.number(), &imageVersion)
        case .start: return assign(scanner.number(), &startTime)
        case .path:
            return assign(Self.path(scanner), &path)
        case .proof:
            return assign(Self.proof(scanner), &proof)
        case .threadName: return assign(scanner.taskName(), &threadName)
        case .beforeNAT:
            beforeNAT = scanner.plain().flatMap(UntranslatedTuple.init(commentText:))
            return beforeNAT != nil
        case .creator:
            creator = scanner.plain().flatMap(SocketCreator.init(commentText:))
            return creator != nil
        }
    }

    private static func path(_ scanner: borrowing PacketCommentScanner) -> SendRecord.Path? {
        if scanner.isWord("egress") { return .cgroupEgress }
        if scanner.isWord("packet-socket") { return .packetSocket }
        if scanner.isWord("transmit") { return .transmit }
        return scanner.isWord("foreign") ? .foreign : nil
    }

    private static func proof(_ scanner: borrowing PacketCommentScanner) -> SendRecord.Proof? {
        if scanner.isWord("verified") { return .verified }
        if scanner.isWord("unverified") { return .unverified }
        if scanner.isWord("borrowed") { return .borrowed }
        if scanner.isWord("socket-user") { return .socketUser }
        return scanner.isWord("likely-socket-user") ? .likelySocketUser : nil
    }

    private func assign<Value>(_ value: Value?, _ field: inout Value) -> Bool {
        guard let value else { return false }
        field = value
        return true
    }
}

extension UntranslatedTuple {
    /// `192.0.2.1/5000/198.51.100.2/53`: source, port, destination, port.
    fileprivate var commentText: String { "\(source)/\(sourcePort)/\(destination)/\(destinationPort)" }

    fileprivate init?(commentText: String) {
        let parts = commentText.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let source = IPAddress(text: parts[0]), let destination = IPAddress(text: parts[2]),
            let sourcePort = UInt16(parts[1]), let destinationPort = UInt16(parts[3])
        else { return nil }
        self.init(source: source, destination: destination, sourcePort: sourcePort, destinationPort: destinationPort)
    }
}

extension SocketCreator {
    /// `4711/123456789/name`: process id, start time, name in the lossless escape.
    fileprivate var commentText: String { "\(process.pid)/\(process.startTime)/\(name)" }

    fileprivate init?(commentText: String) {
        let parts = commentText.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let pid = UInt32(parts[0]), let start = UInt64(parts[1]) else { return nil }
        self.init(
            process: ProcessKey(pid: pid, startTime: start), name: TaskName(LosslessEscape.bytes(String(parts[2]))))
    }
}
