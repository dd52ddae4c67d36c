public import Records

/// Who owned TCP connections to directory servers: the only trace that the senders of one-byte pings leave in evidence
/// without ICMP.
struct DirectoryConnections: Sendable {
    /// LDAP, LDAP over TLS, and both of the global catalog.
    private static let ports: Set<UInt16> = [389, 636, 3268, 3269]
    private static let pairLimit = 4096
    private static let ownerLimit = 32

    private struct Key: Hashable {
        var machine: UInt16
        var local: IPAddress
        var server: IPAddress
    }

    /// A process id that owned such a connection.
    struct Owner: Sendable {
        var pid: UInt32
        var port: UInt16
        /// When it was seen to, on the evidence's clock; nil where the evidence has no time.
        var first: Timestamp?
        var last: Timestamp?
        var evidence: UInt16
        var position: UInt64
    }

    private var owners: [Key: [Owner]] = [:]

    mutating func add(_ record: TrafficRecord, machine: UInt16, evidence: UInt16) {
        guard record.transport == .tcp, record.isOriented, Self.ports.contains(record.remotePort),
            let pid = record.pid, pid != 0
        else { return }
        note(
            Key(machine: machine, local: record.localAddress, server: record.remoteAddress),
            Owner(
                pid: pid, port: record.remotePort, first: record.time, last: record.time, evidence: evidence,
                position: record.position))
    }

    mutating func add(_ socket: SocketSighting, machine: UInt16, evidence: UInt16) {
        guard socket.transport == .tcp, let server = socket.remoteAddress, let port = socket.remotePort,
            Self.ports.contains(port), let pid = socket.pid, pid != 0
        else { return }
        note(
            Key(machine: machine, local: socket.localAddress, server: server),
            Owner(
                pid: pid, port: port, first: socket.listing.taken, last: socket.listing.taken, evidence: evidence,
                position: socket.position))
    }

    private mutating func note(_ key: Key, _ owner: Owner) {
        guard var known = owners[key] else {
            if owners.count < Self.pairLimit { owners[key] = [owner] }
            return
        }
        if let index = known.firstIndex(where: { $0.pid == owner.pid && $0.evidence == owner.evidence }) {
            known[index].position = min(known[index].position, owner.position)
            known[index].first = [known[index].first, owner.first].compactMap(\.self).min()
            known[index].last = [known[index].last, owner.last].compactMap(\.self).max()
        } else if known.count < Self.ownerLimit {
            known.append(owner)
        }
        owners[key] = known
    }

    /// Who owned connections between two addresses: a process id once, by the first evidence that has it.
    func owners(of pair: PingSeries.Pair, machine: UInt16) -> [Owner] {
        var found: [Owner] = []
        for owner in owners[Key(machine: machine, local: pair.source, server: pair.destination)] ?? []
        where !found.contains(where: { $0.pid == owner.pid }) {
            found.append(owner)
        }
        return found
    }
}

/// What is known of the life of a process, on the evidence's clock.
public struct ProcessLife: Hashable, Sendable {
    /// The process id.
    public var pid: UInt32
    /// When it started, where that was seen.
    public var started: Timestamp?
    /// When it ended, where that was seen.
    public var ended: Timestamp?
    /// The last complete listing that it stands in, and the first later one without it.
    public var vanished: Vanishing?

    /// Between two listings.
    public struct Vanishing: Hashable, Sendable {
        /// When it was listed last.
        public var listed: Timestamp
        /// When it was missing first.
        public var missing: Timestamp

        /// Between two listings.
        public init(listed: Timestamp, missing: Timestamp) {
            self.listed = listed
            self.missing = missing
        }
    }

    /// A life.
    public init(pid: UInt32, started: Timestamp? = nil, ended: Timestamp? = nil, vanished: Vanishing? = nil) {
        self.pid = pid
        self.started = started
        self.ended = ended
        self.vanished = vanished
    }
}
