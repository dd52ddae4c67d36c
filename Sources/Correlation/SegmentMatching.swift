import Records

// Segments of UDP_SEGMENT batches, of which no record holds more than the first one's bytes: what has to be known of their flow
// before they name anybody.

extension Correlator {
    /// What is known of a segment fits whatever anybody sends on its flow in batches of that size: nothing may be missing.
    func segmentDoubt(_ packet: PacketRecord, _ nearest: SendMatches.Match) -> Reason? {
        if isArrival(packet), nearest.delay > window.arrivalLookback {
            return .resemblesEarlier(delay: nearest.delay)
        }
        if let gap = absence.gap(packet, of: nearest.host) { return gap }
        let since = packet.time.advanced(by: -window.lookback)
        let lost = lostSends(packet, since: since)
        if lost > 0 { return .evidenceLost(count: lost) }
        if sends.horizon >= since, !ownsFlow(packet, nearest) { return .recordsLetGo }
        if let name = absence.onlyInterface(of: nearest.host),
            packet.egressIndex != sends[nearest.slot].origin.interface
        {
            return .outsideInterface(name)
        }
        return nil
    }

    func ownsFlow(_ packet: PacketRecord, _ match: SendMatches.Match) -> Bool {
        guard let sole = soleSender(packet, key.flow(packet.ip, key.hashes(packet.ip))) else { return false }
        return sole.image == SenderImage(owner: match.owner, image: match.image)
    }

    /// All records that were not compared are then of the same process.
    func isSegmentOfOwnFlow(_ packet: PacketRecord, _ match: SendMatches.Match) -> Bool {
        guard case .segment = match.comparison else { return false }
        return ownsFlow(packet, match)
    }

    private func lostSends(_ packet: PacketRecord, since: Timestamp) -> UInt64 {
        losses.isEmpty
            ? 0 : losses.count([.send, .table], from: since, to: packet.time.advanced(by: window.lookahead))
    }

    /// A program of a process, where no record of the flow in the packet's window is anybody else's, and none is missing.
    struct SoleSender {
        let image: SenderImage
        /// Nil where it was several threads.
        let thread: UInt32?

        func `is`(_ match: SendMatches.Match) -> Bool {
            match.owner == image.owner && match.image == image.image && (thread == nil || match.thread == thread)
        }
    }

    func soleSender(_ packet: PacketRecord, _ hash: UInt64) -> SoleSender? {
        let since = packet.time.advanced(by: -window.lookback)
        guard let flows, let entry = flows.entry(for: packet.ip, hash: hash), entry.othersLast < since,
            !flows.mayHaveForgotten(hash: hash, since: since), lostSends(packet, since: since) == 0
        else { return nil }
        return SoleSender(image: entry.owner, thread: entry.otherThreadsLast < since ? entry.thread : nil)
    }

    /// A router may cut a segment into fragments, whose identification lies in its batch's range and may be that of another
    /// packet's record. Once there are batches, the first fragment speaks for the later ones: it has ports.
    func verdictOfSegmentPart(_ packet: PacketRecord) -> Verdict? {
        guard mayBeSegmentPart(packet.ip),
            fragments.hasFirst(of: packet.ip, at: packet.time, within: Self.fragmentWindow)
        else { return nil }
        return fragmentVerdict(packet) ?? .unknown(.nothingMatches)
    }

    /// A later IPv4 fragment, where batches were sent in segments.
    func mayBeSegmentPart(_ packet: IPPacket) -> Bool {
        flows != nil && packet.fragmentOffset > 0 && packet.version == .v4
    }
}
