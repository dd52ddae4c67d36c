import PcapNG
import Records

/// Reads a Windows kernel trace as CSV, line by line.
final class KernelTrace: RecordStream {
    /// A hostile file must not fill the memory: from here on a loss widens the last one.
    private static let lossLimit = 1000
    /// Stamps may advance with the system's clock only, 64 times a second.
    private static let usualResolution: Int64 = 15_625_000

    let kind = EvidenceKind.kernelTrace
    let isConverted = false
    let endedWithoutSummary = false
    private(set) var clock: EvidenceClock
    private(set) var coverage = Coverage.none

    private let file: String
    private var lines: TextLines
    private var line = CSVLine()
    private var columns: TraceColumns?
    private var traffic: TraceTraffic
    private let processes: TraceProcesses
    private var findings: LineFindings
    private var isFinished = false

    init(_ lines: TextLines, file: String, host: UInt16) {
        self.lines = lines
        self.file = file
        traffic = TraceTraffic(host: host)
        processes = TraceProcesses(host: host)
        findings = LineFindings(file: file)
        clock = Self.clock(resolution: Self.usualResolution)
    }

    var damage: [Damage] { findings.list }

    func next() throws(EvidenceError) -> EvidenceRecord? {
        while !isFinished {
            do throws(ByteSourceError) {
                isFinished = try !lines.next(into: &line.bytes)
            } catch {
                isFinished = true
                throw .readFailed(file, error)
            }
            if isFinished { break }
            if let record = try record() { return record }
        }
        return nil
    }

    private func record() throws(EvidenceError) -> EvidenceRecord? {
        line.split()
        guard !isEmptyLine else { return nil }
        var time: Timestamp?
        if let ruined = ruinedTime { throw ruined }
        do throws(LineProblem) {
            if lines.isCut {
                throw LineProblem(position: 0, what: "the line is longer than any event; it is left out")
            }
            if let found = TraceColumns(header: line) {
                columns = found
                return nil
            }
            return try event(&time)
        } catch {
            findings.note(error, line: line.bytes, number: lines.number, offset: lines.offset)
            return .lost(lose(1, at: time, kind: line.keyword(0) == Word.process ? .process : .send))
        }
    }

    /// Blank lines, and the `...` by which printed traces leave something out.
    private var isEmptyLine: Bool {
        line.count == 1
            && line.fields[0].allSatisfy {
                line.bytes[$0] == UInt8(ascii: ".") || line.bytes[$0] == UInt8(ascii: "-") || line.bytes[$0] == 0xE2
                    || line.bytes[$0] == 0x80 || line.bytes[$0] == 0xA6
            }
    }

    private enum Event {
        case traffic(IPPacket.Transport)
        case process
        case header
        case other
    }

    private func event(_ time: inout Timestamp?) throws(LineProblem) -> EvidenceRecord? {
        guard line.count >= 4 else { throw line.problem(0, "this is no event of a kernel trace") }
        let event = Self.event(line.keyword(0))
        if case .other = event { return nil }
        guard let columns = columns ?? TraceColumns(guessing: line) else {
            throw line.problem(
                min(3, line.count - 1), "there is no header line and no Clock-Time where one stands without it")
        }
        let stamp = try self.time(columns)
        time = stamp
        switch event {
        case .traffic(let transport):
            return try traffic.record(line, columns, transport: transport, time: stamp, position: lines.number)
                .map(EvidenceRecord.traffic)
        case .process:
            return try processes.record(line, columns, time: stamp, position: lines.number)
                .map(EvidenceRecord.sighting)
        case .header: return header(columns, stamp)
        case .other: return nil
        }
    }
}

// Values.
extension KernelTrace {
    private static func event(_ name: Keyword) -> Event {
        switch name {
        case Word.udp: .traffic(.udp)
        case Word.tcp: .traffic(.tcp)
        case Word.process: .process
        case Word.eventTrace: .header
        default: versionedNames[name] ?? .other
        }
    }

    private enum Word {
        static let udp = Keyword("udpip")
        static let tcp = Keyword("tcpip")
        static let process = Keyword("process")
        static let eventTrace = Keyword("eventtrace")
    }

    /// `UdpIp_V0` and the like, as tools that go by the class print them.
    private static let versionedNames: [Keyword: Event] = {
        var names: [Keyword: Event] = [:]
        for version in 0...5 {
            names[Keyword("udpip_v\(version)")] = .traffic(.udp)
            names[Keyword("tcpip_v\(version)")] = .traffic(.tcp)
            names[Keyword("process_v\(version)")] = .process
        }
        return names
    }()

    private func time(_ columns: TraceColumns) throws(LineProblem) -> Timestamp {
        guard columns.clock < line.count else {
            throw line.problem(line.count, "the event ends before its Clock-Time; it was cut off")
        }
        guard let time = line.bytes.decimalNumber(line.fields[columns.clock]).flatMap(FileTime.timestamp) else {
            throw line.problem(
                columns.clock,
                "the Clock-Time \(quoted(line.value(columns.clock))) is not a FILETIME (18 digits, 100 ns since 1601)")
        }
        return time
    }

    /// A spreadsheet rounds FILETIME to a few digits: the file's times are gone, and it must not be used without.
    private var ruinedTime: EvidenceError? {
        guard let columns = columns ?? TraceColumns(guessing: line), columns.clock < line.count else { return nil }
        let next = columns.clock + 1 < line.count ? line.fields[columns.clock + 1] : nil
        guard FileTime.isRuined(line.bytes, line.fields[columns.clock], next: next) else { return nil }
        let problem = line.problem(columns.clock, "")
        let place = LineFindings.place(problem, line.bytes, lines.number)
        return EvidenceError(
            code: .notEvidence, file: file,
            description: "\(file), \(place): the Clock-Time \(quoted(line.value(columns.clock))) was rounded by a "
                + "spreadsheet, and its digits are lost; write the CSV again from the trace (tracerpt) and do not save "
                + "it from a spreadsheet")
    }

    /// EventTrace, Header: BufferSize, Version, ProviderVersion, NumberOfProcessors, EndTime, TimerResolution (100 ns),
    /// MaxFileSize, LogFileMode, BuffersWritten, StartBuffers, PointerSize, EventsLost, …
    private func header(_ columns: TraceColumns, _ time: Timestamp) -> EvidenceRecord? {
        guard line.count > columns.data + 11 else { return nil }
        if let timer = line.number(columns.data + 5), (1...1_000_000).contains(timer) {
            clock = Self.clock(resolution: Int64(timer) * 100)
        }
        guard let lost = line.number(columns.data + 11), lost > 0 else { return nil }
        return .lost(lose(lost, at: nil))
    }

    private static func clock(resolution: Int64) -> EvidenceClock {
        EvidenceClock(
            relation: .foreign, resolution: resolution,
            description: "the traced machine's, UTC (FILETIME); may advance every \(Double(resolution) / 1e6) ms only")
    }

    /// Records are missing: of this moment, or of any.
    private func lose(_ count: UInt64, at time: Timestamp?, kind: LossInterval.Kind = .send) -> LossInterval {
        let loss = LossInterval(
            kind: kind, count: count, start: time ?? .distantPast, stop: time ?? .distantFuture)
        coverage.add(loss, limit: Self.lossLimit)
        return loss
    }
}
