import Evidence
import Records
import TextEscaping

/// Takes what evidence files hold.
protocol EvidenceSink: ~Copyable {
    mutating func add(_ record: SendRecord)
    mutating func add(_ record: WireRecord)
    mutating func add(_ record: ProcessRecord)
    mutating func add(_ scan: TunnelScan)
    mutating func add(_ loss: LossInterval)
    mutating func add(_ damage: [Damage])
    mutating func setCoverage(_ coverage: Coverage, host: UInt16)
}

/// Evidence files, read only as far as the captures have come.
struct EvidenceFeed {
    private struct Source {
        let reader: EvidenceReader
        let host: UInt16
        /// The number of the first evidence that is of the same machine and boot.
        let machine: UInt16
        var next: EvidenceRecord?
        var hasEnded = false
        var reportedDamage = 0
        var recent = RecentTimes()
    }

    /// The times of the records read last, so that a flood is not read further ahead than the tables hold.
    private struct RecentTimes {
        private static let count = 1 << 14
        private var times = [Timestamp](repeating: .distantPast, count: count)
        private var next = 0

        /// Whether fewer records than the limit lie beyond a moment.
        func mayGrow(beyond moment: Timestamp) -> Bool { times[next] <= moment }

        mutating func note(_ time: Timestamp) {
            times[next] = time
            next = (next + 1) % Self.count
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
    /// - Parameter clockOffset: nanoseconds to add to the evidence's times.
    init(paths: [String], clockOffset: Int64 = 0) throws(CommandFailure) {
        self.clockOffset = clockOffset
        if let twice = paths.indices.first(where: { paths[..<$0].contains(paths[$0]) }) {
            throw CommandFailure(
                ExitStatus.usage, "\(LosslessEscape.text(paths[twice])) is given twice as evidence: once is enough.")
        }
        var boots: [String: UInt16] = [:]
        for (index, path) in paths.enumerated() {
            do throws(EvidenceError) {
                let reader = try EvidenceReader(path: path, host: UInt16(index))
                if reader.trust == .recorded {
                    let number = UInt16(index)
                    let machine = reader.coverage.bootID.map { boots[$0, default: number] } ?? number
                    if let boot = reader.coverage.bootID { boots[boot] = machine }
                    sources.append(Source(reader: reader, host: number, machine: machine))
                } else {
                    foreign.append(ForeignEvidence.File(path: path, number: UInt16(index), reader: reader))
                }
            } catch {
                throw CommandFailure(error.exitStatus, error.description)
            }
        }
    }

    /// What each file covers, as far as is known by now.
    var coverages: [UInt16: Coverage] {
        Dictionary(uniqueKeysWithValues: sources.map { ($0.host, Self.shifted($0.reader.coverage, clockOffset)) })
    }

    /// Adds every record up to `time`, and what is read on the way.
    mutating func advance(through time: Timestamp, into sink: inout some EvidenceSink & ~Copyable)
        throws(CommandFailure)
    {
        for index in sources.indices where !sources[index].hasEnded {
            try Self.advance(&sources[index], through: time, clockOffset: clockOffset, into: &sink)
        }
    }

    /// Static, so that nothing holds a second reference to the source: its lists would be copied with every record.
    private static func advance(
        _ source: inout Source, through time: Timestamp, clockOffset: Int64,
        into sink: inout some EvidenceSink & ~Copyable
    ) throws(CommandFailure) {
        let certain = time.advanced(by: disorder)
        let possible = time.advanced(by: patience)
        while true {
            if source.next == nil {
                source.next = try read(source)
                guard source.next != nil else {
                    source.hasEnded = true
                    sink.setCoverage(shifted(source.reader.coverage, clockOffset), host: source.host)
                    sink.add(source.reader.damage)
                    return
                }
            }
            guard let record = source.next else { return }
            if let moment = moment(of: record)?.advanced(by: clockOffset) {
                guard moment <= certain || (moment <= possible && source.recent.mayGrow(beyond: certain)) else {
                    return
                }
                source.recent.note(moment)
            }
            add(record, of: source, clockOffset: clockOffset, to: &sink)
            source.next = nil
        }
    }

    private static func read(_ source: Source) throws(CommandFailure) -> EvidenceRecord? {
        do { return try source.reader.next() } catch { throw CommandFailure(error.exitStatus, error.description) }
    }

    private static func add(
        _ record: EvidenceRecord, of source: Source, clockOffset: Int64, to sink: inout some EvidenceSink & ~Copyable
    ) {
        switch record {
        case .send(var send):
            send.machine = source.machine
            send.time = send.time.advanced(by: clockOffset)
            sink.add(send)
        case .wire(var wire):
            wire.time = wire.time.advanced(by: clockOffset)
            sink.add(wire)
        case .process(var process):
            process.time = process.time.advanced(by: clockOffset)
            sink.add(process)
        case .tunnels(var scan):
            scan.time = scan.time.advanced(by: clockOffset)
            sink.add(scan)
        case .coverageChanged: sink.setCoverage(shifted(source.reader.coverage, clockOffset), host: source.host)
        case .end, .traffic, .sighting, .listing, .socket: break
        case .lost(var loss):
            loss.start = loss.start.advanced(by: clockOffset)
            loss.stop = loss.stop.advanced(by: clockOffset)
            sink.add(loss)
        }
    }

    /// When a record was taken; nil for what has no moment and may be taken in at once.
    private static func moment(of record: EvidenceRecord) -> Timestamp? {
        switch record {
        case .send(let send): send.time
        case .wire(let wire): wire.time
        case .process, .tunnels, .coverageChanged, .end, .traffic, .sighting, .listing, .socket: nil
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
