import Capture
import Classification
import Correlation
import DequeModule
import PacketDecoding
import Records
import Reporting

/// Counts the packets of one capture by their tags: all that a summary without evidence says.
///
/// The counts are those of ``Attribution``, which keeps every packet until its verdict and its tag are settled. Here the
/// verdict is known beforehand, and only a packet whose tag is pending waits: as its destination and its time.
struct TagCounts {
    private struct Waiting {
        let tag: PendingTag
        let time: Timestamp
        let destination: SummaryTable.Destination?
        /// How many reported packets there were with this one.
        let number: UInt64
    }

    private(set) var classifier: Classifier
    private(set) var table = SummaryTable()
    private var counts = RunSummary()
    private var reported: UInt64 = 0
    private var tagged: [String: UInt64] = [:]
    private var lastTag: (name: String, count: UInt64) = ("", 0)
    private(set) var cutHeaders: UInt64 = 0
    private var waiting = Deque<Waiting>()
    private let waitingLimit: UInt64
    private var latest = Timestamp.distantPast
    /// Nobody leaves who waits before a packet later than this comes, or one with this number.
    private var nextLeaving = (time: Timestamp.distantFuture, number: UInt64.max)

    init(classifier: Classifier, waitingLimit: Int) {
        self.classifier = classifier
        self.waitingLimit = UInt64(waitingLimit)
    }

    /// Takes the next frames.
    mutating func add(_ batch: FrameBatch) {
        let frames = batch.frames
        counts.captured += UInt64(frames.count)
        classifier.expect(frames)
        var index = 0
        while index < frames.count {
            let start = index
            // Up to the first one that makes another one leave.
            let room = min(UInt64(frames.count - start), nextLeaving.number - reported)
            index = classifier.pass(frames, in: start..<start + Int(room), until: nextLeaving.time)
            if index > start {
                reported += table.countUnattributed(frames, in: start..<index)
            } else {
                add(frames[start], start, of: batch)
                index += 1
            }
            for taken in start..<index { latest = max(latest, frames[taken].time) }
            if latest > nextLeaving.time || reported >= nextLeaving.number { settle() }
        }
    }

    /// Takes a frame that a glance is not enough for.
    private mutating func add(_ frame: GlancedFrame, _ index: Int, of batch: FrameBatch) {
        let seen = Sighting(time: frame.time, frame: batch.frameNumber(index))
        guard let glance = frame.glance, let decision = classifier.observe(glance, at: seen) else {
            return batch.decode(index) { add($0, $1) }
        }
        add(SummaryTable.Destination(glance), at: frame.time, decision)
    }

    private mutating func add(_ frame: ScannedFrame, _ transport: RawSpan) {
        if let ip = frame.ip {
            let packet = PacketRecord(time: frame.time, frame: frame.frame, ip: ip)
            let tag = classifier.observe(packet, transport: transport)
            if ip.isReported { add(SummaryTable.Destination(ip), at: frame.time, tag) }
        } else if frame.isCutInNetworkHeader {
            cutHeaders += 1
        }
    }

    /// Nothing will come any more.
    mutating func end() {
        while let first = waiting.popFirst() { resolve(first) }
        if let loss = classifier.takeLetGo() { counts.lost[loss.kind] = loss.count }
    }

    /// The counts so far.
    var summary: RunSummary {
        var result = counts
        result.packets = reported
        result.distinctPackets = reported > 0 ? reported : nil
        if reported > 0 { result.verdicts[.unknown] = reported }
        result.tags = tagged
        if lastTag.count > 0 { result.tags[lastTag.name, default: 0] += lastTag.count }
        return result
    }

    private mutating func add(
        _ destination: SummaryTable.Destination?, at time: Timestamp, _ decision: TagDecision
    ) {
        reported += 1
        switch decision {
        case .none: table.countUnattributed(destination, at: time, tag: nil)
        case .final(let tag): count(tag, destination, at: time)
        case .pending(let tag):
            waiting.append(Waiting(tag: tag, time: time, destination: destination, number: reported))
            if waiting.count == 1 { scheduleLeaving() }
        }
    }

    /// Asks for the tags that nothing can change any more. Of so many packets as may wait elsewhere, those that would
    /// have to leave there with what is known are asked for here too: both ways of running say the same.
    private mutating func settle() {
        while let first = waiting.first,
            latest > first.tag.deadline || reported - first.number >= waitingLimit
        {
            waiting.removeFirst()
            resolve(first)
        }
        scheduleLeaving()
    }

    private mutating func scheduleLeaving() {
        nextLeaving = waiting.first.map { ($0.tag.deadline, $0.number + waitingLimit) } ?? (.distantFuture, .max)
    }

    private mutating func resolve(_ packet: Waiting) {
        count(classifier.resolve(packet.tag), packet.destination, at: packet.time)
    }

    private mutating func count(_ tag: Tag, _ destination: SummaryTable.Destination?, at time: Timestamp) {
        if lastTag.name != tag.name {
            if lastTag.count > 0 { tagged[lastTag.name, default: 0] += lastTag.count }
            lastTag = (tag.name, 0)
        }
        lastTag.count += 1
        table.countUnattributed(destination, at: time, tag: tag)
    }
}
