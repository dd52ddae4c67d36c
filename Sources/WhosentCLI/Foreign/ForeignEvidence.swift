import Capture
import Correlation
import Evidence
import PacketDecoding
import Records

/// The evidence of other tools in a run over files: what it is, how its clocks are set, and who sent what by it.
///
/// Its files are read once before any packet is judged, which tells their clocks. Those that hold more than is kept
/// from that are read once more beside the captures.
struct ForeignEvidence {
    /// A file that turned out to be another tool's.
    struct File {
        let path: String
        let number: UInt16
        let reader: EvidenceReader
    }

    private struct Source {
        let path: String
        let number: UInt16
        let machine: UInt16
        let isListing: Bool
        var reader: EvidenceReader
        var isOpen = false
    }

    private var sources: [Source] = []
    private var matching = ForeignMatching()
    private var processes = ForeignProcesses()
    private(set) var damage: [Damage] = []
    private(set) var offsets: [(file: String, offset: ClockOffset)] = []
    private var hosts: [UInt16: String] = [:]
    private var tolerance: Int64 = 0

    /// Nil where no file is another tool's.
    init?(_ files: [File]) {
        guard !files.isEmpty else { return nil }
        let machines = Self.machines(files)
        for (file, machine) in zip(files, machines) {
            let isListing = file.reader.trust == .snapshot
            sources.append(
                Source(
                    path: file.path, number: file.number, machine: machine, isListing: isListing, reader: file.reader))
            matching.declare(
                ForeignMatching.Evidence(
                    machine: machine, trust: file.reader.trust, file: shownName(file.path),
                    isText: file.reader.trust == .snapshot || file.reader.kind == .kernelTrace),
                number: file.number)
            if let host = file.reader.coverage.host { hosts[machine] = hosts[machine] ?? host }
        }
    }

    /// Files do not say which machine they are from. A listing belongs to the trace that was named before it, or else
    /// to the first one.
    private static func machines(_ files: [File]) -> [UInt16] {
        let first = files.first { $0.reader.trust != .snapshot }?.number ?? files[0].number
        var current = first
        return files.map { file in
            if file.reader.trust != .snapshot { current = file.number }
            return current
        }
    }

    // MARK: Before the captures

    /// Reads everything once.
    ///
    /// - Parameters:
    ///   - captures: the captures, which are read for a sample.
    ///   - given: the clocks' offset in nanoseconds, where it was given.
    ///   - progress: told how far it is.
    mutating func prepare(
        captures: [String], given: Int64?, _ progress: Progress
    ) throws(CommandFailure) {
        var sample = PacketSample()
        if sources.contains(where: { !$0.isListing }) {
            let canRepeat = captures.allSatisfy(isRepeatable)
            if given == nil, !canRepeat {
                throw CommandFailure(
                    ExitStatus.noUsableInput,
                    "clocks are aligned by reading the captures twice: save what comes from a pipe to a file, or state "
                        + "--clock-offset")
            }
            if canRepeat { try look(at: captures, into: &sample, progress) }
        }
        for index in sources.indices { try note(index, sample: sample, progress) }
        for source in sources where !source.isListing { align(source, given: given, sample: sample) }
    }

    private mutating func look(
        at captures: [String], into sample: inout PacketSample, _ progress: Progress
    ) throws(CommandFailure) {
        var feed = try CaptureFeed(paths: captures)
        var pings = PingSeries()
        var count = 0
        progress.begin("packets looked at for the clocks")
        while feed.next({ frame, bytes, _, _ in
            guard let ip = decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength).ip else {
                return
            }
            sample.add(ip, at: frame.time)
            pings.add(ip, at: frame.time)
        }) {
            count += 1
            if count & 0x3FF == 0 { progress.show(count) { feed.progress } }
        }
        matching.set(pings)
    }

    private mutating func note(_ index: Int, sample: PacketSample, _ progress: Progress) throws(CommandFailure) {
        let source = sources[index]
        let file = shownName(source.path)
        var count = 0
        progress.begin("records of evidence")
        while let record = try next(source.reader) {
            count += 1
            if count & 0x3FF == 0 { progress.show(count) { source.reader.progress } }
            switch record {
            case .traffic(let traffic): matching.note(traffic, evidence: source.number, sample: sample)
            case .sighting(let sighting):
                processes.add(sighting, evidence: source.number, machine: source.machine)
            case .listing(let listing):
                processes.begin(listing, evidence: source.number, machine: source.machine, file: file)
            case .socket(let socket): matching.note(socket, evidence: source.number)
            case .send, .wire, .process, .tunnels, .lost, .coverageChanged, .end: break
            }
        }
        damage += source.reader.damage
    }

    private mutating func align(_ source: Source, given: Int64?, sample: PacketSample) {
        let clock = source.reader.clock
        tolerance = max(tolerance, clock.resolution)
        let found = matching.align(evidence: source.number, clock: clock, given: given, sample: sample)
        if let found {
            offsets.append((shownName(source.path), found))
        } else if clock.relation == .captures {
            // Nothing speaks against what the file says of its clock.
            matching.align(evidence: source.number, clock: clock, given: 0, sample: sample)
        }
    }

    private func next(_ reader: EvidenceReader) throws(CommandFailure) -> EvidenceRecord? {
        do { return try reader.next() } catch { throw CommandFailure(error.exitStatus, error.description) }
    }

    // MARK: Beside the captures

    /// Adds the records that packets up to a moment need.
    mutating func advance(through time: Timestamp) throws(CommandFailure) {
        for index in sources.indices where matching.needsRecords(of: sources[index].number) {
            try advance(index, through: time)
        }
        matching.awaitPackets(from: time)
    }

    private mutating func advance(_ index: Int, through time: Timestamp) throws(CommandFailure) {
        let number = sources[index].number
        if !sources[index].isOpen { try reopen(index) }
        while matching.needsRecords(of: number, through: time), let record = try next(sources[index].reader) {
            if case .traffic(let traffic) = record { matching.add(traffic, evidence: number) }
        }
    }

    private mutating func reopen(_ index: Int) throws(CommandFailure) {
        let source = sources[index]
        guard isRepeatable(source.path) else {
            throw CommandFailure(
                ExitStatus.noUsableInput,
                "\(shownName(source.path)) is too large to be kept, and what comes from a pipe cannot be read twice: "
                    + "save it to a file")
        }
        do {
            sources[index].reader = try EvidenceReader(path: source.path, host: source.number)
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
        sources[index].isOpen = true
    }

    // MARK: Verdicts

    /// What this evidence adds to a verdict that was made without it.
    ///
    /// - Parameter hasOwn: evidence of this tool was asked first.
    mutating func complete(_ verdict: Verdict, of packet: PacketRecord, hasOwn: Bool) -> Verdict {
        guard verdict.mayBeCompleted else { return verdict }
        // Moved, not copied: its tables are sorted as they are asked.
        var processes = ForeignProcesses()
        swap(&processes, &self.processes)
        let found = matching.judge(packet) { machine, pid in processes.lives(machine: machine, pid: pid) }
        swap(&processes, &self.processes)
        guard found.kind == .process else { return hasOwn ? verdict : found }
        // That it was passed on, or came in, is certain; by whom it was sent has to be so, nearly.
        guard verdict.kind == .unknown || found.confidence == .probable && found.method != .inferred else {
            return verdict
        }
        return self.processes.name(found, tolerance: tolerance)
    }

    /// What is known of a sender; nil where it is not this evidence that names it.
    mutating func description(of sender: Sender) -> ProcessDescription? {
        guard speaks(for: sender.host) else { return nil }
        return processes.description(of: sender, tolerance: tolerance)
    }

    /// Whether senders with this number are named by this evidence.
    func speaks(for machine: UInt16) -> Bool { sources.contains { $0.machine == machine } }

    /// The machine's name, where a file states it.
    func hostName(_ machine: UInt16) -> String? { hosts[machine] }

    /// Records of sent packets, and those among them that no packet matched.
    var counts: (records: UInt64, unmatched: UInt64, dropped: UInt64) {
        (matching.records, matching.unmatchedRecords, matching.droppedRecords)
    }
}
