import Records

extension ForeignMatching {
    /// A process that may send the pings between two addresses.
    private struct Suspect {
        var life: ProcessLife
        var owner: DirectoryConnections.Owner
        var machine: UInt16
        var support: [PingReason.Support]
        var sender: Sender
    }

    /// How far a process's end and its last ping, or its start and its first, may lie apart at most.
    private static let returnPatience: Int64 = 300_000_000_000

    /// Who may have sent a one-byte ping: the owners of connections to the same server. Nil where there are none.
    func pingVerdict(
        _ packet: PacketRecord, lives: (_ machine: UInt16, _ pid: UInt32) -> [ProcessLife]
    ) -> Verdict? {
        let pair = PingSeries.Pair(source: packet.ip.source, destination: packet.ip.destination)
        var suspects: [Suspect] = []
        for machine in Set(sources.values.map(\.evidence.machine)).sorted() {
            for owner in connections.owners(of: pair, machine: machine) {
                let known = lives(machine, owner.pid)
                let possible = known.isEmpty ? [ProcessLife(pid: owner.pid)] : known
                suspects += possible.compactMap { suspect($0, owner, machine, pair, packet.time) }
            }
        }
        guard !suspects.isEmpty else { return nil }
        return verdict(suspects.sorted { $0.life.pid < $1.life.pid })
    }

    private func verdict(_ suspects: [Suspect]) -> Verdict {
        let candidates = suspects.prefix(16).map { Candidate(sender: $0.sender, reason: reason($0)) }
        // That the pings stopped with one process and not with the others tells them apart.
        let supported = suspects.filter { !$0.support.isEmpty }
        if let only = supported.count == 1 ? supported.first : suspects.count == 1 ? suspects.first : nil {
            return Verdict(
                kind: .process, confidence: only.support.isEmpty ? .possible : .probable, method: .inferred,
                reason: reason(only), sender: only.sender, candidates: candidates)
        }
        return Verdict(
            kind: .process, confidence: .ambiguous, method: .inferred,
            reason: .foreign(.ping(.several(count: suspects.count))), candidates: candidates)
    }

    private func reason(_ suspect: Suspect) -> Reason {
        .foreign(
            .ping(
                .owner(
                    port: suspect.owner.port, place(suspect.owner.position, evidence: suspect.owner.evidence),
                    suspect.support)))
    }

    /// A life of a connection's owner, unless it cannot have been this one's.
    private func suspect(
        _ life: ProcessLife, _ owner: DirectoryConnections.Owner, _ machine: UInt16, _ pair: PingSeries.Pair,
        _ time: Timestamp
    ) -> Suspect? {
        // The id may have been given to another process since.
        if let started = life.started, let last = owner.last, last < started { return nil }
        if let ended = life.ended, let first = owner.first, first > ended { return nil }
        var moment = owner.first ?? life.started ?? time
        var support: [PingReason.Support] = []
        if let offset = offset(ofMachine: machine) {
            let slack = 1_000_000_000 + (offset.spread ?? 0)
            let now = time.advanced(by: -offset.nanoseconds)
            if let started = life.started, now < started.advanced(by: -slack) { return nil }
            if let ended = life.ended, now > ended.advanced(by: slack) { return nil }
            if let vanished = life.vanished, now > vanished.missing.advanced(by: slack) { return nil }
            moment = min(max(now, life.started ?? now), life.ended ?? now)
            support = self.support(life, pair, offset: offset.nanoseconds, slack: slack)
        }
        return Suspect(
            life: life, owner: owner, machine: machine, support: support,
            sender: Sender(pid: life.pid, started: life.started, host: machine, time: moment))
    }

    private func support(
        _ life: ProcessLife, _ pair: PingSeries.Pair, offset: Int64, slack: Int64
    ) -> [PingReason.Support] {
        let close = slack + 5 * (pings.usualInterval(of: pair) ?? 0)
        var support: [PingReason.Support] = []
        if let start = life.started?.advanced(by: offset),
            let silence = pings.silence(of: pair, around: start, slack: slack), let first = silence.nextPing,
            silence.lastPing.map({ $0 < start }) ?? true, first >= start.advanced(by: -slack),
            first.since(start) <= Self.returnPatience
        {
            support.append(.started(start, firstPing: first))
        }
        if let end = life.ended?.advanced(by: offset) {
            if let silence = pings.silence(of: pair, around: end, slack: slack), let last = silence.lastPing,
                end.since(last) <= close, let until = silence.nextPing ?? pings.end
            {
                support.append(
                    .ended(end, lastPing: last, silentUntil: until, pingsReturn: silence.nextPing != nil))
            }
        } else if let vanished = life.vanished {
            let (listed, missing) = (vanished.listed.advanced(by: offset), vanished.missing.advanced(by: offset))
            if let silence = pings.silence(of: pair, around: missing, slack: 0), let last = silence.lastPing,
                last >= listed, last <= missing
            {
                support.append(.gone(listed: listed, missing: missing, lastPing: last))
            }
        }
        return support
    }
}
