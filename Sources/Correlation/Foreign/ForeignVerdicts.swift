public import Records

extension ForeignMatching {
    private struct Match {
        var index: Int
        var entry: ForeignIndex.Entry
        var evidence: Evidence
        /// The record's time that is nearest to the packet's, on the evidence's clock.
        var time: Timestamp
    }

    /// A process of a machine.
    private struct Owner: Hashable {
        var machine: UInt16
        var pid: UInt32
    }

    /// Decides who sent a packet, by the records of other tools.
    ///
    /// - Parameter lives: what is known of a machine's process id.
    public mutating func judge(
        _ packet: PacketRecord, lives: (_ machine: UInt16, _ pid: UInt32) -> [ProcessLife]
    ) -> Verdict {
        if let identity = TrafficIdentity(packet.ip) {
            let same = sameFlow(packet, identity)
            if !same.isEmpty { return flowVerdict(same, packet) }
            if let verdict = portsVerdict(packet, identity) { return verdict }
        }
        if packet.ip.isDirectoryPing, let verdict = pingVerdict(packet, lives: lives) { return verdict }
        return .unknown(absence(packet))
    }

    // MARK: Addresses, ports and length

    private func sameFlow(_ packet: PacketRecord, _ identity: TrafficIdentity) -> [Match] {
        var matches: [Match] = []
        index.withIdentity(of: packet.ip, identity) { index, entry in
            guard let match = match(index, entry, packet.time), entry.isSend || mayHaveSent(packet.ip, match) else {
                return
            }
            matches.append(match)
        }
        // A word that is believed less says nothing beside one that is believed more.
        let best = matches.map(\.evidence.trust).max()
        return matches.filter { $0.evidence.trust == best }.sorted {
            ($0.time, $0.entry.pid ?? 0) < ($1.time, $1.entry.pid ?? 0)
        }
    }

    /// The match of an entry, where it lies in the packet's window.
    private func match(_ index: Int, _ entry: ForeignIndex.Entry, _ time: Timestamp) -> Match? {
        guard let source = sources[entry.evidence], let offset = offset(of: entry.evidence) else { return nil }
        let moment = time.advanced(by: -offset.nanoseconds).nanoseconds
        let reach = reach(source)
        guard moment >= entry.first - reach, moment <= entry.last + reach else { return nil }
        return Match(
            index: index, entry: entry, evidence: source.evidence,
            time: Timestamp(nanoseconds: min(max(moment, entry.first), entry.last)))
    }

    /// Of a packet that went an unknown way, its process is the sender only where the source is its machine's.
    private func mayHaveSent(_ packet: IPPacket, _ match: Match) -> Bool {
        if locals[match.evidence.machine]?.contains(packet.source) == true { return true }
        return sources[match.entry.evidence]?.common?.contains(packet.source) == true
    }

    private mutating func flowVerdict(_ matches: [Match], _ packet: PacketRecord) -> Verdict {
        for match in matches { index.countMatch(match.index) }
        guard let first = matches.first, matches.allSatisfy({ $0.entry.pid ?? 0 != 0 }) else {
            return .unknown(.foreign(.namesNobody(place(matches.first { $0.entry.pid ?? 0 == 0 }))))
        }
        let method: Verdict.Method = matches.allSatisfy { $0.entry.mark != nil } ? .packet : .flow
        let owners = Set(matches.map(owner))
        guard owners.count == 1 else {
            return ambiguous(matches, method: method, reason: .severalFlows(count: owners.count))
        }
        let records = matches.reduce(0) { $0 + $1.entry.records }
        let reason: ForeignReason
        var confidence = Verdict.Confidence.possible
        if first.evidence.trust < .stated || !matches.contains(where: \.entry.isSend) {
            reason = .running(place(first))
        } else if matches.allSatisfy({ $0.entry.identity.length == nil }) {
            reason = .sameFlowWithoutLength(place(first))
        } else if wasDropped(around: packet.time) {
            reason = .sameFlowNotHeld(place(first))
        } else {
            confidence = .probable
            reason = .sameFlow(place(first), records: records, holdsPacket: method == .packet)
        }
        return Verdict(
            kind: .process, confidence: confidence, method: method, reason: .foreign(reason), sender: sender(matches))
    }

    // MARK: Ports and length

    /// Records between other addresses: those of a capture or of a trace may have been replaced, or translated.
    private mutating func portsVerdict(_ packet: PacketRecord, _ identity: TrafficIdentity) -> Verdict? {
        // Ports that everybody uses tell nobody apart.
        guard identity.transport == .udp, max(identity.sourcePort, identity.destinationPort) >= 1024,
            identity.sourcePort != identity.destinationPort
        else { return nil }
        var matches: [Match] = []
        let isWhole = index.withPorts(of: identity) { index, entry in
            guard entry.matches == 0 || entry.records > 1, entry.isSend, entry.mark == nil,
                entry.identity.source.version == identity.source.version,
                let match = match(index, entry, packet.time), match.evidence.trust >= .stated
            else { return }
            let isFromHere = locals[match.evidence.machine]?.contains(identity.source) == true
            guard isFromHere || entry.identity.destination == identity.destination else { return }
            matches.append(match)
        }
        guard !matches.isEmpty, matches.allSatisfy({ $0.entry.pid ?? 0 != 0 }) else { return nil }
        guard isWhole else { return .unknown(.tooManyEqualRecords) }
        matches.sort { ($0.time, $0.entry.pid ?? 0) < ($1.time, $1.entry.pid ?? 0) }
        let owners = Set(matches.map(owner))
        for match in matches { index.countPortsMatch(match.index) }
        guard owners.count == 1, let first = matches.first else {
            return ambiguous(matches, method: .ports, reason: .severalPorts(count: owners.count))
        }
        let reason = ForeignReason.portsOnly(
            place(first), from: first.entry.identity.source, to: first.entry.identity.destination)
        return Verdict(
            kind: .process, confidence: .possible, method: .ports, reason: .foreign(reason), sender: sender(matches))
    }

    // MARK: Nothing

    private func absence(_ packet: PacketRecord) -> Reason {
        var reason = Reason.foreign(.noSends)
        if packet.ip.transport != .udp, sources.values.contains(where: { $0.sends > 0 }),
            !sources.values.contains(where: \.holdsICMP)
        {
            return .foreign(.noICMP)
        }
        for (number, source) in sources.sorted(by: { $0.key < $1.key }) where source.sends > 0 {
            if case .failed(let failure) = source.clock {
                if case .foreign(.noSends) = reason { reason = .foreign(failure) }
                continue
            }
            guard let offset = offset(of: number) else { continue }
            let first = source.first.advanced(by: offset.nanoseconds)
            let last = source.last.advanced(by: offset.nanoseconds)
            guard packet.time < first.advanced(by: -reach(source)) || packet.time > last.advanced(by: reach(source))
            else { return wasDropped(around: packet.time) ? .recordsLetGo : .nothingMatches }
            if case .foreign(.outsideTrace) = reason { continue }
            reason = .foreign(.outsideTrace(first: first, last: last))
        }
        return reason
    }

    private func wasDropped(around time: Timestamp) -> Bool {
        index.dropped.contains { number, lost in
            guard let source = sources[number], let offset = offset(of: number) else { return false }
            let moment = time.advanced(by: -offset.nanoseconds).nanoseconds
            return moment >= lost.first - reach(source) && moment <= lost.last + reach(source)
        }
    }

    // MARK: Pieces

    private func owner(_ match: Match) -> Owner { Owner(machine: match.evidence.machine, pid: match.entry.pid ?? 0) }

    private func place(_ match: Match?) -> ForeignReason.Place {
        guard let match else { return ForeignReason.Place(file: "the evidence", position: 0, isText: true) }
        return place(match.entry.position, evidence: match.entry.evidence)
    }

    func place(_ position: UInt64, evidence number: UInt16) -> ForeignReason.Place {
        let evidence = sources[number]?.evidence
        return ForeignReason.Place(
            file: evidence?.file ?? "the evidence", position: position, isText: evidence?.isText ?? true)
    }

    private func sender(_ matches: [Match]) -> Sender? {
        guard let first = matches.first, let pid = first.entry.pid else { return nil }
        let thread = matches.allSatisfy { $0.entry.thread == first.entry.thread } ? first.entry.thread : nil
        return Sender(pid: pid, thread: thread ?? 0, host: first.evidence.machine, time: first.time)
    }

    private func ambiguous(_ matches: [Match], method: Verdict.Method, reason: ForeignReason) -> Verdict {
        var seen = Set<Owner>()
        var candidates: [Candidate] = []
        for match in matches where candidates.count < 16 && seen.insert(owner(match)).inserted {
            guard let sender = sender([match]) else { continue }
            let identity = match.entry.identity
            let reason: ForeignReason =
                method == .ports
                ? .portsOnly(place(match), from: identity.source, to: identity.destination)
                : match.evidence.trust < .stated
                    ? .running(place(match))
                    : .sameFlow(place(match), records: match.entry.records, holdsPacket: match.entry.mark != nil)
            candidates.append(Candidate(sender: sender, reason: .foreign(reason)))
        }
        return Verdict(
            kind: .process, confidence: .ambiguous, method: method, reason: .foreign(reason), candidates: candidates)
    }
}

extension Sender {
    /// A sender that other tools' evidence names: who it is beyond its id is looked up by the record's time.
    init(pid: UInt32, started: Timestamp? = nil, thread: UInt32 = 0, host: UInt16, time: Timestamp) {
        process = ProcessKey(pid: pid, startTime: UInt64(max(started?.nanoseconds ?? 0, 0)))
        imageVersion = 0
        self.thread = thread
        threadName = .empty
        user = nil
        group = nil
        cgroup = 0
        self.host = host
        machine = host
        self.time = time
    }
}
