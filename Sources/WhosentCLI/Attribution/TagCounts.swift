import Capture
import Classification
import Correlation
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
    }

    private(set) var classifier: Classifier
    private(set) var table = SummaryTable()
    private var counts = RunSummary()
    private var reported: UInt64 = 0
    private var packets = PacketCounts()
    private(set) var cutHeaders: UInt64 = 0
    private var waiting: OpenPackets<Waiting>
    private var latest = Timestamp.distantPast

    init(classifier: Classifier, waitingLimit: Int) {
        self.classifier = classifier
        waiting = OpenPackets(limit: waitingLimit)
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
            let room = min(UInt64(frames.count - start), waiting.nextNumber - reported)
            index = classifier.pass(frames, in: start..<start + Int(room), until: waiting.nextDeadline)
            if index > start {
                let passed = table.countUnattributed(frames, in: start..<index)
                reported += passed
                packets.count(.unknown, times: passed)
            } else {
                add(frames[start], start, of: batch)
                index += 1
            }
            for taken in start..<index { latest = max(latest, frames[taken].time) }
            while let packet = waiting.popDue(at: latest, reported) { resolve(packet) }
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
        while let packet = waiting.popDue(at: latest, reported, isLast: true) { resolve(packet) }
        if let loss = classifier.takeLetGo() { counts.lost[loss.kind] = loss.count }
    }

    /// The counts so far.
    var summary: RunSummary {
        var result = counts
        packets.add(to: &result)
        result.distinctPackets = reported > 0 ? reported : nil
        return result
    }

    private mutating func add(
        _ destination: SummaryTable.Destination?, at time: Timestamp, _ decision: TagDecision
    ) {
        reported += 1
        switch decision {
        case .none: count(nil, destination, at: time)
        case .final(let tag): count(tag, destination, at: time)
        case .pending(let tag):
            waiting.append(
                Waiting(tag: tag, time: time, destination: destination), until: tag.deadline, number: reported)
        }
    }

    private mutating func resolve(_ packet: Waiting) {
        count(classifier.resolve(packet.tag), packet.destination, at: packet.time)
    }

    private mutating func count(_ tag: Tag?, _ destination: SummaryTable.Destination?, at time: Timestamp) {
        packets.count(.unknown, tag)
        table.countUnattributed(destination, at: time, tag: tag)
    }
}
