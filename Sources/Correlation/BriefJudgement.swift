public import Records

/// What a packet is looked up by, or its record added, made once and ahead of its turn.
public struct PacketLookup: Sendable {
    let hashes: PacketKey.Hashes
    /// It is not partial.
    let isWhole: Bool
    /// Its identification tells it apart.
    let isDistinctive: Bool

    @inline(__always)
    init(_ packet: IPPacket, _ key: PacketKey) {
        hashes = key.hashes(packet)
        isWhole = !packet.isPartial
        isDistinctive = packet.isDistinctive
    }
}

/// Makes look-ups. It asks nothing of the records, and so can be used on another thread than the correlator.
public struct LookupMaker: Sendable {
    let key: PacketKey

    /// The look-up of the packet at a place in a list; handed over by itself it would be copied.
    public func lookup(_ packets: Span<PacketRecord>, _ index: Int) -> PacketLookup {
        PacketLookup(packets[index].ip, key)
    }
}

/// What whoever counts packets has to know of most of them.
public enum BriefVerdict: Sendable {
    /// One process sent it, which is certain (``Verdict/Confidence/exact``). The record that says so stays what it is until
    /// the next one is added.
    case sent(record: Int)
    /// Nobody here sent it (``Verdict/Kind/received``), and no tunnel device is in between.
    case received(Verdict.Confidence)
    /// It cannot be said so briefly: the verdict is the last one of the list.
    case full
}

extension Correlator {
    /// Makes the look-ups of packets that are to be judged here.
    public var lookupMaker: LookupMaker { LookupMaker(key: key) }

    /// Reads what look-ups begin with: so they wait for memory together and not one after the other.
    ///
    /// - Returns: a figure of no meaning, to be kept somewhere: what nobody uses the compiler leaves out.
    public func touch(_ lookups: Span<PacketLookup>) -> UInt32 {
        var sum: UInt32 = 0
        for index in lookups.indices { sum &+= sends.touch(lookups[index].hashes) }
        return sum
    }

    /// Makes the look-ups of records that are soon to be added, and reads what their adding begins with.
    ///
    /// - Parameter lookups: the records' are added.
    /// - Returns: a figure as ``touch(_:)`` returns.
    public func prepare(_ records: Span<SendRecord>, into lookups: inout [PacketLookup]) -> UInt32 {
        for index in records.indices { lookups.append(PacketLookup(records[index].packet, key)) }
        var sum: UInt32 = 0
        for lookup in lookups { sum &+= sends.touchHead(lookup.hashes) }
        return sum
    }

    /// Decides who sent a packet, as ``judge(_:passesFilters:seenHere:)`` does, and says it in short where that will do.
    ///
    /// - Parameters:
    ///   - index: the packet's place in `packets`; handed over by itself it would be copied.
    ///   - lookup: the packet's, of ``lookupMaker``.
    ///   - verdicts: a verdict that cannot be said in short is added.
    public mutating func judgeBriefly(
        _ packets: Span<PacketRecord>, _ index: Int, _ lookup: PacketLookup, passesFilters: UInt64 = .max,
        seenHere: Bool = false, _ verdicts: inout [Verdict]
    ) -> BriefVerdict {
        guard flows == nil, lookup.isWhole else {
            return judgeAtLength(packets, index, nil, passesFilters: passesFilters, seenHere: seenHere, &verdicts)
        }
        let time = packets[index].time
        var glance: Glance?
        switch sends.only(
            lookup.hashes, from: time.advanced(by: -window.lookback), to: time.advanced(by: window.lookahead))
        {
        case .slot(let record):
            // Without losses nothing casts doubt on the only record of a packet that its identification tells apart.
            if lookup.isDistinctive, losses.isEmpty, isCertain(record, packets, index), !kernel.mayHold(lookup.hashes),
                sends.claim(record, at: Place(packets, index))
            {
                return .sent(record: record)
            }
        case .none where !sends.hasPartialRecords: glance = .nothing
        case .none, .unclear: break
        }
        return judgeAtLength(packets, index, glance, passesFilters: passesFilters, seenHere: seenHere, &verdicts)
    }

    /// The record was made in time by the sender itself, and of a packet that equals this distinctive one in all that tells
    /// packets apart.
    @inline(__always)
    private func isCertain(_ record: Int, _ packets: Span<PacketRecord>, _ index: Int) -> Bool {
        let latest = packets[index].time.advanced(by: window.ahead(packets[index].direction))
        guard sends.isOf(packets, index, record, by: latest) else { return false }
        return sends[record].origin.proof == .verified
    }

    @inline(never)
    private mutating func judgeAtLength(
        _ packets: Span<PacketRecord>, _ index: Int, _ glance: Glance?, passesFilters: UInt64, seenHere: Bool,
        _ verdicts: inout [Verdict]
    ) -> BriefVerdict {
        let packet = packets[index]
        let verdict = judge(
            packet, glance ?? self.glance(packet, key.hashes(packet.ip)), passesFilters: passesFilters,
            seenHere: seenHere)
        if verdict.kind == .received, verdict.tunnel == nil { return .received(verdict.confidence) }
        verdicts.append(verdict)
        return .full
    }

    /// The sender by a packet's record.
    public func sender(ofRecord record: Int) -> Sender { sends[record].origin.sender }

    /// A verdict of which ``BriefVerdict/sent(record:)`` is the short form.
    public func verdict(_ packet: PacketRecord, sentBy record: Int) -> Verdict {
        verdict(packet, ofSole: match(record, packet, .complete))
    }
}
