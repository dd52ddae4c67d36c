import Capture
import Classification
import Correlation
import DequeModule
import ProcessMetadata
import Records
import Reporting

/// Judges and counts the packets of a run over files of which nothing but counts is wanted: each as soon as the records it
/// needs are read. Only those stay whose tag or tunnel is still open.
///
/// A few at a time take each step together, so that their look-ups wait for memory at once and not one after the other.
struct PacketCounter {
    /// So few that they stay in the processor's first caches.
    static let batch = 64

    /// A packet that is judged and whose counting has to wait.
    private struct Late {
        let packet: PacketRecord
        let verdict: Verdict
        let tag: TaggedPackets.KnownTag?
    }

    /// What was found of a packet.
    private enum Finding {
        /// All that is to be counted is its group, and that a process here sent it or nobody.
        case sent(SummaryTable.Group)
        case received(SummaryTable.Group)
        /// The next one among ``verdicts``.
        case verdict
    }

    /// How far the lists have come that go with a list of packets.
    private struct Cursors {
        var filters = 0
        var judgedTags = 0
        var countedTags = 0
        var settled = 0
    }

    /// What was counted.
    private(set) var output = CountingTable()
    private var findings: [Finding] = []
    private var verdicts: [Verdict] = []
    /// See ``Correlation/Correlator/touch(_:)``.
    private var touched: UInt32 = 0
    private var reported: UInt64 = 0
    /// Those that wait for a look at their tunnel or for their tag.
    private var late = OpenPackets<Late>(limit: Attribution.waitingLimit)
    /// Tags that were open, the first first.
    private var settled = Deque<Tag?>()

    /// Counts packets, and adds the records that are needed to judge them.
    mutating func count(
        _ packets: inout TaggedPackets, with evidence: inout EvidenceFeed, in attribution: inout Attribution
    ) throws(CommandFailure) {
        attribution.summary.captured += packets.others
        var cursors = Cursors()
        var start = 0
        while start < packets.packets.count {
            let range = start..<min(start + Self.batch, packets.packets.count)
            if !packets.areLocated { attribution.locate(&packets, range) }
            touched &+= attribution.correlator.touch(packets.lookups.span.extracting(range))
            for index in range {
                let time = packets.packets[index].time
                attribution.correlator.awaitPackets(from: time)
                try evidence.advance(through: time.advanced(by: attribution.lookahead), into: &attribution)
                findings.append(finding(index, of: packets, &cursors, &attribution))
            }
            countJudged(range, of: packets, &cursors, &attribution)
            start = range.upperBound
        }
        if packets.areLast { try evidence.advance(through: .distantFuture, into: &attribution) }
        take(packets.settled, upTo: .max, &cursors)
        attribution.captureTime = max(attribution.captureTime, packets.latest)
        attribution.countLetGo()
        countDue(&attribution, isLast: packets.areLast)
    }

    /// To be called when everything is counted: names whom records speak of that came behind the last packets.
    mutating func end(_ attribution: inout Attribution) {
        output.table.complete { attribution.description(of: $0) }
        attribution.countLetGo()
    }

    private mutating func finding(
        _ index: Int, of packets: borrowing TaggedPackets, _ cursors: inout Cursors, _ attribution: inout Attribution
    ) -> Finding {
        let span = packets.packets.span
        var passed = UInt64.max
        if cursors.filters < packets.filters.count, packets.filters[cursors.filters].index == index {
            passed = packets.filters[cursors.filters].passed
            cursors.filters += 1
        }
        let isTagged = cursors.judgedTags < packets.tags.count && packets.tags[cursors.judgedTags].index == index
        if isTagged { cursors.judgedTags += 1 }
        guard !isTagged, attribution.hostSends == nil else {
            verdicts.append(attribution.verdict(on: span[index], passesFilters: passed))
            return .verdict
        }
        let found = attribution.correlator.judgeBriefly(
            span, index, packets.lookups[index], passesFilters: passed, seenHere: attribution.settings.seenHere,
            &verdicts)
        switch found {
        case .full: break
        case .received(let confidence):
            if let group = output.table.group(received: confidence) { return .received(group) }
            verdicts.append(attribution.verdict(on: span[index], passesFilters: passed))
        case .sent(let record):
            // Nobody can say it later: the record may be let go with the next one that is added.
            let sender = attribution.correlator.sender(ofRecord: record)
            if let group = output.table.group(sentBy: sender) {
                attribution.processes.use(sender)
                return .sent(group)
            }
            verdicts.append(attribution.correlator.verdict(span[index], sentBy: record))
        }
        return .verdict
    }

    /// Counts the packets that are judged, and those before them that nothing can change any more.
    private mutating func countJudged(
        _ range: Range<Int>, of packets: borrowing TaggedPackets, _ cursors: inout Cursors,
        _ attribution: inout Attribution
    ) {
        let span = packets.packets.span
        attribution.summary.captured += UInt64(range.count)
        attribution.countSightings(span, packets.identities, range)
        var verdict = 0
        for index in range {
            reported += 1
            switch findings[index - range.lowerBound] {
            case .sent(let group):
                attribution.packetCounts.count(.process, times: 1)
                output.table.count(span, index, in: group)
            case .received(let group):
                attribution.packetCounts.count(.received, times: 1)
                output.table.count(span, index, in: group)
            case .verdict:
                var tag: TaggedPackets.KnownTag?
                if cursors.countedTags < packets.tags.count, packets.tags[cursors.countedTags].index == index {
                    tag = packets.tags[cursors.countedTags].tag
                    cursors.countedTags += 1
                }
                count(span[index], verdicts[verdict], tag, &attribution)
                verdict += 1
            }
        }
        findings.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
        attribution.captureTime = max(attribution.captureTime, span[range.upperBound - 1].time)
        take(packets.settled, upTo: range.upperBound, &cursors)
        countDue(&attribution)
    }

    /// Counts a packet now, or when its tag and its tunnel are settled.
    private mutating func count(
        _ packet: PacketRecord, _ verdict: Verdict, _ tag: TaggedPackets.KnownTag?, _ attribution: inout Attribution
    ) {
        var deadline = Timestamp.distantPast
        if verdict.tunnel != nil { deadline = packet.time.advanced(by: Correlator.tunnelLookahead) }
        switch tag {
        case nil where deadline == .distantPast: attribution.count(packet, verdict, nil, in: &output)
        case .settled(let tag)? where deadline == .distantPast: attribution.count(packet, verdict, tag, in: &output)
        default:
            var isOpen = false
            if case .open? = tag { isOpen = true }
            late.append(
                Late(packet: packet, verdict: verdict, tag: tag), until: deadline, number: reported, isOpen: isOpen)
        }
    }

    private mutating func take(_ tags: [TaggedPackets.SettledTag], upTo position: Int, _ cursors: inout Cursors) {
        while cursors.settled < tags.count, tags[cursors.settled].position <= position {
            settled.append(tags[cursors.settled].tag)
            cursors.settled += 1
        }
    }

    private mutating func countDue(_ attribution: inout Attribution, isLast: Bool = false) {
        while let packet = late.popDue(
            at: attribution.captureTime, reported, isLast: isLast, hasAnswer: !settled.isEmpty)
        {
            var verdict = packet.verdict
            attribution.correlator.addHolders(to: &verdict, at: packet.packet.time)
            let tag: Tag? =
                switch packet.tag {
                case nil: nil
                case .settled(let tag): tag
                case .open: settled.popFirst() ?? nil
                }
            attribution.count(packet.packet, verdict, tag, in: &output)
        }
    }
}

/// Counts packets in a table.
struct CountingTable: AttributionOutput {
    fileprivate(set) var table = SummaryTable()

    let isFinished = false
    let countsOnly = true

    mutating func count(_ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket) {
        table.count(packet, verdict, tag: tag, report)
    }

    mutating func take(
        _ frame: CapturedFrame, interface: UInt16, bytes: RawSpan?, reported: ReportedPacket?
    ) throws(CommandFailure) {
        if let reported { table.count(reported) }
    }
}

extension Attribution {
    /// What classifies and hashes the packets of a run that nothing but counts is wanted of, in this one's place.
    func makeTagger() -> PacketTagger {
        PacketTagger(
            classifier: classifier,
            hasher: PacketHasher(lookups: correlator.lookupMaker, identities: sightings.hasher),
            waitingLimit: Self.waitingLimit)
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

    /// Adds to packets of the run's only capture which way they went.
    fileprivate mutating func locate(_ packets: inout TaggedPackets, _ range: Range<Int>) {
        let name = capturedName(0)
        for index in range {
            packets.update(index) { packet in
                packet.namespace = settings.namespace ?? 0
                naming.locate(&packet, captured: name)
            }
        }
    }

    /// Counts those that were not seen before at another place.
    fileprivate mutating func countSightings(
        _ packets: Span<PacketRecord>, _ identities: [UInt64], _ range: Range<Int>
    ) {
        for index in range where sightings.isFirstSighting(packets, index, identities[index]) { distinct += 1 }
    }
}
