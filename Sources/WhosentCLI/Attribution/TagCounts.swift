import Capture
import Classification
import Correlation
import DequeModule
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
    private(set) var format: any ReportFormat
    private var counts = RunSummary()
    private var reported: UInt64 = 0
    private var tagged: [String: UInt64] = [:]
    private var lastTag: (name: String, count: UInt64) = ("", 0)
    private(set) var cutHeaders: UInt64 = 0
    private var waiting = Deque<Waiting>()
    private let waitingLimit: UInt64
    private var latest = Timestamp.distantPast

    init(classifier: Classifier, format: any ReportFormat, waitingLimit: Int) {
        self.classifier = classifier
        self.format = format
        self.waitingLimit = UInt64(waitingLimit)
    }

    /// Takes the next frame with its bytes from the transport header on.
    mutating func add(_ frame: ScannedFrame, _ transport: RawSpan) {
        counts.captured += 1
        latest = max(latest, frame.time)
        if let ip = frame.ip {
            let packet = PacketRecord(time: frame.time, frame: frame.frame, ip: ip)
            let tag = classifier.observe(packet, transport: transport)
            if ip.isReported { add(packet, tag) }
        } else if frame.isCutInNetworkHeader {
            cutHeaders += 1
        }
        settle()
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

    private mutating func add(_ packet: PacketRecord, _ decision: TagDecision) {
        reported += 1
        let destination = SummaryTable.Destination(packet.ip)
        switch decision {
        case .none: format.countUnattributed(destination, at: packet.time, tag: nil)
        case .final(let tag): count(tag, destination, at: packet.time)
        case .pending(let tag):
            waiting.append(Waiting(tag: tag, time: packet.time, destination: destination, number: reported))
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
        format.countUnattributed(destination, at: time, tag: tag)
    }
}
