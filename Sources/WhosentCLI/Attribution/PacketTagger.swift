import Capture
import Classification
import PacketDecoding
import Records

/// Reads packets out of frames and tags them, for runs that nothing but counts is wanted of.
///
/// It asks nothing of the evidence, and so can go ahead of whoever judges the packets.
struct PacketTagger {
    private(set) var classifier: Classifier
    /// Frames whose IP header the capture cut before its end.
    private(set) var cutHeaders: UInt64 = 0
    private let hasher: PacketHasher
    private var open: OpenPackets<PendingTag>
    private var reported: UInt64 = 0
    private var latest = Timestamp.distantPast

    /// - Parameter waitingLimit: how many packets come at most before a tag has to be settled.
    init(classifier: Classifier, hasher: PacketHasher, waitingLimit: Int) {
        self.classifier = classifier
        self.hasher = hasher
        open = OpenPackets(limit: waitingLimit)
    }

    /// Takes the next frames of the only capture of a run.
    mutating func add(_ batch: FrameBatch, to packets: inout TaggedPackets) {
        let frames = batch.frames
        let firstFrame = batch.frameNumber(0)
        classifier.expect(frames)
        var index = 0
        while index < frames.count {
            let start = index
            // Up to the first one that makes another one's tag settled.
            let room = min(UInt64(frames.count - start), open.nextNumber - reported)
            index = classifier.pass(frames, in: start..<start + Int(room), until: open.nextDeadline)
            for passed in start..<index {
                let seen = Sighting(time: frames[passed].time, frame: firstFrame + UInt64(passed))
                if let glance = frames[passed].glance { take(glance, seen, into: &packets) }
            }
            if index == start {
                addUnusual(index, of: batch, to: &packets)
                index += 1
            }
            settleDue(in: &packets)
        }
        packets.latest = latest
        packets.hash(with: hasher)
    }

    /// Takes a packet that was read elsewhere.
    mutating func add(
        _ packet: PacketRecord, _ decision: TagDecision, passesFilters: UInt64, to packets: inout TaggedPackets
    ) {
        packets.append(packet, passesFilters: passesFilters)
        packets.hash(with: hasher)
        note(decision, packet.time, &packets)
        settleDue(in: &packets)
    }

    /// Observes a packet that was read elsewhere, before it is added.
    mutating func observe(_ packet: PacketRecord, transport: RawSpan) -> TagDecision {
        latest = max(latest, packet.time)
        return classifier.observe(packet, transport: transport)
    }

    /// Nothing will come any more: settles what is open.
    mutating func end(_ packets: inout TaggedPackets) {
        settleDue(in: &packets, isLast: true)
        packets.areLast = true
    }

    /// Takes a packet by a glance at it, which says all that its frame says.
    @inline(__always)
    private mutating func take(_ glance: PacketGlance, _ seen: Sighting, into packets: inout TaggedPackets) {
        if seen.time > latest { latest = seen.time }
        guard glance.transport != .tcp else {
            packets.others += 1
            return
        }
        packets.append(PacketRecord(glance, at: seen))
        reported += 1
    }

    /// Takes a frame that the classifier does not pass by a glance.
    private mutating func addUnusual(_ index: Int, of batch: FrameBatch, to packets: inout TaggedPackets) {
        let time = batch.frames[index].time
        let seen = Sighting(time: time, frame: batch.frameNumber(index))
        if let glance = batch.frames[index].glance, let decision = classifier.observe(glance, at: seen) {
            take(glance, seen, into: &packets)
            return note(decision, time, &packets, isCounted: true)
        }
        latest = max(latest, time)
        batch.withFrame(index) { frame, bytes in
            let decoded = decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength)
            guard let ip = decoded.ip else {
                if frame.isCutInNetworkHeader(decoded) { cutHeaders += 1 }
                packets.others += 1
                return
            }
            let packet = PacketRecord(frame, decoded, ip: ip)
            let decision = classifier.observe(packet, transport: decoded.transport(of: bytes))
            guard ip.isReported else {
                packets.others += 1
                return
            }
            packets.append(packet)
            note(decision, time, &packets)
        }
    }

    /// - Parameter isCounted: the packet is among ``reported``.
    private mutating func note(
        _ decision: TagDecision, _ time: Timestamp, _ packets: inout TaggedPackets, isCounted: Bool = false
    ) {
        if !isCounted { reported += 1 }
        switch decision {
        case .none: return
        case .final(let tag): packets.tag(.settled(tag))
        case .pending(let tag):
            packets.tag(.open)
            open.append(tag, until: tag.deadline, number: reported)
        }
    }

    private mutating func settleDue(in packets: inout TaggedPackets, isLast: Bool = false) {
        while let tag = open.popDue(at: latest, reported, isLast: isLast) { packets.settle(classifier.resolve(tag)) }
    }
}
