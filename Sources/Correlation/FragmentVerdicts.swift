import Records

/// Verdicts of first fragments, for the later fragments of the same datagram. Bounded: the oldest goes first.
struct FragmentVerdicts: Sendable {
    private struct Key: Hashable, Sendable {
        let source: IPAddress
        let destination: IPAddress
        let identification: UInt32
        /// Of IPv4 (RFC 791); in IPv6 the later fragments may not tell it.
        let transport: IPPacket.Transport?

        init(_ packet: IPPacket) {
            source = packet.source
            destination = packet.destination
            identification = packet.identification
            transport = packet.version == .v4 ? packet.transport : nil
        }
    }

    private struct Entry: Sendable {
        var time: Timestamp
        /// One for each sender: identifications can collide, and can be forged.
        var verdicts: [Verdict]
    }

    private static let mostVerdicts = 16

    private var entries: [Key: Entry] = [:]
    private var order: [Key] = []
    private var next = 0
    private let capacity: Int
    /// The newest time of a first fragment that was let go.
    private(set) var horizon = Timestamp.distantPast
    /// First fragments let go while later ones may have been to come.
    var letGo = LetGo()

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    /// Notes a first fragment; within `window` nanoseconds every sender of such a fragment stays a candidate.
    mutating func note(_ packet: IPPacket, verdict: Verdict, time: Timestamp, within window: Int64) {
        let key = Key(packet)
        if var entry = entries[key] {
            if time.since(entry.time) > window { entry.verdicts.removeAll() }
            entry.time = time
            if !entry.verdicts.contains(where: { $0.namesSame(as: verdict) }), entry.verdicts.count < Self.mostVerdicts
            {
                entry.verdicts.append(verdict)
            }
            entries[key] = entry
            return
        }
        entries[key] = Entry(time: time, verdicts: [verdict])
        if order.count < capacity {
            order.append(key)
        } else {
            let old = entries.removeValue(forKey: order[next])
            if let old, time.since(old.time) <= window {
                horizon = max(horizon, old.time)
                letGo.note(from: old.time, to: old.time)
            }
            order[next] = key
            next = (next + 1) % capacity
        }
    }

    /// The datagram's first fragment was judged.
    func hasFirst(of packet: IPPacket, at time: Timestamp, within window: Int64) -> Bool {
        entries[Key(packet)].map { abs(time.since($0.time)) <= window } ?? false
    }

    /// The verdict of the datagram's first fragment; several senders are several candidates.
    func verdict(for packet: IPPacket, at time: Timestamp, within window: Int64) -> Verdict? {
        guard let entry = entries[Key(packet)], abs(time.since(entry.time)) <= window else { return nil }
        guard entry.verdicts.contains(where: { $0.kind != .unknown }) else { return nil }
        // An equal first fragment may be among those that were let go.
        if horizon.advanced(by: window) >= time { return .unknown(.recordsLetGo) }
        guard entry.verdicts.count > 1 else { return entry.verdicts.first }
        guard entry.verdicts.allSatisfy({ $0.kind == .process }) else { return .unknown(.kernelAndProcess) }
        return .ambiguous(entry.verdicts)
    }
}

extension Verdict {
    fileprivate func namesSame(as other: Verdict) -> Bool {
        kind == other.kind && sender?.owner == other.sender?.owner
            && confidence == other.confidence
    }
}
