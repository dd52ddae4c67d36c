import Records

/// Process events of the NT Kernel Logger, all generations (MOF classes Process_V0_TypeGroup1 to Process_V4_TypeGroup1).
struct TraceProcesses {
    private let host: UInt16

    init(host: UInt16) { self.host = host }

    /// Places of an event's values, counted from the first.
    private struct Layout {
        var pid: Int
        var parent: Int
        var user: Int
        var image: Int
        var commandLine: Int?
        /// Process ids are hexadecimal also where they have no `0x`.
        var isHex: Bool
    }

    /// The sighting of a line; nil for events that do not name a process's life.
    func record(
        _ line: CSVLine, _ columns: TraceColumns, time: Timestamp, position: UInt64
    ) throws(LineProblem) -> ProcessSighting? {
        guard let occasion = Self.occasions[line.keyword(columns.type)] else { return nil }
        let first = columns.data
        let count = Self.valueCount(line, columns)
        guard let layout = Self.layout(count) else {
            throw line.problem(
                min(first, line.count),
                "a Process event has \(count) values, which is no layout that is known (4, 7, 8, 9, 11 or 12)")
        }
        let image = line.text(first + layout.image)
        // An image's name never is a number: then the columns stand elsewhere, and any pid would be a wrong one.
        if line.bytes.decimalNumber(line.fields[first + layout.image]) != nil {
            throw line.problem(first + layout.image, "\(quoted(line.value(first + layout.image))) is no image name")
        }
        let pid = try processID(line, first + layout.pid, isHex: layout.isHex)
        let parent = try? processID(line, first + layout.parent, isHex: layout.isHex)
        return ProcessSighting(
            occasion: occasion, time: time, pid: pid, parent: parent, imageName: image,
            commandLine: layout.commandLine.flatMap { line.text(first + $0) }, user: line.text(first + layout.user),
            position: position, host: host)
    }

    private static let occasions: [Keyword: ProcessSighting.Occasion] = [
        Keyword("start"): .started, Keyword("end"): .ended, Keyword("dcstart"): .atBegin, Keyword("dcend"): .atEnd,
        Keyword("1"): .started, Keyword("2"): .ended, Keyword("3"): .atBegin, Keyword("4"): .atEnd,
    ]

    /// How many values the event has of its own. Where the instance ids may follow them they are the last two, and plain
    /// numbers, which an image name and a command line are not.
    private static func valueCount(_ line: CSVLine, _ columns: TraceColumns) -> Int {
        let count = max(line.count - columns.data, 0)
        guard columns.mayHaveInstance, count >= 6 else { return count }
        let hasInstance = (line.count - 2..<line.count).allSatisfy {
            !line.isQuoted($0) && line.bytes.decimalNumber(line.fields[$0]) != nil
        }
        return hasInstance ? count - 2 : count
    }

    private static func layout(_ count: Int) -> Layout? {
        switch count {
        // XP: ProcessId, ParentId, UserSID, ImageFileName.
        case 4: Layout(pid: 0, parent: 1, user: 2, image: 3, isHex: false)
        // 2003: PageDirectoryBase, ProcessId, ParentId, SessionId, ExitStatus, UserSID, ImageFileName.
        case 7: Layout(pid: 1, parent: 2, user: 5, image: 6, isHex: true)
        // Vista: UniqueProcessKey, ProcessId, ParentId, SessionId, ExitStatus, UserSID, ImageFileName, CommandLine.
        case 8: Layout(pid: 1, parent: 2, user: 5, image: 6, commandLine: 7, isHex: false)
        // 7: DirectoryTableBase after ExitStatus.
        case 9: Layout(pid: 1, parent: 2, user: 6, image: 7, commandLine: 8, isHex: false)
        // 8 and later: Flags after it, PackageFullName and ApplicationId at the end.
        case 11, 12: Layout(pid: 1, parent: 2, user: 7, image: 8, commandLine: 9, isHex: false)
        default: nil
        }
    }

    private func processID(_ line: CSVLine, _ field: Int, isHex: Bool) throws(LineProblem) -> UInt32 {
        let range = line.fields[field]
        let number =
            (isHex ? line.bytes.hexNumber(range) : nil) ?? line.bytes.number(range) ?? line.bytes.hexNumber(range)
        guard let number, let pid = UInt32(exactly: number) else {
            throw line.problem(field, "\(quoted(line.value(field))) is not a process id")
        }
        return pid
    }
}
