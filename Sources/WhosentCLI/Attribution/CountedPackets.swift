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

    /// The packet that was read last, until it is judged.
    fileprivate var current: (packet: PacketRecord, passesFilters: UInt64, tag: TagDecision)?
    fileprivate var late = Deque<Late>()
    fileprivate var reported: UInt64 = 0

    /// Takes the packet that was read.
    mutating func hold(_ packet: PacketRecord, passesFilters: UInt64, tag: TagDecision) {
        current = (packet, passesFilters, tag)
    }
}

extension Attribution {
    /// Counts what nothing can change any more. Of so many packets as may wait elsewhere, those that would have to leave
    /// there with what is known are counted here too: both ways of running say the same.
    mutating func count(ended: Bool, into output: inout some AttributionOutput) {
        if let (packet, passesFilters, tag) = counted?.current {
            counted?.current = nil
            count(packet, passesFilters, tag, into: &output)
        }
        countLetGo()
        while let late = counted?.late.first,
            ended || captureTime > late.deadline
                || (counted?.reported ?? 0) - late.number >= UInt64(Self.waitingLimit)
        {
            counted?.late.removeFirst()
            count(late, in: &output)
        }
    }

    private mutating func count(
        _ packet: PacketRecord, _ passesFilters: UInt64, _ tag: TagDecision, into output: inout some AttributionOutput
    ) {
        let verdict = verdict(on: packet, passesFilters: passesFilters)
        if sightings.isFirstSighting(packet) { summary.distinctPackets = (summary.distinctPackets ?? 0) + 1 }
        summary.captured += 1
        let number = (counted?.reported ?? 0) + 1
        counted?.reported = number
        var deadline = Timestamp.distantPast
        if verdict.tunnel != nil { deadline = packet.time.advanced(by: Correlator.tunnelLookahead) }
        if case .pending(let pending) = tag { deadline = max(deadline, pending.deadline) }
        if deadline == .distantPast {
            var settled: Tag?
            if case .final(let tag) = tag { settled = tag }
            return count(packet, verdict, settled, in: &output)
        }
        counted?.late.append(
            CountedPackets.Late(
                packet: packet, verdict: verdict, tag: tag, deadline: deadline, number: number))
    }

    private mutating func count(_ late: CountedPackets.Late, in output: inout some AttributionOutput) {
        var verdict = late.verdict
        correlator.addHolders(to: &verdict, at: late.packet.time)
        count(late.packet, verdict, tag(of: late.tag), in: &output)
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
        summary.count(verdict, tag: tag)
        output.count(packet, verdict, tag: tag) { report(packet, verdict: verdict, tag: tag) }
    }
}
