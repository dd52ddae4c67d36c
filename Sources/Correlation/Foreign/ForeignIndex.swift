import Records

/// The records of other tools that may be of the packets at hand, by identity and by ports.
///
/// Equal records of one process that follow each other closely share an entry, so that a flow of any rate takes little.
/// What lies before the window is let go; beyond the limit records are not taken in, and their time is noted.
struct ForeignIndex: Sendable {
    struct Entry: Sendable {
        var identity: TrafficIdentity
        var mark: DatagramMark?
        var pid: UInt32?
        var thread: UInt32?
        var evidence: UInt16
        /// Sent, by what the evidence says; otherwise it only names the packet.
        var isSend: Bool
        /// The first and the last record's time on the evidence's clock.
        var first: Int64
        var last: Int64
        /// The first record's place in the file.
        var position: UInt64
        var records: UInt64 = 1
        var matches: UInt64 = 0
        var portsMatches: UInt64 = 0
        var used: UInt64 { min(records, matches + portsMatches) }
        fileprivate var nextByIdentity: Int32
        fileprivate var nextByPorts: Int32
    }

    /// Records that share an entry follow each other within this, in nanoseconds.
    private static let gap: Int64 = 1_000_000_000
    /// The most entries with the same ports that are compared.
    private static let walkLimit = 256

    private let limit: Int
    private(set) var entries: [Entry] = []
    private var byIdentity: [UInt64: Int32] = [:]
    private var byPorts: [UInt64: Int32] = [:]
    private var sweepAt = 1 << 12
    /// Entries from before these moments are not needed, by evidence.
    private var needed: [UInt16: Int64] = [:]
    /// The times, by evidence, of records that found no room.
    private(set) var dropped: [UInt16: (first: Int64, last: Int64, count: UInt64)] = [:]
    private var matchedBefore: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    mutating func add(_ record: TrafficRecord, evidence: UInt16) {
        guard let time = record.time?.nanoseconds, let identity = TrafficIdentity(record) else { return }
        let mark = record.packet.map(DatagramMark.init)
        let key = Self.key(identity, mark)
        if extend(key, identity, mark, record, time: time, evidence: evidence) { return }
        if entries.count >= sweepAt { sweep() }
        guard entries.count < limit else {
            var lost = dropped[evidence] ?? (first: time, last: time, count: 0)
            lost = (min(lost.first, time), max(lost.last, time), lost.count + 1)
            dropped[evidence] = lost
            return
        }
        entries.append(
            Entry(
                identity: identity, mark: mark, pid: record.pid, thread: record.thread, evidence: evidence,
                isSend: record.action == .sent, first: time, last: time, position: record.position,
                nextByIdentity: -1, nextByPorts: -1))
        link(entries.count - 1)
    }

    private mutating func extend(
        _ key: UInt64, _ identity: TrafficIdentity, _ mark: DatagramMark?, _ record: TrafficRecord, time: Int64,
        evidence: UInt16
    ) -> Bool {
        var index = byIdentity[key] ?? -1
        while index >= 0 {
            let entry = entries[Int(index)]
            if entry.evidence == evidence, entry.pid == record.pid, entry.isSend == (record.action == .sent),
                entry.identity == identity, entry.mark == mark, time >= entry.first - Self.gap,
                time <= entry.last + Self.gap
            {
                entries[Int(index)].first = min(entry.first, time)
                entries[Int(index)].last = max(entry.last, time)
                entries[Int(index)].position = min(entry.position, record.position)
                entries[Int(index)].records += 1
                if entry.thread != record.thread { entries[Int(index)].thread = nil }
                return true
            }
            index = entry.nextByIdentity
        }
        return false
    }

    private mutating func link(_ index: Int) {
        let key = Self.key(entries[index].identity, entries[index].mark)
        entries[index].nextByIdentity = byIdentity.updateValue(Int32(index), forKey: key) ?? -1
        let ports = entries[index].identity.portsFingerprint
        entries[index].nextByPorts = byPorts.updateValue(Int32(index), forKey: ports) ?? -1
    }

    /// States that nothing from before a moment on the evidence's clock will be asked for.
    mutating func letGo(before time: Int64, evidence: UInt16) { needed[evidence] = time }

    private mutating func sweep() {
        let old = entries
        entries = []
        byIdentity.removeAll(keepingCapacity: true)
        byPorts.removeAll(keepingCapacity: true)
        for entry in old {
            if let needed = needed[entry.evidence], entry.last < needed {
                matchedBefore += entry.used
                continue
            }
            entries.append(entry)
            link(entries.count - 1)
        }
        sweepAt = min(max(1 << 12, entries.count * 2), max(limit, entries.count + limit / 8))
    }

    /// Removes what one evidence has brought.
    mutating func removeAll(evidence: UInt16) {
        needed[evidence] = .max
        sweep()
        needed[evidence] = nil
        dropped[evidence] = nil
    }

    /// Records that a packet matched.
    var matched: UInt64 { entries.reduce(matchedBefore) { $0 + $1.used } }

    mutating func countMatch(_ index: Int) { entries[index].matches += 1 }

    /// A match by ports leaves the record to the next packet with those ports: it may as well be that one's.
    mutating func countPortsMatch(_ index: Int) { entries[index].portsMatches += 1 }

    // MARK: Looking up

    /// The entries of a packet's own identity, whatever their times.
    func withIdentity(of packet: IPPacket, _ identity: TrafficIdentity, _ body: (Int, Entry) -> Void) {
        let mark = DatagramMark(packet)
        var lengthless = identity
        lengthless.length = nil
        for key in [Self.key(identity, nil), Self.key(identity, mark), Self.key(lengthless, nil)] {
            var index = byIdentity[key] ?? -1
            while index >= 0 {
                let entry = entries[Int(index)]
                if entry.identity == identity || entry.identity == lengthless,
                    entry.mark.map({ $0.agrees(with: mark) }) ?? true
                {
                    body(Int(index), entry)
                }
                index = entry.nextByIdentity
            }
        }
    }

    /// The entries with the packet's ports and length; false where there are more than are compared.
    func withPorts(of identity: TrafficIdentity, _ body: (Int, Entry) -> Void) -> Bool {
        var index = byPorts[identity.portsFingerprint] ?? -1
        for _ in 0..<Self.walkLimit {
            guard index >= 0 else { return true }
            let entry = entries[Int(index)]
            if entry.identity.sourcePort == identity.sourcePort,
                entry.identity.destinationPort == identity.destinationPort,
                entry.identity.transport == identity.transport, entry.identity.length == identity.length
            {
                body(Int(index), entry)
            }
            index = entry.nextByPorts
        }
        return index < 0
    }

    /// A packet that shows its IP id is looked up by it; one without by its payload.
    private static func key(_ identity: TrafficIdentity, _ mark: DatagramMark?) -> UInt64 {
        guard let mark else { return identity.fingerprint }
        return identity.fingerprint ^ TrafficIdentity.mix(UInt64(mark.identification) | 1 << 40, 0x2545_F491_4F6C_DD1D)
    }
}
