public import Records

/// Joins captured packets with send and wire records: the only place that decides who sent a packet.
///
/// Pure: no clock, no I/O. Records may be added late or out of order, as long as those up to ``Window/lookahead`` after
/// a packet have been added before it is judged. Judging a packet does not consume a record: one datagram may be seen
/// on several interfaces. Memory is bounded by ``Limits``.
public struct Correlator: Sendable {
    /// How far a record may lie from its packet, in nanoseconds of capture time.
    public struct Window: Sendable {
        /// A record this long before the packet still counts: queueing and address resolution delay packets.
        public var lookback: Int64 = 5_000_000_000
        /// A forwarded flow's record comes with its first packet's departure, at most this long after its arrival.
        public var lookahead: Int64 = 50_000_000
        /// A record this long after a departing packet still counts: copies that overtake, and clock mapping.
        public var overtaking: Int64 = 100_000
        /// A record this long after a packet that arrives, or whose direction is not known, still counts: no more than
        /// clock mapping needs. Whoever reads a packet and sends it again is not the sender of what was read.
        public var arrivalTolerance: Int64 = 5_000
        /// A packet that arrives and is not distinctive may be somebody else's equal one, unless its record is this
        /// recent: inside one machine packets arrive within microseconds.
        public var arrivalLookback: Int64 = 100_000_000
        /// Where records were lost, an equal one may be among them, unless the one at hand is this recent.
        public var recent: Int64 = 2_000_000

        /// The default window: 5 s back.
        public init() {}

        /// How long after a packet its record may be.
        func ahead(_ direction: Direction) -> Int64 { direction == .egress ? overtaking : arrivalTolerance }

        /// As ``holds(_:_:_:)``, with records that came up to the lookahead later.
        func isNear(_ first: Timestamp, _ last: Timestamp, _ packet: PacketRecord) -> Bool {
            first <= packet.time.advanced(by: lookahead) && last >= packet.time.advanced(by: -lookback)
        }

        /// A slot's records, from the first to the last, may be a packet's.
        func holds(_ first: Timestamp, _ last: Timestamp, _ packet: PacketRecord) -> Bool {
            first <= packet.time.advanced(by: ahead(packet.direction))
                && last >= packet.time.advanced(by: -lookback)
        }
    }

    /// The sizes of the tables.
    public struct Limits: Sendable {
        /// Distinct send records held.
        public var sendRecords = 1 << 17
        /// Distinct kernel-made packets held.
        public var kernelRecords = 1 << 14
        /// Flows whose senders are remembered.
        public var flows = 1 << 15
        /// Forwarded flows remembered.
        public var forwardedFlows = 1 << 15
        /// IPv6 datagrams whose first fragment's verdict is remembered.
        public var fragments = 1 << 13
        /// Loss intervals held.
        public var losses = 1 << 12

        /// The default sizes.
        public init() {}
    }

    let window: Window
    let key: PacketKey
    var sends: PacketIndex<SendOrigin>
    var kernel: PacketIndex<KernelOrigin>
    /// Asked only of segments: there is none before the first segmented batch is recorded.
    private(set) var flows: SenderFlows?
    private let flowLimit: Int
    /// By the number of the record's slot, where there are any.
    var rareFacts: [Int: RareFacts] = [:]
    var forwarded: ForwardedFlows
    var carriers = InnerCarriers()
    var translations: Translations
    var fragments: FragmentVerdicts
    var losses: LossHistory
    var absence: AbsenceJudge
    var tunnels = TunnelDevices()
    var arrivals = ArrivalMemory()
    /// Send records added so far.
    public private(set) var records: UInt64 = 0
    /// What bounded tables let go since it was last taken.
    private var letGo = LossHistory(capacity: 1 << 10)
    /// Something was let go since it was last taken.
    public var hasLetGo: Bool { !letGo.isEmpty }
    /// No packet from before this moment is to come.
    private var awaited = Timestamp.distantPast

    /// A correlator that knows nothing yet.
    ///
    /// - Parameter seed: keys the hash tables; random for live traffic.
    public init(window: Window = Window(), limits: Limits = Limits(), seed: UInt64) {
        self.window = window
        key = PacketKey(seed: seed)
        sends = PacketIndex(capacity: limits.sendRecords)
        kernel = PacketIndex(capacity: limits.kernelRecords)
        flowLimit = limits.flows
        forwarded = ForwardedFlows(capacity: limits.forwardedFlows)
        translations = Translations(capacity: limits.forwardedFlows)
        fragments = FragmentVerdicts(capacity: limits.fragments)
        losses = LossHistory(capacity: limits.losses)
        absence = AbsenceJudge()
    }

    /// Send records that no packet matched so far.
    public var unmatchedRecords: UInt64 { sends.unmatched + sends.forgotten }

    /// Adds a send record.
    public mutating func add(_ record: SendRecord) { add(record, nil) }

    /// Adds a send record.
    ///
    /// - Parameters:
    ///   - index: its place in `records`; handed over by itself it would be copied.
    ///   - lookup: its packet's, of ``prepare(_:into:)``, where it was made already.
    public mutating func add(_ records: Span<SendRecord>, _ index: Int, _ lookup: PacketLookup?) {
        add(records[index], lookup)
    }

    @inline(__always)
    private mutating func add(_ record: SendRecord, _ lookup: PacketLookup?) {
        records += 1
        let origin = SendOrigin(record)
        let hashes = lookup?.hashes ?? key.hashes(record.packet)
        let isBatch = record.segmentSize > 0
        let isNew = sends.add(record.packet, hashes, origin: origin, time: record.time, key: key, isBatch: isBatch)
        if origin.rareFacts != 0, isNew { noteRareFacts(RareFacts(record)) }
        if let loss = sends.letGo.take(as: .table) { noteRecordsLetGo(loss) }
        if isBatch, flows == nil { flows = flowsSoFar() }
        guard flows != nil else { return }
        flows?.note(
            record.packet, hash: key.flow(record.packet, hashes), owner: origin.flowSender,
            thread: origin.sender.thread, time: record.time)
        if var loss = flows?.letGo.take(as: .flowTable), loss.start >= record.time.advanced(by: -window.lookback) {
            loss.start = record.time
            letGo.add(loss)
        }
    }

    /// Of the newest record.
    private mutating func noteRareFacts(_ facts: RareFacts?) {
        // Those of slots that are gone are looked for once in a while.
        if rareFacts.count >= sends.capacity + sends.capacity / 4 + 1 {
            let oldest = sends.oldestSequence
            rareFacts = rareFacts.filter { $0.key >= oldest }
        }
        rareFacts[sends.newestSequence] = facts
    }

    /// Who sent on which flow, by the records that are held.
    private func flowsSoFar() -> SenderFlows {
        var flows = SenderFlows(capacity: flowLimit, knownSince: sends.horizon)
        sends.forEach { slot in
            for time in [slot.first, slot.last] {
                let hash = key.flow(slot.packet, key.hashes(slot.packet))
                let origin = slot.origin
                flows.note(
                    slot.packet, hash: hash, owner: origin.flowSender, thread: origin.sender.thread, time: time)
            }
        }
        _ = flows.letGo.take(as: .flowTable)
        return flows
    }

    /// States that all packets from before a moment have been judged: records of before may be let go without harm.
    public mutating func awaitPackets(from time: Timestamp) { awaited = max(awaited, time) }

    /// What the bounded tables let go since the last call, while it may have been needed.
    public mutating func takeLetGo() -> [LossInterval] { letGo.isEmpty ? [] : letGo.removeAll() }

    /// Old records are let go all the time; those count as lost whose packets may still be to come.
    private mutating func noteRecordsLetGo(_ loss: LossInterval) {
        guard loss.stop.advanced(by: window.arrivalLookback) >= awaited else { return }
        letGo.add(loss)
        losses.add(loss)
    }

    /// Adds a wire record.
    public mutating func add(_ record: WireRecord) {
        switch record.origin {
        case .kernel:
            kernel.add(
                record.packet, key.hashes(record.packet), origin: KernelOrigin(record), time: record.time, key: key)
            if let loss = kernel.letGo.take(as: .table) { noteRecordsLetGo(loss) }
            if let inner = record.inner {
                carriers.note(key.identity(inner), interface: record.interface, time: record.time)
            }
        case .forwarded(let interface, let name):
            forwarded.note(
                record.packet,
                way: ForwardedFlows.Way(
                    host: record.host, namespace: record.namespace, ingressInterface: interface, ingressName: name,
                    isTunnel: record.innerOffset > 0), time: record.time)
            if let loss = forwarded.letGo.take(as: .flowTable) { letGo.add(loss) }
        }
        if let before = record.beforeNAT {
            translations.note(record.packet, before: before, time: record.time)
            if let loss = translations.letGo.take(as: .flowTable) { letGo.add(loss) }
        }
    }

    /// Adds a span in which records were lost.
    public mutating func add(_ loss: LossInterval) { losses.add(loss) }

    /// States what one evidence covers; replaces what was stated for it before.
    ///
    /// - Parameter host: the number its records carry.
    public mutating func setCoverage(_ coverage: Coverage, host: UInt16) {
        absence.set(coverage, host: host)
        tunnels.set(coverage.interfaces, host: host)
        arrivals = ArrivalMemory()
    }

    /// Decides who sent a packet, by the records added so far.
    ///
    /// - Parameters:
    ///   - packet: a UDP or ICMP packet.
    ///   - passesFilters: bit n says that the packet passes the filter of evidence n; used where coverage has one.
    ///   - seenHere: the capture was made on the machine and in the namespace that the evidence speaks for (live).
    public mutating func judge(_ packet: PacketRecord, passesFilters: UInt64 = .max, seenHere: Bool = false) -> Verdict
    {
        judge(packet, glance(packet, key.hashes(packet.ip)), passesFilters: passesFilters, seenHere: seenHere)
    }

    /// - Parameter glance: what ``glance(_:_:)`` says of the packet.
    mutating func judge(
        _ packet: PacketRecord, _ glance: Glance, passesFilters: UInt64, seenHere: Bool
    ) -> Verdict {
        // Tagging a capture needs no evidence, and then there is nothing to look for.
        guard records > 0 || absence.hasEvidence else { return .unknown(.noEvidence) }
        let verdict = decide(packet, glance, passesFilters: passesFilters, seenHere: seenHere)
        // Unknown ones too: a forged one must not pass for the only one.
        if packet.ip.isFragment, packet.ip.fragmentOffset == 0, packet.ip.version == .v6 || flows != nil {
            fragments.note(packet.ip, verdict: verdict, time: packet.time, within: Self.fragmentWindow)
            if let loss = fragments.letGo.take(as: .fragmentTable) { letGo.add(loss) }
        }
        return verdict
    }

    private mutating func decide(
        _ packet: PacketRecord, _ glance: Glance, passesFilters: UInt64, seenHere: Bool
    ) -> Verdict {
        switch glance {
        case .sole(let record) where kernelMatches(packet).slots.isEmpty:
            let verdict = verdict(packet, ofSole: match(record, packet, .complete))
            guard verdict.kind == .process else { return verdict }
            return sends.claim(record, at: Place(packet)) ? verdict : .unknown(.moreThanSent)
        case .nothing where translations.isEmpty && kernel.isEmpty && forwarded.isEmpty:
            return absentVerdict(packet, passesFilters: passesFilters, seenHere: seenHere)
        default: return decideAmongMany(packet, passesFilters: passesFilters, seenHere: seenHere)
        }
    }

    private mutating func decideAmongMany(
        _ packet: PacketRecord, passesFilters: UInt64, seenHere: Bool
    ) -> Verdict {
        if let verdict = verdictOfSegmentPart(packet) { return verdict }
        let matches = gather(packet)
        if let verdict = verdict(packet, from: matches) {
            let kernel = kernelMatches(packet).slots
            if let copy = copyVerdict(packet, of: matches, kernel) { return copy }
            return settle(packet, verdict, matches, isCertainlyKernel: isCertainlyKernel(kernel))
        }
        if let verdict = translatedVerdict(packet) { return verdict }
        if let verdict = kernelVerdict(packet) ?? forwardedVerdict(packet) ?? fragmentVerdict(packet) { return verdict }
        if matches.truncatedWalk { return .unknown(.tooManyEqualRecords) }
        if matches.sawBorrowed { return .unknown(.borrowedContext) }
        return absentVerdict(packet, passesFilters: passesFilters, seenHere: seenHere)
    }

    /// The verdict on a packet that no record fits.
    private mutating func absentVerdict(_ packet: PacketRecord, passesFilters: UInt64, seenHere: Bool) -> Verdict {
        if packet.ip.isTruncated { return .unknown(.notDecodable) }
        var verdict = absence.verdict(
            packet, passesFilters: passesFilters, seenHere: seenHere, losses: losses, window: window,
            horizons: AbsenceJudge.Horizons(sends: sends.horizon, forwarded: forwarded.horizon))
        if verdict.kind == .received { weaken(&verdict, of: packet) }
        return verdict
    }

    /// Counts the match, and takes a name back where something else speaks against it.
    private mutating func settle(
        _ packet: PacketRecord, _ verdict: Verdict, _ matches: SendMatches, isCertainlyKernel: Bool,
        isTranslated: Bool = false
    ) -> Verdict {
        guard verdict.kind == .process, let nearest = matches.nearest else { return verdict }
        if nearest.comparison == .complete {
            // One record is one packet at each place. Behind a slow queue packets follow each other more closely than
            // their records, so any equal record that is left will do.
            let place = Place(packet, isTranslated: isTranslated)
            let claimed = matches.ofFullestRecording.contains { sends.claim($0.slot, at: place) }
            // Of a packet that was held there is a record for each process that may have sent it.
            for other in matches.accepted where claimed && other.slot != nearest.slot {
                if other.proof == .socketUser, nearest.proof == .socketUser {
                    sends.countMatch(other.slot)
                }
            }
            // Several candidates stay several, however many copies there are.
            if !claimed, verdict.confidence != .ambiguous { return .unknown(.moreThanSent) }
        } else {
            sends.countMatch(nearest.slot)
        }
        return isCertainlyKernel ? .unknown(.kernelAndProcess) : verdict
    }

    // MARK: Packets without a sending process

    /// The sender of a packet whose addresses this machine translated: IP id, payload and lengths survive translation,
    /// so the join before it is as exact as any. Nested namespaces may translate more than once.
    private mutating func translatedVerdict(_ packet: PacketRecord) -> Verdict? {
        guard !translations.isEmpty else { return nil }
        var found: [Verdict] = []
        var level = [packet.ip]
        for _ in 0..<Self.mostTranslations where found.isEmpty {
            level = level.flatMap { ip in
                translations.before(ip, at: packet.time, lookahead: window.lookahead).map { ip.translated(back: $0) }
            }
            for ip in level {
                var inner = packet
                inner.ip = ip
                let matches = gather(inner)
                guard var verdict = verdict(inner, from: matches), verdict.kind == .process else {
                    // A translated answer of this machine's kernel, in another namespace.
                    if let verdict = kernelVerdict(inner) { return verdict }
                    continue
                }
                verdict = settle(
                    inner, verdict, matches, isCertainlyKernel: isCertainlyKernel(kernelMatches(inner).slots),
                    isTranslated: true)
                guard verdict.kind == .process else { return verdict }
                verdict.method = .nat
                verdict.beforeNAT = verdict.beforeNAT ?? UntranslatedTuple(ip)
                found.append(verdict)
            }
        }
        return found.count < 2 ? found.first : .ambiguous(found)
    }

    /// Fragments of one datagram follow each other within this, in nanoseconds.
    static let fragmentWindow: Int64 = 1_000_000_000
    static let mostTranslations = 4

    private func forwardedVerdict(_ packet: PacketRecord) -> Verdict? {
        guard !forwarded.isEmpty,
            let entry = forwarded.entry(for: packet.ip, at: packet.time, lookahead: window.lookahead)
        else { return nil }
        let lost =
            losses.isEmpty
            ? 0
            : losses.count(
                [.send, .table], from: packet.time.advanced(by: -window.lookback),
                to: packet.time.advanced(by: window.lookahead))
        let way = entry.way
        // It was wrapped here and not on the way: nobody else has our address.
        if way.isTunnel, absence.isLocal(packet.ip.source) {
            return Verdict(kind: .kernel, confidence: .probable, method: .packet, reason: .wrappedForwarded)
        }
        var verdict = Verdict(
            kind: .forwarded, confidence: lost == 0 ? .exact : .probable, method: .packet,
            reason: lost == 0 ? .forwardedFlow : .forwardedNearLoss,
            ingressInterface: way.ingressName ?? "if\(way.ingressInterface)")
        verdict.tunnel = tunnels.origin(host: way.host, namespace: way.namespace, index: way.ingressInterface)
        if lost == 0, verdict.tunnel != nil {
            verdict.reason = .fromTunnel(holders: nil)
        } else if lost == 0,
            !tunnels.leadsOutside(host: way.host, namespace: way.namespace, index: way.ingressInterface)
        {
            verdict.reason = .forwardedFromHere
        }
        if verdict.reason != .forwardedFlow { verdict.confidence = .probable }
        return verdict
    }

    func fragmentVerdict(_ packet: PacketRecord) -> Verdict? {
        guard packet.ip.fragmentOffset > 0, packet.ip.version == .v6 || flows != nil,
            var verdict = fragments.verdict(for: packet.ip, at: packet.time, within: Self.fragmentWindow)
        else { return nil }
        if verdict.kind == .process, verdict.confidence == .exact { verdict.reason = .laterFragment }
        return verdict
    }
}

extension Verdict {
    /// One verdict from several, each with a sender of its own.
    static func ambiguous(_ verdicts: [Verdict]) -> Verdict? {
        var candidates: [Candidate] = []
        for verdict in verdicts {
            candidates += verdict.sender.map { [Candidate(sender: $0, reason: verdict.reason)] } ?? verdict.candidates
        }
        var owners = Set<HostProcess>()
        candidates = candidates.filter {
            owners.insert($0.sender.owner).inserted
        }
        guard owners.count > 1, var verdict = verdicts.first else { return verdicts.first }
        verdict.confidence = .ambiguous
        verdict.reason = .severalSenders(count: owners.count)
        verdict.sender = nil
        verdict.candidates = candidates
        return verdict
    }

    /// A verdict that says why nothing can be said.
    public static func unknown(_ reason: Reason) -> Verdict {
        Verdict(kind: .unknown, confidence: .none, method: .none, reason: reason)
    }
}
