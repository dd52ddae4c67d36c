import Records

/// The send records that may be a packet's.
struct SendMatches {
    /// Small: what else there is to know of a record, its slot has.
    struct Match {
        let slot: Int
        /// From record to packet in nanoseconds; negative where the record came after.
        let delay: Int64
        /// Records that share the slot.
        let records: Int
        let owner: HostProcess
        let image: UInt32
        let thread: UInt32
        let host: UInt16
        let proof: SendRecord.Proof
        let comparison: PacketComparison
    }

    /// Verified, or unverified where nothing verified agrees.
    private(set) var accepted = Few<Match>()
    /// Complete matches whose records came too long after the packet to be its own: whoever made them sent an equal
    /// packet a moment later, and cannot be told from the sender.
    private(set) var rivals: [Match] = []
    /// The tasks that ran when equal packets were sent from contexts that were not theirs.
    private(set) var borrowers: Set<HostProcess> = []
    var truncatedWalk = false
    /// The walk ended at the nearest record of the one process that sent on the flow: what its others say was not asked.
    var isNearestOnly = false
    /// Records of other threads of the process may hide behind those that were compared.
    var hasOpenThread = false

    mutating func add(_ match: Match) {
        switch match.proof {
        case .borrowed: borrowers.insert(match.owner)
        case .verified, .socketUser:
            if accepted.first?.proof.isStrong == false { accepted.removeAll() }
            insert(match)
        case .unverified, .likelySocketUser:
            if accepted.first?.proof.isStrong != true { insert(match) }
        }
    }

    mutating func addRival(_ match: Match) {
        if match.proof.namesCandidate, match.comparison == .complete { rivals.append(match) }
    }

    var sawBorrowed: Bool { !borrowers.isEmpty }

    private mutating func insert(_ match: Match) {
        if !accepted.contains(where: { $0.slot == match.slot }) { accepted.append(match) }
    }

    /// Where a sender is found, rivals of other processes are candidates too; alone they are none.
    mutating func acceptRivals() {
        guard let owner = accepted.first?.owner, accepted.allSatisfy({ $0.comparison == .complete }) else { return }
        for rival in rivals where rival.owner != owner { accepted.append(rival) }
    }

    /// A whole identity beats a partial one: with a complete match at hand, cut ones say nothing.
    mutating func keepBest() {
        guard accepted.count > 1 else { return }
        let best = accepted.map(\.rank).max() ?? 0
        accepted.removeAll { $0.rank < best }
    }

    /// The match nearest in time; before the packet beats after it.
    var nearest: Match? { accepted.count > 1 ? accepted.min(by: Match.isNearer) : accepted.first }

    /// The matches of the recording that has most of them, the nearest first: two recordings of one machine have a record
    /// each of one send, and that is no leave for two packets.
    var ofFullestRecording: [Match] {
        let ordered = accepted.count > 1 ? accepted.sorted(by: Match.isNearer) : Array(accepted)
        guard let first = ordered.first, ordered.contains(where: { $0.host != first.host })
        else { return ordered }
        let records = Dictionary(ordered.map { ($0.host, $0.records) }, uniquingKeysWith: +)
        let fullest = records.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
        return ordered.filter { $0.host == fullest }
    }
}

extension SendRecord.Proof {
    /// Enough for `exact`.
    fileprivate var isStrong: Bool { self == .verified || self == .socketUser }
}

extension SendMatches.Match {
    fileprivate var rank: Int {
        switch comparison {
        case .complete, .segment, .fragment: 2
        case .cut: 1
        case .differs: 0
        }
    }

    static func isNearer(_ left: Self, _ right: Self) -> Bool {
        (left.delay < 0 ? 1 : 0, left.delay.magnitude) < (right.delay < 0 ? 1 : 0, right.delay.magnitude)
    }
}

extension Correlator {
    /// Finds the records that agree with the packet inside the window.
    mutating func gather(_ packet: PacketRecord) -> SendMatches {
        var found = SendMatches()
        let hashes = key.hashes(packet.ip)
        var whole = gather(packet, along: sends.walk(identity: hashes), into: &found)
        // Fragments lack what the identity needs, and so does a payload that the capture cut, or the record.
        let foundNone = found.accepted.isEmpty && !found.sawBorrowed
        if packet.ip.version == .v4,
            packet.ip.isFragment || packet.ip.hasCutPayload
                || foundNone && (sends.hasPartialRecords || packet.ip.isTruncated)
        {
            let walk = sends.walk(datagram: packet.ip, hashes, key: key)
            whole = gather(packet, along: walk, into: &found) && whole
        }
        // Also where there is a whole match: a segment may have another packet's addresses, ports, lengths, IP id and payload.
        let flow = key.flow(packet.ip, hashes)
        if sends.mayHaveBatch(of: flow) {
            let walk = sends.walk(
                batchesOf: flow, from: packet.time.advanced(by: -window.lookback),
                to: packet.time.advanced(by: window.lookahead))
            whole = gather(packet, along: walk, stopsAt: soleSender(packet, flow), into: &found) && whole
        }
        found.truncatedWalk = !whole
        if !whole { found.hasOpenThread = true }
        found.keepBest()
        return found
    }

    /// - Parameter sole: nobody else sent on the packet's flow. The walk is from the newest record to the oldest, so the first
    ///   that is not younger than the packet is the nearest, and who sends many batches a second has no others looked at.
    /// - Returns: false if the walk was too long to see all.
    private func gather(
        _ packet: PacketRecord, along chain: PacketIndex<SendOrigin>.Walk, stopsAt sole: SoleSender? = nil,
        into found: inout SendMatches
    ) -> Bool {
        var walk = chain
        while let number = sends.next(&walk) {
            let (first, last) = (sends[number].first, sends[number].last)
            guard window.isNear(first, last, packet) else {
                if first > packet.time { walk.passOver() }
                continue
            }
            let comparison = compare(
                packet.ip, with: sends[number].packet, segmentSize: sends[number].origin.segmentSize)
            if comparison != .complete, first > packet.time.advanced(by: window.overtaking) { walk.passOver() }
            guard comparison.agrees else { continue }
            let match = match(number, packet, comparison)
            guard window.holds(first, last, packet) else {
                found.addRival(match)
                continue
            }
            found.add(match)
            if case .segment = comparison, match.delay >= 0, let sole, sole.is(match) {
                found.isNearestOnly = true
                found.hasOpenThread = sole.thread == nil
                return true
            }
        }
        return !walk.wasCutShort
    }

    /// A verdict from the records that agree, or nil where none does.
    func verdict(_ packet: PacketRecord, from matches: SendMatches) -> Verdict? {
        guard let nearest = matches.nearest else { return nil }
        if matches.truncatedWalk, !isSegmentOfOwnFlow(packet, nearest) { return .unknown(.tooManyEqualRecords) }
        var matches = matches
        matches.acceptRivals()
        let owners = Set(matches.accepted.map(\.owner))
        let images = Set(matches.accepted.map { SenderImage(owner: $0.owner, image: $0.image) })
        guard images.count == 1 else { return ambiguous(matches, owners: images.count) }
        // An equal packet was sent by somebody who is not known: this may be it.
        if !matches.borrowers.isSubset(of: owners) { return .unknown(.equalBorrowed) }
        if let reason = doubt(packet, nearest) { return .unknown(reason) }
        let records = matches.ofFullestRecording.reduce(0) { $0 + $1.records }
        var verdict = verdict(packet, of: nearest, records: records, sawBorrowed: matches.sawBorrowed)
        // Two threads of one process with equal records: the process is certain, the thread is not.
        if matches.hasOpenThread || matches.accepted.contains(where: { $0.thread != nearest.thread }) {
            verdict.sender?.thread = 0
            verdict.sender?.threadName = .empty
        }
        // Of several records of this process all have to say the same.
        if let creator = verdict.socketCreator,
            matches.truncatedWalk || matches.isNearestOnly
                || !matches.accepted.allSatisfy({ rareFacts(of: $0.slot)?.creator == creator })
        {
            verdict.socketCreator = nil
        }
        return verdict
    }

    /// What a first look at the records says of a packet.
    enum Glance {
        /// One record is near that has the packet's hash, and it is verified, whole and equal.
        case sole(record: Int)
        /// No record that is near can be the packet's.
        case nothing
        /// It takes ``gather(_:)`` to tell.
        case unclear
    }

    /// Looks for the record of an ordinary packet. What it finds, or does not, is what ``gather(_:)`` finds, at a fraction of
    /// the cost.
    mutating func glance(_ packet: PacketRecord, _ hashes: PacketKey.Hashes) -> Glance {
        guard !packet.ip.isPartial else { return .unclear }
        var walk = sends.walk(identity: hashes)
        var found: Int?
        while let number = sends.next(&walk) {
            guard window.isNear(sends[number].first, sends[number].last, packet) else { continue }
            if found != nil { return .unclear }
            found = number
        }
        if walk.wasCutShort || flows != nil && sends.mayHaveBatch(of: key.flow(packet.ip, hashes)) { return .unclear }
        guard let found else { return mayBePart(packet, hashes) ? .unclear : .nothing }
        guard sends[found].origin.proof == .verified, window.holds(sends[found].first, sends[found].last, packet),
            compare(packet.ip, with: sends[found].packet, segmentSize: sends[found].origin.segmentSize) == .complete
        else { return .unclear }
        return .sole(record: found)
    }

    /// A record of another hash may be that of a datagram or batch that the packet is a part of.
    private mutating func mayBePart(_ packet: PacketRecord, _ hashes: PacketKey.Hashes) -> Bool {
        if flows != nil { return true }
        guard sends.hasPartialRecords, packet.ip.version == .v4 else { return false }
        var walk = sends.walk(datagram: packet.ip, hashes, key: key)
        while let number = sends.next(&walk) {
            if window.isNear(sends[number].first, sends[number].last, packet) { return true }
        }
        return walk.wasCutShort
    }

    func match(
        _ number: Int, _ packet: PacketRecord, _ comparison: PacketComparison
    ) -> SendMatches.Match {
        SendMatches.Match(
            slot: number, delay: packet.time.delay(behind: sends[number].first, sends[number].last),
            records: Int(sends[number].records), owner: sends[number].origin.sender.owner,
            image: sends[number].origin.sender.imageVersion,
            thread: sends[number].origin.sender.thread, host: sends[number].origin.sender.host,
            proof: sends[number].origin.proof, comparison: comparison)
    }

    /// The verdict of one record that nothing else contradicts.
    func verdict(_ packet: PacketRecord, ofSole match: SendMatches.Match) -> Verdict {
        if let reason = doubt(packet, match) { return .unknown(reason) }
        return verdict(packet, of: match, records: match.records, sawBorrowed: false)
    }

    private func verdict(
        _ packet: PacketRecord, of match: SendMatches.Match, records: Int, sawBorrowed: Bool
    ) -> Verdict {
        let (confidence, reason) = confidence(packet, of: match, records: records, sawBorrowed: sawBorrowed)
        var verdict = Verdict(
            kind: .process, confidence: confidence, method: .packet, reason: reason,
            sender: sends[match.slot].origin.sender)
        if let facts = rareFacts(of: match.slot) {
            if let before = facts.beforeNAT { verdict.beforeNAT = before }
            if let creator = facts.creator { verdict.socketCreator = creator }
        }
        return verdict
    }

    private func rareFacts(of slot: Int) -> RareFacts? { sends[slot].origin.rareFacts == 0 ? nil : rareFacts[slot] }

    /// It came in: the capture says so, or another machine's link-layer address.
    func isArrival(_ packet: PacketRecord) -> Bool {
        packet.direction == .ingress || packet.direction == .unknown && packet.sourceMAC.map(absence.isLocal) == false
    }

    /// Why the only match names nobody all the same.
    private func doubt(_ packet: PacketRecord, _ nearest: SendMatches.Match) -> Reason? {
        if case .segment = nearest.comparison { return segmentDoubt(packet, nearest) }
        if isDistinctive(packet, nearest) || nearest.comparison == .fragment { return nil }
        if isArrival(packet), nearest.delay > window.arrivalLookback {
            return .resemblesEarlier(delay: nearest.delay)
        }
        guard nearest.delay.magnitude > UInt64(window.recent) else { return nil }
        // Another process may have sent an equal one since, and nobody was there to record it.
        if let gap = absence.gap(packet, of: nearest.host) { return gap }
        guard !losses.isEmpty else { return nil }
        let lost = losses.count(
            Self.rivalKinds(packet.ip), from: packet.time.advanced(by: -window.lookback),
            to: packet.time.advanced(by: window.lookahead))
        return lost > 0 ? .evidenceLost(count: lost) : nil
    }

    /// Of which kinds a lost record may have been of an equal packet: the kernel answers echoes, but asks none.
    private static func rivalKinds(_ packet: IPPacket) -> Set<LossInterval.Kind> {
        packet.transport == .udp || packet.isEchoRequest ? [.send, .table] : [.send, .wire, .table]
    }

    private func confidence(
        _ packet: PacketRecord, of nearest: SendMatches.Match, records: Int, sawBorrowed: Bool
    ) -> (Verdict.Confidence, Reason) {
        if nearest.proof == .likelySocketUser { return (.probable, .likelySocketUser) }
        if nearest.proof == .unverified || sawBorrowed { return (.probable, .unverifiedContext) }
        let from = packet.time.advanced(by: -window.lookback)
        let to = packet.time.advanced(by: window.lookahead)
        let reason: Reason
        switch nearest.comparison {
        case .complete:
            reason = .completeIdentity(
                delay: nearest.delay, records: records,
                transport: packet.ip.transport,
                hasIdentification: packet.ip.version == .v4 && packet.ip.identification != 0)
        case .segment(let index):
            guard ownsFlow(packet, nearest) else { return (.probable, .segmentOfSharedFlow) }
            reason = .segment(index: index, size: sends[nearest.slot].origin.segmentSize, delay: nearest.delay)
        case .fragment:
            reason = .fragment(delay: nearest.delay)
            if mayBeSegmentPart(packet.ip) { return (.probable, reason) }
        case .cut(let bytes): return (.probable, .cutPayload(bytes: bytes))
        case .differs: return (.possible, .nothingMatches)
        }
        if !isDistinctive(packet, nearest), nearest.comparison.isOfWholePacket {
            if !losses.isEmpty, losses.count(Self.rivalKinds(packet.ip), from: from, to: to) > 0 {
                return (.probable, .lossNearIndistinctPacket)
            }
            if sends.horizon >= from { return (.probable, .windowNotHeld) }
            if absence.gap(packet, of: nearest.host) != nil { return (.probable, .notCovered) }
        }
        return (.exact, nearest.proof == .socketUser ? .onlySocketUser(delay: nearest.delay) : reason)
    }

    /// It is distinctive, unless so much was sent since the record that the identification may have come round, and some of
    /// it was not recorded.
    private func isDistinctive(_ packet: PacketRecord, _ match: SendMatches.Match) -> Bool {
        guard packet.ip.isDistinctive, !losses.isEmpty, match.delay > window.recent else {
            return packet.ip.isDistinctive
        }
        let lost = losses.count(
            Self.rivalKinds(packet.ip), from: packet.time.advanced(by: -window.lookback),
            to: packet.time.advanced(by: window.lookahead))
        // A segment of a batch whose record was lost may have another packet's identification, and equal it in all.
        if lost > 0, sends.mayHaveBatch(of: key.flow(packet.ip, key.hashes(packet.ip))) { return false }
        return lost == 0 || UInt64(sends.newestSequence - match.slot) + lost < Self.identificationRound
    }

    /// How many packets are sent at least before an identification comes again: of the 65,536 the kernel may pass over one
    /// for each of its ticks (net/ipv4/route.c, ip_idents_reserve).
    private static let identificationRound: UInt64 = 60_000

    private func ambiguous(_ matches: SendMatches, owners: Int) -> Verdict {
        var seen = Set<SenderImage>()
        var candidates: [Candidate] = []
        let ordered = matches.accepted.sorted {
            ($0.delay.magnitude, $0.owner.process.pid, $0.owner.machine) < (
                $1.delay.magnitude, $1.owner.process.pid, $1.owner.machine
            )
        }
        for match in ordered
        where candidates.count < 16 && seen.insert(SenderImage(owner: match.owner, image: match.image)).inserted {
            let reason: Reason =
                match.proof == .socketUser ? .usedSocket(delay: match.delay) : .equalRecord(delay: match.delay)
            candidates.append(Candidate(sender: sends[match.slot].origin.sender, reason: reason))
        }
        let isHeldPacket = matches.accepted.allSatisfy { $0.proof == .socketUser }
        return Verdict(
            kind: .process, confidence: .ambiguous, method: .packet,
            reason: isHeldPacket ? .severalSocketUsers(count: owners) : .severalSenders(count: owners),
            candidates: candidates)
    }

}

extension PacketComparison {
    /// Not of a segment, whose doubts are others.
    fileprivate var isOfWholePacket: Bool {
        if case .segment = self { false } else { true }
    }
}

extension PacketIndex.Slot {
    /// From the slot's nearest record to `time`.
    func delay(to time: Timestamp) -> Int64 { time.delay(behind: first, last) }
}

extension Timestamp {
    /// From the nearest of a slot's records to this moment.
    func delay(behind first: Timestamp, _ last: Timestamp) -> Int64 {
        if self < first { return since(first) }
        // Inside the slot's span a record lies at most the merge gap away; the span's end is its latest.
        return self >= last ? since(last) : 0
    }
}
