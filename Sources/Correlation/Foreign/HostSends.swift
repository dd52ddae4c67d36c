public import Records

/// The sends of several machines by what survives the way to another one: ports, IP id, length and payload.
///
/// For captures that were made elsewhere than the evidence: addresses may have been translated in between, and clocks
/// differ a little. Holds the newest records only.
public struct HostSends: Sendable {
    private struct Entry: Sendable {
        var packet: IPPacket
        var sender: Sender
        var isBorrowed: Bool
        /// The sequence number of the next older entry with this key; 0 for none.
        var older: UInt64
        var key: UInt64
    }

    /// A record this long before the packet still counts, in nanoseconds.
    private static let lookback: Int64 = 5_000_000_000
    /// The clocks of machines that are kept in step differ by less, in nanoseconds.
    private static let skew: Int64 = 1_000_000_000
    private static let walkLimit = 64

    private let capacity: Int
    private var entries: [Entry] = []
    private var newest: [UInt64: UInt64] = [:]
    /// Numbered from 1.
    private var count: UInt64 = 0

    /// An empty table of the newest `capacity` records, at least 1.
    public init(capacity: Int = 1 << 16) { self.capacity = max(capacity, 1) }

    /// Adds a record of a whole IPv4 datagram with an id; others have nothing that tells them apart elsewhere.
    public mutating func add(_ record: SendRecord) {
        guard record.segmentSize == 0, let key = Self.key(record.packet) else { return }
        count += 1
        let slot = Int((count - 1) % UInt64(capacity))
        let entry = Entry(
            packet: record.packet, sender: Sender(record), isBorrowed: !record.proof.namesCandidate,
            older: newest[key] ?? 0, key: key)
        newest[key] = count
        guard slot < entries.count else {
            entries.append(entry)
            return
        }
        let oldest = entries[slot]
        entries[slot] = entry
        if newest[oldest.key] == count - UInt64(capacity) { newest[oldest.key] = nil }
    }

    /// Whether a packet can be told from others without its addresses.
    public static func canTell(_ packet: IPPacket) -> Bool { key(packet) != nil }

    /// The sender of a packet that has no record of its own: nil where none fits, or where it is not known who sent
    /// one that fits.
    public func verdict(_ packet: PacketRecord) -> Verdict? {
        let found = matches(packet)
        guard let first = found.first, !found.contains(where: \.isBorrowed) else { return nil }
        let owners = Set(found.map { $0.sender.owner })
        let isTranslated = !Self.sameAddresses(first.packet, packet.ip)
        let delay = packet.time.since(first.sender.time)
        guard owners.count == 1 else {
            var seen = Set<HostProcess>()
            let candidates = found.filter {
                seen.insert($0.sender.owner).inserted
            }
            return Verdict(
                kind: .process, confidence: .ambiguous, method: .packet, reason: .severalHosts(count: owners.count),
                candidates: candidates.prefix(16).map {
                    Candidate(sender: $0.sender, reason: .equalRecord(delay: packet.time.since($0.sender.time)))
                })
        }
        var verdict = Verdict(
            kind: .process, confidence: .probable, method: isTranslated ? .nat : .packet,
            reason: isTranslated ? .translatedElsewhere(delay: delay) : .otherClock(delay: delay),
            sender: first.sender)
        if isTranslated { verdict.beforeNAT = UntranslatedTuple(first.packet) }
        return verdict
    }

    private func matches(_ packet: PacketRecord) -> [Entry] {
        guard let key = Self.key(packet.ip), var number = newest[key] else { return [] }
        var found: [Entry] = []
        for _ in 0..<Self.walkLimit {
            guard number > 0, number + UInt64(capacity) > count else { break }
            let entry = entries[Int((number - 1) % UInt64(capacity))]
            guard entry.key == key else { break }
            let delay = packet.time.since(entry.sender.time)
            if delay <= Self.lookback, delay >= -Self.skew, Self.agrees(entry.packet, packet.ip) { found.append(entry) }
            number = entry.older
        }
        // The addresses themselves tell more than that they may have been translated.
        let untranslated = found.filter { Self.sameAddresses($0.packet, packet.ip) }
        return untranslated.isEmpty ? found : untranslated
    }

    private static func agrees(_ sent: IPPacket, _ seen: IPPacket) -> Bool {
        sent.sourcePort == seen.sourcePort && sent.destinationPort == seen.destinationPort
            && sent.transport == seen.transport && sent.identification == seen.identification
            && sent.payloadLength == seen.payloadLength && sent.payloadPrefix == seen.payloadPrefix
            && sent.icmpType == seen.icmpType && sent.icmpCode == seen.icmpCode
            && (sent.source == seen.source || sent.destination == seen.destination)
    }

    private static func sameAddresses(_ sent: IPPacket, _ seen: IPPacket) -> Bool {
        sent.source == seen.source && sent.destination == seen.destination
    }

    private static func key(_ packet: IPPacket) -> UInt64? {
        guard packet.isReported, packet.version == .v4, packet.identification != 0, !packet.isFragment,
            !packet.isTruncated, let identity = TrafficIdentity(packet)
        else { return nil }
        let mark = TrafficIdentity.mix(
            packet.payloadPrefix.high ^ 0x2545_F491_4F6C_DD1D, UInt64(packet.identification) | 1 << 40)
        return identity.portsFingerprint ^ mark
    }
}
