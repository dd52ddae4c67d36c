import Capture
import Classification
import Correlation
import PacketDecoding
import Records
import Reporting

/// The packets of a run over files of which nothing but counts is wanted: each is judged as soon as the records it needs
/// are read, and only those stay whose tag or tunnel is still open.
///
/// A few at a time take each step together, so that their look-ups wait for memory at once and not one after the other.
struct CountedPackets {
    /// So few that they stay in the processor's first cache.
    private static let batch = 64

    /// A packet that is judged and whose counting has to wait.
    struct Late {
        let packet: PacketRecord
        let verdict: Verdict
        let tag: TagDecision
    }

    /// Packets are counted so at all.
    var isOn = false
    /// Packets that were read, and how many of them are judged.
    fileprivate var packets: [PacketRecord] = []
    fileprivate var passesFilters: [UInt64] = []
    fileprivate var tags: [TagDecision] = []
    fileprivate var verdicts: [Verdict] = []
    /// See ``Correlation/Correlator/touch(_:)``.
    fileprivate var touched: UInt32 = 0
    private(set) var reported: UInt64 = 0
    fileprivate var late = OpenPackets<Late>(limit: Attribution.waitingLimit)

    /// There is no room for another packet. Where one that waits has to leave for want of room elsewhere, that is the last
    /// packet before.
    var isFull: Bool { room == 0 }
    /// For how many more packets there is room.
    var room: Int {
        reported >= late.nextNumber ? 0 : min(Self.batch - packets.count, Int(clamping: late.nextNumber - reported))
    }
    /// The time of the next packet to judge; nil where all are.
    var nextTime: Timestamp? { verdicts.count < packets.count ? packets[verdicts.count].time : nil }

    /// Takes a packet that was read, unless ``isFull``.
    mutating func hold(_ packet: PacketRecord, passesFilters: UInt64, tag: TagDecision) {
        packets.append(packet)
        self.passesFilters.append(passesFilters)
        tags.append(tag)
        reported += 1
    }

    fileprivate mutating func removeAll() {
        packets.removeAll(keepingCapacity: true)
        passesFilters.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
    }
}

extension Attribution {
    /// Takes frames of the run's only capture from `start` on, as long as there is room for their packets. Most need not be
    /// decoded for the classifier, which has been told to expect them, and TCP not at all.
    ///
    /// - Returns: the end of those that were taken.
    mutating func add(_ batch: FrameBatch, from start: Int) -> Int {
        let frames = batch.frames
        let passed = classifier.pass(frames, in: start..<min(start + counted.room, frames.count), until: .distantFuture)
        for index in start..<passed {
            if frames[index].glance?.transport == .tcp {
                captureTime = max(captureTime, frames[index].time)
                summary.captured += 1
            } else {
                add(batch, index, tag: TagDecision.none)
            }
        }
        guard passed < frames.count, !counted.isFull else { return passed }
        let seen = Sighting(time: frames[passed].time, frame: batch.frameNumber(passed))
        add(batch, passed, tag: frames[passed].glance.flatMap { classifier.observe($0, at: seen) })
        return passed + 1
    }

    private mutating func add(_ batch: FrameBatch, _ index: Int, tag: TagDecision?) {
        batch.withFrame(index) { frame, bytes in
            add(frame, bytes: bytes, capture: 0, interface: 0, filters: nil, tag: tag)
        }
    }

    /// To be called before the packets that are held are judged.
    mutating func prepareToJudge() { counted.touched &+= correlator.touch(counted.packets.span) }

    /// Judges the next packet that is held; its records have been added.
    mutating func judgeNext() {
        let index = counted.verdicts.count
        let packet = counted.packets[index]
        counted.verdicts.append(verdict(on: packet, passesFilters: counted.passesFilters[index]))
    }

    /// Counts the packets that are judged, and those before them that nothing can change any more.
    mutating func countJudged(isLast: Bool = false, into output: inout some AttributionOutput) {
        countLetGo()
        summary.captured += UInt64(counted.verdicts.count)
        for index in counted.verdicts.indices where sightings.isFirstSighting(counted.packets[index]) { distinct += 1 }
        let first = counted.reported - UInt64(counted.verdicts.count)
        for index in counted.verdicts.indices {
            let packet = counted.packets[index]
            let verdict = counted.verdicts[index]
            var deadline = Timestamp.distantPast
            if verdict.tunnel != nil { deadline = packet.time.advanced(by: Correlator.tunnelLookahead) }
            switch counted.tags[index] {
            case .none where deadline == .distantPast: count(packet, verdict, nil, in: &output)
            case .final(let tag) where deadline == .distantPast: count(packet, verdict, tag, in: &output)
            case .pending(let pending):
                deadline = max(deadline, pending.deadline)
                fallthrough
            default:
                counted.late.append(
                    CountedPackets.Late(packet: packet, verdict: verdict, tag: counted.tags[index]), until: deadline,
                    number: first + UInt64(index) + 1)
            }
        }
        counted.removeAll()
        while let packet = counted.late.popDue(at: captureTime, counted.reported, isLast: isLast) {
            var verdict = packet.verdict
            correlator.addHolders(to: &verdict, at: packet.packet.time)
            count(packet.packet, verdict, tag(of: packet.tag), in: &output)
        }
    }

    /// Counts a packet of which nothing else is wanted.
    mutating func count(
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
        packetCounts.count(verdict.kind, tag)
        output.count(packet, verdict, tag: tag) { report(packet, verdict: verdict, tag: tag) }
    }
}
