import Classification
import Correlation
import DequeModule
import Records
import Reporting

/// The packets of a run over files of which nothing but counts is wanted: each is judged as soon as it was read, since the
/// records it needs are read first, and only those stay whose tag or tunnel is still open.
struct CountedPackets {
    /// A packet that is judged and whose counting has to wait.
    struct Late {
        let packet: PacketRecord
        let verdict: Verdict
        let tag: TagDecision
        /// The last moment of capture time that has a say.
        let deadline: Timestamp
        /// How many reported packets there were with this one.
        let number: UInt64
    }

    /// Packets are counted so at all.
    var isOn = false
    /// The packet that was read last, until it is judged.
    fileprivate var packet: PacketRecord?
    fileprivate var passesFilters = UInt64.max
    fileprivate var tag = TagDecision.none
    private(set) var reported: UInt64 = 0
    private var verdicts = [UInt64](repeating: 0, count: Verdict.Kind.allCases.count)
    private var tags: [String: UInt64] = [:]
    private var lastTag: (name: String, count: UInt64) = ("", 0)
    private var late = Deque<Late>()
    /// Of the first of ``late``.
    private var nextDeadline = Timestamp.distantFuture
    private var nextNumber = UInt64.max

    /// There is a packet to judge.
    var hasPacket: Bool { packet != nil }

    /// Takes the packet that was read.
    mutating func hold(_ packet: PacketRecord, passesFilters: UInt64, tag: TagDecision) {
        self.packet = packet
        self.passesFilters = passesFilters
        self.tag = tag
        reported += 1
    }

    fileprivate mutating func append(_ packet: Late) {
        late.append(packet)
        if late.count == 1 { noteNext() }
    }

    /// The next packet that is to be counted now. Of so many packets as may wait elsewhere, those that would have to leave
    /// there with what is known are counted here too: both ways of running say the same.
    fileprivate mutating func popDue(_ time: Timestamp, isLast: Bool) -> Late? {
        guard isLast || time > nextDeadline || reported >= nextNumber, let packet = late.popFirst() else { return nil }
        noteNext()
        return packet
    }

    private mutating func noteNext() {
        nextDeadline = late.first?.deadline ?? .distantFuture
        nextNumber = late.first.map { $0.number + UInt64(Attribution.waitingLimit) } ?? .max
    }

    fileprivate mutating func count(_ kind: Verdict.Kind, _ tag: Tag?) {
        verdicts[Int(kind.rawValue)] += 1
        guard let tag else { return }
        if lastTag.name != tag.name {
            if lastTag.count > 0 { tags[lastTag.name, default: 0] += lastTag.count }
            lastTag = (tag.name, 0)
        }
        lastTag.count += 1
    }

    /// Adds what was counted to a summary.
    func add(to summary: inout RunSummary) {
        for (kind, count) in zip(Verdict.Kind.allCases, verdicts) where count > 0 {
            summary.verdicts[kind, default: 0] += count
            summary.packets += count
            summary.captured += count
        }
        for (name, count) in tags { summary.tags[name, default: 0] += count }
        if lastTag.count > 0 { summary.tags[lastTag.name, default: 0] += lastTag.count }
    }
}

extension Attribution {
    /// Counts what nothing can change any more.
    mutating func count(ended: Bool, into output: inout some AttributionOutput) {
        if counted.hasPacket { judge(into: &output) }
        while let packet = counted.popDue(captureTime, isLast: ended) {
            var verdict = packet.verdict
            correlator.addHolders(to: &verdict, at: packet.packet.time)
            count(packet.packet, verdict, tag(of: packet.tag), in: &output)
        }
    }

    private mutating func judge(into output: inout some AttributionOutput) {
        guard let packet = counted.packet else { return }
        counted.packet = nil
        let verdict = verdict(on: packet, passesFilters: counted.passesFilters)
        countLetGo()
        if sightings.isFirstSighting(packet) { distinct += 1 }
        var deadline = Timestamp.distantPast
        if verdict.tunnel != nil { deadline = packet.time.advanced(by: Correlator.tunnelLookahead) }
        switch counted.tag {
        case .none where deadline == .distantPast: count(packet, verdict, nil, in: &output)
        case .final(let tag) where deadline == .distantPast: count(packet, verdict, tag, in: &output)
        case .pending(let pending):
            deadline = max(deadline, pending.deadline)
            fallthrough
        default:
            counted.append(
                CountedPackets.Late(
                    packet: packet, verdict: verdict, tag: counted.tag, deadline: deadline, number: counted.reported))
        }
    }

    private mutating func count(
        _ packet: PacketRecord, _ verdict: Verdict, _ formTag: Tag?, in output: inout some AttributionOutput
    ) {
        var tag = formTag
        if let sender = verdict.sender {
            if formTag?.confidence == .shape {
                // The sender's name has a say in the tag.
                if let name = description(of: sender).name { tag = formTag?.considering(processName: name) }
            } else {
                processes.use(sender)
            }
        }
        counted.count(verdict.kind, tag)
        output.count(packet, verdict, tag: tag) { report(packet, verdict: verdict, tag: tag) }
    }
}
