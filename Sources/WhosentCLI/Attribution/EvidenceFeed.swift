import Capture
import Correlation
import Evidence
import Records
import TextEscaping

/// Takes what evidence files hold.
protocol EvidenceSink: ~Copyable {
    /// Makes ready for records that are to be added soon: their look-ups, or nothing.
    mutating func prepare(_ records: Span<SendRecord>, into lookups: inout [PacketLookup])
    /// - Parameters:
    ///   - index: a record's place in `records`.
    ///   - lookup: the record's, where it was made.
    mutating func add(_ records: Span<SendRecord>, _ index: Int, _ lookup: PacketLookup?)
    mutating func add(_ record: WireRecord)
    mutating func add(_ record: ProcessRecord)
    mutating func add(_ scan: TunnelScan)
    mutating func add(_ loss: LossInterval)
    mutating func add(_ damage: [Damage])
    mutating func setCoverage(_ coverage: Coverage, host: UInt16)
}

extension EvidenceSink where Self: ~Copyable {
    mutating func prepare(_ records: Span<SendRecord>, into lookups: inout [PacketLookup]) {}
}

/// Evidence files, read only as far as the captures have come.
struct EvidenceFeed {
    private struct Source {
        let file: EvidenceAhead
        /// As far as was known when it was opened.
        let coverage: Coverage
        let host: UInt16
        /// The number of the first evidence that is of the same machine and boot.
        let machine: UInt16
        /// Records that were read, and how many of them were taken.
        var batch = EvidenceBatch()
        /// Of its send records, or none.
        var lookups: [PacketLookup] = []
        var takenSends = 0
        var takenOthers = 0
        /// Nothing is to be taken before the captures have come to this moment.
        var resumes = Timestamp.distantPast
        var hasEnded = false
        var recent = RecentTimes()
    }

    /// The times of the records read last, so that a flood is not read further ahead than the tables hold.
    private struct RecentTimes {
        private static let count = 1 << 14
        private var times = [Timestamp](repeating: .distantPast, count: count)
        private var next = 0

        /// Fewer records than the limit lie beyond this moment and every later one.
        var grows: Timestamp { times[next] }

        mutating func note(_ time: Timestamp) {
            times[next] = time
            next = (next + 1) & (Self.count - 1)
        }
    }

    /// How far ahead a file is read at least, in nanoseconds: records are written a batch at a time and not quite in
    /// order.
    private static let disorder: Int64 = 100_000_000
    /// How far ahead it is read at most: the hash of a sender's image follows its packets by as long as reading the
    /// image took.
    private static let patience: Int64 = 500_000_000

    private var sources: [Source] = []
    /// Evidence of other tools, which is read otherwise.
    private(set) var foreign: [ForeignEvidence.File] = []
    private let clockOffset: Int64

    /// Opens the files.
    ///
    /// - Parameters:
    ///   - clockOffset: nanoseconds to add to the evidence's times.
    ///   - mayHaveThreads: files are read ahead where there are processors for it.
    init(paths: [String], clockOffset: Int64 = 0, mayHaveThreads: Bool = true) throws(CommandFailure) {
        self.clockOffset = clockOffset
        if let twice = paths.indices.first(where: { paths[..<$0].contains(paths[$0]) }) {
            throw CommandFailure(
                ExitStatus.usage, "\(LosslessEscape.text(paths[twice])) is given twice as evidence: once is enough.")
        }
        var boots: [String: UInt16] = [:]
        for (index, path) in paths.enumerated() {
            let number = UInt16(index)
            do throws(EvidenceError) {
                let mayHaveThread = mayHaveThreads && sources.count + 1 < processorCount()
                switch try OpenedFile.open(path, number: number, mayHaveThread: mayHaveThread) {
                case .recorded(let file):
                    let coverage = file.coverage
                    let boot = coverage.bootID
                    let machine = boot.map { boots[$0, default: number] } ?? number
                    if let boot { boots[boot] = machine }
                    sources.append(Source(file: file, coverage: coverage, host: number, machine: machine))
                case .foreign(let reader):
                    foreign.append(ForeignEvidence.File(path: path, number: number, reader: reader))
                }
            } catch {
                throw CommandFailure(error.exitStatus, error.description)
            }
        }
    }

    private enum OpenedFile {
        case recorded(EvidenceAhead)
        case foreign(EvidenceReader)

        static func open(_ path: String, number: UInt16, mayHaveThread: Bool) throws(EvidenceError) -> OpenedFile {
            let reader = try EvidenceReader(path: path, host: number)
            guard reader.trust == .recorded else { return .foreign(reader) }
            return .recorded(EvidenceAhead(reader, mayHaveThread: mayHaveThread))
        }
    }

    /// What each file covers, as far as was known when it was opened, in the order in which the files were given.
    var coverages: [(host: UInt16, coverage: Coverage)] {
        sources.map { ($0.host, Self.shifted($0.coverage, clockOffset)) }
    }

    /// Adds every record up to `time`, and what is read on the way.
    mutating func advance(through time: Timestamp, into sink: inout some EvidenceSink & ~Copyable)
        throws(CommandFailure)
    {
        for index in sources.indices where sources[index].resumes <= time && !sources[index].hasEnded {
            try Self.advance(&sources[index], through: time, clockOffset: clockOffset, into: &sink)
        }
    }

    /// Static, so that nothing holds a second reference to the source: its lists would be copied with every record.
    private static func advance(
        _ source: inout Source, through time: Timestamp, clockOffset: Int64,
        into sink: inout some EvidenceSink & ~Copyable
    ) throws(CommandFailure) {
        while true {
            if source.takenOthers < source.batch.others.count,
                source.batch.others[source.takenOthers].position == source.takenSends
            {
                let record = source.batch.others[source.takenOthers].record
                if let moment = moment(of: record)?.advanced(by: clockOffset) {
                    guard take(moment, in: &source, time) else { return }
                }
                add(record, of: source.host, clockOffset: clockOffset, to: &sink)
                source.takenOthers += 1
            } else if source.takenSends < source.batch.sends.count {
                let moment = source.batch.sends[source.takenSends].time
                guard take(moment, in: &source, time) else { return }
                let lookup = source.takenSends < source.lookups.count ? source.lookups[source.takenSends] : nil
                sink.add(source.batch.sends.span, source.takenSends, lookup)
                source.takenSends += 1
            } else {
                guard try readMore(&source, clockOffset) else {
                    sink.setCoverage(shifted(source.file.coverage, clockOffset), host: source.host)
                    sink.add(source.file.damage)
                    return
                }
                var lookups: [PacketLookup] = []
                swap(&lookups, &source.lookups)
                sink.prepare(source.batch.sends.span, into: &lookups)
                swap(&lookups, &source.lookups)
            }
        }
    }

    /// Whether a record of this moment is to be taken now; where not, notes when.
    @inline(__always)
    private static func take(_ moment: Timestamp, in source: inout Source, _ time: Timestamp) -> Bool {
        let resumes = min(
            moment.advanced(by: -disorder),
            max(moment.advanced(by: -patience), source.recent.grows.advanced(by: -disorder)))
        guard resumes <= time else {
            source.resumes = resumes
            return false
        }
        source.recent.note(moment)
        return true
    }

    /// Goes to the next batch; false at the end.
    private static func readMore(_ source: inout Source, _ clockOffset: Int64) throws(CommandFailure) -> Bool {
        switch source.batch.end {
        case .complete?:
            source.hasEnded = true
            return false
        case .failed(let error)?: throw CommandFailure(error.exitStatus, error.description)
        case nil: break
        }
        source.file.read(into: &source.batch)
        source.lookups.removeAll(keepingCapacity: true)
        source.takenSends = 0
        source.takenOthers = 0
        guard clockOffset != 0 || source.machine != source.host else { return true }
        for index in source.batch.sends.indices {
            source.batch.sends[index].machine = source.machine
            source.batch.sends[index].time = source.batch.sends[index].time.advanced(by: clockOffset)
        }
        return true
    }

    private static func add(
        _ record: EvidenceRecord, of host: UInt16, clockOffset: Int64, to sink: inout some EvidenceSink & ~Copyable
    ) {
        switch record {
        case .wire(var wire):
            wire.time = wire.time.advanced(by: clockOffset)
            sink.add(wire)
        case .process(var process):
            process.time = process.time.advanced(by: clockOffset)
            sink.add(process)
        case .tunnels(var scan):
            scan.time = scan.time.advanced(by: clockOffset)
            sink.add(scan)
        case .coverageChanged(let coverage): sink.setCoverage(shifted(coverage, clockOffset), host: host)
        case .send, .end, .traffic, .sighting, .listing, .socket: break
        case .lost(var loss):
            loss.start = loss.start.advanced(by: clockOffset)
            loss.stop = loss.stop.advanced(by: clockOffset)
            sink.add(loss)
        }
    }

    /// When a record that is no send was taken; nil for what has no moment and may be taken in at once.
    private static func moment(of record: EvidenceRecord) -> Timestamp? {
        switch record {
        case .wire(let wire): wire.time
        case .send, .process, .tunnels, .coverageChanged, .end, .traffic, .sighting, .listing, .socket: nil
        case .lost(let loss): loss.start
        }
    }

    private static func shifted(_ coverage: Coverage, _ clockOffset: Int64) -> Coverage {
        guard clockOffset != 0 else { return coverage }
        var result = coverage
        result.start = coverage.start.advanced(by: clockOffset)
        result.stop = coverage.stop?.advanced(by: clockOffset)
        for index in result.losses.indices {
            result.losses[index].start = result.losses[index].start.advanced(by: clockOffset)
            result.losses[index].stop = result.losses[index].stop.advanced(by: clockOffset)
        }
        return result
    }
}
