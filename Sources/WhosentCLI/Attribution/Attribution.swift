import Capture
import Classification
import Correlation
import PacketDecoding
import ProcessMetadata
import Records
import Reporting

/// Where the packets of a run go when their answer is known.
protocol AttributionOutput {
    /// It has had enough (`-c`): nothing more is handed over.
    var isFinished: Bool { get }
    /// Neither lines nor bytes are wanted: packets that can be counted by ``count(_:_:tag:_:)`` are not handed over.
    var countsOnly: Bool { get }
    /// Counts a packet; `report` says more of it, and is asked only where that is needed.
    mutating func count(_ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket)
    /// Takes the next packet, in capture order. `reported` is nil for what is neither UDP nor ICMP.
    mutating func take(
        _ frame: CapturedFrame, interface: UInt16, bytes: RawSpan?, reported: ReportedPacket?
    ) throws(CommandFailure)
}

extension AttributionOutput {
    /// Every packet is handed over.
    var countsOnly: Bool { false }

    /// Nothing, where every packet is handed over.
    mutating func count(_ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket) {}
}

/// Brings packets, records and tags together and lets go of each packet when nothing can change its line any more.
///
/// Live runs and file commands drive the same code: they differ in where packets and records come from and in what
/// tells how far the records have come. A packet's verdict is decided once the records up to its window's end are in;
/// its tag at most one second of capture time after it. Lines leave in capture order.
///
/// Not copyable: it is large, and a copy made in passing would cost more than what is done with a packet.
struct Attribution: ~Copyable, EvidenceSink {
    /// What a run is about.
    struct Settings {
        /// Keeps the frames' bytes for `-w`.
        var keepsBytes = false
        /// The captures were made where the evidence was (live).
        var seenHere = false
        /// The names of the captures, by their number.
        var captureNames: [String] = []
        /// The network namespace that is captured, where it is known.
        var namespace: UInt32?
        /// Shows which machine a verdict's evidence comes from.
        var namesHosts = false
        /// Leaves command lines out of every output.
        var withoutArguments = false
        /// The key of hashes that decide what a bounded table lets go: fixed for files, which must give the same again, and
        /// drawn for a live run, where senders could aim at it.
        var seed: UInt64 = 0x5eed
    }

    /// The most packets that wait at once. Beyond it the oldest leaves with what is known.
    static let waitingLimit = 1 << 16
    /// How long a line waits for a look at its sender's process, in nanoseconds of capture time.
    static let lookPatience: Int64 = 500_000_000
    /// The most bytes that wait at once.
    static let waitingByteLimit = 32 << 20

    let settings: Settings
    let lookahead = Correlator.Window().lookahead
    var classifier: Classifier
    var correlator: Correlator
    var processes: ProcessSource
    private var waiting = WaitingPackets()
    /// Packets that were not seen before at another place.
    var distinct: UInt64 = 0
    private var bytes = FrameQueue()
    /// How many of `waiting`, from the front, have their verdict.
    private var decided = 0
    var captureTime = Timestamp.distantPast
    var sightings: DistinctPackets
    var ingressSources = IngressSources()
    /// Looks at this machine's processes, in a live run.
    var tunnels: TunnelHolders?
    private(set) var hosts: [UInt16: Coverage] = [:]
    /// Asked where the correlator has no sender.
    var foreign: ForeignEvidence?
    /// The sends of several machines, where there are several.
    var hostSends: HostSends?
    var naming: InterfaceNaming
    /// Decides in place of the correlator where there are no records to join with (`--socket-table`).
    var socketTables: SocketTableJudge?
    private var loopbacks: Set<String> = []
    /// Since the last reading of the socket tables a packet came that none of its sockets can have sent.
    private var sawUnfamiliar = false
    /// The interfaces of the captures by their number in the run; grows as captures describe more.
    var interfaces: [CaptureInterface] = [] { didSet { naming.recent = RecentLocations() } }
    var summary = RunSummary()
    var packetCounts = PacketCounts()
    /// See ``Correlation/Correlator/touch(_:)``.
    private var touched: UInt32 = 0
    /// Frames whose IP header the capture cut before its end, by capture.
    private var cutHeaders: [UInt16: UInt64] = [:]
    /// What this run lost; evidence has its own account.
    private var ownLosses = LossHistory(capacity: 1 << 12)

    init(
        settings: Settings, classifier: Classifier, correlator: Correlator, processes: ProcessSource,
        tunnels: TunnelHolders? = nil
    ) {
        self.settings = settings
        sightings = DistinctPackets(seed: settings.seed)
        self.classifier = classifier
        self.correlator = correlator
        self.processes = processes
        self.tunnels = tunnels
        naming = InterfaceNaming([])
    }

    // MARK: What comes in

    mutating func prepare(_ records: Span<SendRecord>, into lookups: inout [PacketLookup]) {
        touched &+= correlator.prepare(records, into: &lookups)
    }
    mutating func add(_ records: Span<SendRecord>, _ index: Int, _ lookup: PacketLookup?) {
        correlator.add(records, index, lookup)
        if hostSends != nil { hostSends?.add(records[index]) }
    }
    mutating func add(_ record: SendRecord) {
        correlator.add(record)
        hostSends?.add(record)
        processes.look(at: record)
    }
    mutating func add(_ record: WireRecord) {
        correlator.add(record)
        if correlator.cameFromTunnel(record) { tunnels?.look() }
    }
    mutating func add(_ scan: TunnelScan) { correlator.add(scan) }
    mutating func add(_ record: ProcessRecord) { processes.add(record) }
    mutating func add(_ loss: LossInterval) {
        correlator.add(loss)
        processes.add(loss)
        summary.lost[loss.kind, default: 0] += loss.count
        if settings.seenHere { ownLosses.add(loss) }
    }

    /// Counts what the bounded tables let go.
    mutating func countLetGo() {
        if correlator.hasLetGo { for loss in correlator.takeLetGo() { countLetGo(loss) } }
        if processes.hasLetGo { for loss in processes.takeLetGo() { countLetGo(loss) } }
        // Costs a tag its proof, but no verdict anything.
        if let loss = classifier.takeLetGo() { countLetGo(loss) }
    }

    private mutating func countLetGo(_ loss: LossInterval) {
        summary.lost[loss.kind, default: 0] += loss.count
        ownLosses.add(loss)
    }

    mutating func setCoverage(_ coverage: Coverage, host: UInt16) {
        hosts[host] = coverage
        // In an order of their own: where two say different things of one name, the same files are to give the same again.
        let coverages = hosts.sorted { $0.key < $1.key }.map(\.value)
        naming = InterfaceNaming(coverages, namespace: settings.namespace)
        correlator.setCoverage(coverage, host: host)
    }

    /// Takes a reading of the socket tables: from the first one on they decide.
    mutating func add(_ snapshot: SocketSnapshot) {
        if socketTables == nil { socketTables = SocketTableJudge() }
        socketTables?.add(snapshot)
        sawUnfamiliar = false
    }

    /// Whether the socket tables should be read sooner than later.
    var wantsReading: Bool { sawUnfamiliar }

    /// States what interfaces the captured namespace has, where no evidence covers it.
    mutating func setInterfaces(_ interfaces: [HostInterface]) {
        naming = InterfaceNaming(interfaces, namespace: settings.namespace)
        let own = interfaces.filter { $0.namespace == settings.namespace }
        loopbacks = Set(own.filter { $0.addresses.contains { $0.address.isLoopback } }.map(\.name))
        socketTables?.setAddresses(Set(own.flatMap { $0.addresses.map(\.address) }))
    }

    mutating func add(_ damage: [Damage]) { summary.damage += damage }

    /// Goes on with what was counted elsewhere, where nothing has been added here.
    mutating func adopt(_ counted: RunSummary, cutHeaders: UInt64, classifier: Classifier) {
        summary = counted
        adopt(cutHeaders: cutHeaders, classifier: classifier)
    }

    /// The same of what classified the packets of the run's only capture.
    mutating func adopt(cutHeaders: UInt64, classifier: Classifier) {
        if cutHeaders > 0 { self.cutHeaders[0] = cutHeaders }
        self.classifier = classifier
    }

    /// Takes the next captured frame. `interface` and `capture` number it over all captures of the run.
    mutating func add(
        _ frame: CapturedFrame, bytes frameBytes: RawSpan, capture: UInt16, interface: UInt16, filters: PassedFilters?
    ) {
        if decided == waiting.count { correlator.awaitPackets(from: frame.time) }
        guard let (packet, decoded) = read(frame, frameBytes, capture, interface) else {
            return addUnreported(frame, interface, frameBytes)
        }
        let tag = classifier.observe(packet, transport: decoded.transport(of: frameBytes))
        if !sawUnfamiliar, let socketTables { sawUnfamiliar = socketTables.isUnfamiliar(packet) }
        guard packet.ip.isReported else { return addUnreported(frame, interface, frameBytes) }
        let passed = passed(filters, frame, frameBytes, decoded)
        if settings.keepsBytes { bytes.append(frameBytes) }
        waiting.append(frame, interface: interface, packet: packet, passesFilters: passed, tag: tag)
    }

    /// The same for a run that nothing but counts is wanted of: the frame's packet is tagged and added to others.
    mutating func add(
        _ frame: CapturedFrame, bytes frameBytes: RawSpan, capture: UInt16, interface: UInt16, filters: PassedFilters?,
        to packets: inout TaggedPackets, _ tagger: inout PacketTagger
    ) {
        defer { packets.latest = captureTime }
        guard let (packet, decoded) = read(frame, frameBytes, capture, interface) else {
            packets.others += 1
            return
        }
        let tag = tagger.observe(packet, transport: decoded.transport(of: frameBytes))
        guard packet.ip.isReported else {
            packets.others += 1
            return
        }
        tagger.add(packet, tag, passesFilters: passed(filters, frame, frameBytes, decoded), to: &packets)
    }

    /// Bit n says that a packet passes the filter of evidence n.
    private func passed(
        _ filters: PassedFilters?, _ frame: CapturedFrame, _ frameBytes: RawSpan, _ decoded: DecodedFrame
    ) -> UInt64 {
        filters?.mask(frameBytes, networkOffset: decoded.networkOffset, originalLength: frame.originalLength) ?? .max
    }

    /// Reads the packet of a frame, and adds which way it went; nil where there is none.
    private mutating func read(
        _ frame: CapturedFrame, _ frameBytes: RawSpan, _ capture: UInt16, _ interface: UInt16
    ) -> (PacketRecord, DecodedFrame)? {
        captureTime = max(captureTime, frame.time)
        let decoded = decodeFrame(frameBytes, linkType: frame.linkType, originalLength: frame.originalLength)
        guard let ip = decoded.ip else {
            if frame.isCutInNetworkHeader(decoded) { cutHeaders[capture, default: 0] += 1 }
            return nil
        }
        var packet = PacketRecord(frame, decoded, ip: ip, capture: capture, interface: interface)
        packet.namespace = settings.namespace ?? 0
        naming.locate(&packet, captured: capturedName(interface))
        return (packet, decoded)
    }

    func capturedName(_ interface: UInt16) -> String? {
        Int(interface) < interfaces.count ? interfaces[Int(interface)].name : nil
    }

    private mutating func addUnreported(_ frame: CapturedFrame, _ interface: UInt16, _ frameBytes: RawSpan) {
        summary.captured += 1
        guard settings.keepsBytes else { return }
        bytes.append(frameBytes)
        waiting.append(frame, interface: interface, packet: nil, passesFilters: .max, tag: .none)
    }

    // MARK: What goes out

    /// Lets go of every packet whose answer is settled.
    ///
    /// - Parameters:
    ///   - recordsThrough: all records before this moment have been added.
    ///   - captureThrough: no packet from before this moment will come; the newest packet's time says it too.
    ///   - ended: nothing will come any more.
    mutating func settle(
        recordsThrough: Timestamp, captureThrough: Timestamp = .distantPast, ended: Bool = false,
        into output: inout some AttributionOutput
    ) throws(CommandFailure) {
        captureTime = max(captureTime, captureThrough)
        processes.drained(until: recordsThrough)
        for scan in tunnels?.takeScans() ?? [] { correlator.add(scan) }
        while decided < waiting.count, ended || waiting[decided].frame.time.advanced(by: lookahead) < recordsThrough {
            decide(decided)
            decided += 1
        }
        correlator.awaitPackets(from: decided < waiting.count ? waiting[decided].frame.time : captureThrough)
        countLetGo()
        while !output.isFinished, let first = waiting.first {
            let overfull = waiting.count > Self.waitingLimit || bytes.byteCount > Self.waitingByteLimit
            guard decided > 0 || overfull else { break }
            if case .pending(let tag) = first.tag, !ended, !overfull, captureTime <= tag.deadline { break }
            if !ended, !overfull, awaitsLook(first, recordsThrough) { break }
            if !ended, !overfull, awaitsHolders(first, recordsThrough) { break }
            if decided == 0 {
                decide(0)
                decided = 1
            }
            try letGo(into: &output)
        }
    }

    /// Whether more is about to be known of the sender: what procfs tells, and its image's hash.
    private func awaitsLook(_ entry: WaitingPacket, _ now: Timestamp) -> Bool {
        guard let process = entry.verdict?.sender?.process, let begun = processes.lookBegun(process) else {
            return false
        }
        return now < begun.advanced(by: Self.lookPatience)
    }

    /// Who held the device that it came out of takes a look at every process.
    private func awaitsHolders(_ entry: WaitingPacket, _ now: Timestamp) -> Bool {
        entry.verdict?.tunnel != nil && now < entry.frame.time.advanced(by: Correlator.tunnelLookahead)
    }

    /// A line waits for what is being read about its sender, or soon will.
    var isLooking: Bool { !waiting.isEmpty && (processes.isLooking || tunnels?.isLooking == true) }

    private mutating func decide(_ index: Int) {
        let entry = waiting[index]
        guard let packet = entry.packet else { return }
        if let socketTables {
            let name = naming.name(of: packet, captured: capturedName(packet.interface))
            entry.verdict = socketTables.judge(
                packet, onLoopback: name.map(loopbacks.contains) ?? false)
            return
        }
        entry.verdict = verdict(on: packet, passesFilters: entry.passesFilters)
    }

    /// The verdict of all evidence.
    mutating func verdict(on packet: PacketRecord, passesFilters: UInt64) -> Verdict {
        var verdict = correlator.judge(packet, passesFilters: passesFilters, seenHere: settings.seenHere)
        if hostSends != nil { verdict = bridged(verdict, packet) }
        if let found = foreign?.complete(verdict, of: packet, hasOwn: !hosts.isEmpty) { verdict = found }
        // What arrives has no record, and the record of what is passed on may be older than the news of the device.
        if verdict.tunnel != nil { tunnels?.look() }
        return verdict
    }

    private mutating func letGo(into output: inout some AttributionOutput) throws(CommandFailure) {
        let entry = waiting.removeFirst()
        defer { waiting.reuse(entry) }
        decided -= 1
        var reported: ReportedPacket?
        if let packet = entry.packet, var verdict = entry.verdict {
            correlator.addHolders(to: &verdict, at: packet.time)
            let tag = tag(of: entry.tag)
            if sightings.isFirstSighting(packet) { distinct += 1 }
            summary.captured += 1
            if output.countsOnly { return count(packet, verdict, tag, in: &output) }
            let report = report(packet, verdict: verdict, tag: tag)
            packetCounts.count(verdict.kind, report.tag)
            reported = report
        }
        guard settings.keepsBytes else {
            return try output.take(entry.frame, interface: entry.interface, bytes: nil, reported: reported)
        }
        var failure: CommandFailure?
        bytes.removeFirst(entry.frame.capturedLength) { span in
            do throws(CommandFailure) {
                try output.take(entry.frame, interface: entry.interface, bytes: span, reported: reported)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    mutating func tag(of decision: TagDecision) -> Tag? {
        switch decision {
        case .none: nil
        case .final(let tag): tag
        case .pending(let pending): classifier.resolve(pending)
        }
    }

    /// What clients registered for notifications, and how many more there were than are remembered.
    var registrations: (known: [PushRegistration], dropped: UInt64) {
        (classifier.registrations, classifier.droppedRegistrations)
    }

    /// The packets so far, and what was lost.
    var counts: RunSummary {
        var result = summary
        packetCounts.add(to: &result)
        return result
    }

    /// The counts so far, with what else is known at the end of a run.
    func currentSummary() -> RunSummary {
        var result = counts
        if distinct > 0 { result.distinctPackets = distinct }
        result.records = correlator.records
        result.unmatchedRecords = correlator.unmatchedRecords
        if let foreign { result.add(foreign) }
        for (capture, count) in cutHeaders.sorted(by: { $0.key < $1.key }) {
            result.damage.append(
                Damage(
                    file: settings.captureNames[Int(capture)], offset: 0,
                    what: "the snap length cut \(count) packet\(count == 1 ? "" : "s") inside the IP header: without "
                        + "addresses they have no line, though they may be UDP or ICMP"))
        }
        result.coverage = hosts.sorted { $0.key < $1.key }.map(\.value)
        if !result.coverage.isEmpty { result.coverage[0].losses += ownLosses.intervals }
        return result
    }
}
