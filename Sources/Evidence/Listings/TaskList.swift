import Records
import TextEscaping

/// Reads tasklist's output: tables with or without their columns kept, CSV and lists; plain, `/SVC`, `/V` and `/M`.
final class TaskList: RecordStream {
    /// How the rows are printed.
    enum Form: Hashable {
        case table
        case commaSeparated
        case list
    }

    let kind = EvidenceKind.taskList
    let isConverted = false
    let endedWithoutSummary = false
    let clock = EvidenceClock.listing

    private var text: ListingText
    private let form: Form
    private let host: UInt16
    private var ruler: TaskListRuler?
    private var csv = CSVLine()
    private var entry = TaskListEntry()
    /// The last row: its services may go on in the next line.
    private var pending: ProcessSighting?
    private var pendingListsServices = false
    private var endsInComma = false
    private var ready: [EvidenceRecord] = []
    private var isFinished = false

    init(_ lines: TextLines, form: Form, file: String, host: UInt16) {
        text = ListingText(lines, file: file, subject: .processes)
        self.form = form
        self.host = host
    }

    var coverage: Coverage { text.coverage }
    var damage: [Damage] { text.damage }

    func next() throws(EvidenceError) -> EvidenceRecord? {
        while ready.isEmpty {
            guard !isFinished else { return nil }
            var sawBlank = false
            guard try text.advance(blank: { sawBlank = true }) else {
                isFinished = true
                finishEntry()
                release()
                break
            }
            if sawBlank { finishEntry() }
            switch form {
            case .table: tableLine()
            case .commaSeparated: commaSeparatedLine()
            case .list: listLine()
            }
        }
        return ready.isEmpty ? nil : ready.removeFirst()
    }

    private func add(_ row: TaskListRow) {
        release()
        let (listing, isNew) = text.open()
        if isNew { ready.append(.listing(listing)) }
        pending = ProcessSighting(
            occasion: .listed, time: listing.taken, pid: row.pid, imageName: LosslessEscape.text(row.imageName),
            isNameCut: row.isNameCut, user: row.user, services: row.services, listing: listing,
            position: text.number, host: host)
        pendingListsServices = row.listsServices
        endsInComma = endsInCommaNow
    }

    private func release() {
        if let sighting = pending { ready.append(.sighting(sighting)) }
        pending = nil
    }

    private var endsInCommaNow: Bool {
        text.line.last { !$0.isBlank } == UInt8(ascii: ",")
    }
}

// Tables.
extension TaskList {
    private func tableLine() {
        let line = text.line
        if let found = TaskListRuler(line) {
            release()
            ruler = found
            text.endListing()
            return
        }
        if let row = ruler?.row(line) ?? TaskListRow(words: text.words, in: line) { return add(row) }
        if pending != nil, pendingListsServices, line.first?.isBlank == true || endsInComma {
            let rest = ruler?.continuation(line) ?? line[line.trimmed(0..<line.count)]
            pending?.services += TaskListRow.services(rest)
            endsInComma = endsInCommaNow
            return
        }
        if isHeader {
            release()
            text.endListing()
            return
        }
        // Above the first row stand headers, in any language; a row would have a number in it.
        guard text.current != nil || line.contains(where: \.isDigit) else { return }
        text.note(
            LineProblem(
                position: 0,
                what: "\(quoted(line)) is no line of a task list: an image name, a process id, and a session with its "
                    + "memory or a list of services"))
    }

    /// `PID` stays as it is in most languages.
    private var isHeader: Bool {
        text.words.contains { text.line[$0].elementsEqual("PID".utf8) }
    }
}

// CSV.
extension TaskList {
    private func commaSeparatedLine() {
        csv.bytes = text.line
        csv.split()
        guard csv.count >= 3, let pid = csv.number(1).flatMap({ UInt32(exactly: $0) }) else {
            if csv.count >= 3, !csv.fields[1].contains(where: { csv.bytes[$0].isDigit }) {
                release()
                text.endListing()
            } else {
                text.note(
                    csv.problem(
                        min(1, csv.count - 1), "\(quoted(csv.value(min(1, csv.count - 1)))) is not a process id"))
            }
            return
        }
        var row = TaskListRow(imageName: csv.value(0), pid: pid)
        if csv.count == 3 { row.services = TaskListRow.services(csv.value(2)) }
        if csv.count >= 9 { row.user = TaskListRow.user(csv.value(6)) }
        add(row)
    }
}

// Lists: `Image Name:   store.exe`, a line for each value and a blank line between two processes.
extension TaskList {
    private func listLine() {
        let line = text.line
        if line.first?.isBlank == true, !entry.isEmpty {
            entry.extend(line[line.trimmed(0..<line.count)])
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            text.note(LineProblem(position: 0, what: "\(quoted(line)) is not of the form \"name: value\""))
            return
        }
        let key = Array(line[line.trimmed(0..<colon)])
        if entry.begins(with: key) { finishEntry() }
        entry.add(key, Array(line[line.trimmed(colon + 1..<line.count)]))
    }

    private func finishEntry() {
        guard form == .list, !entry.isEmpty else { return }
        defer { entry = TaskListEntry() }
        guard let row = entry.row else {
            text.note(
                LineProblem(
                    position: 0, what: "the process above has no number as its second value, which is its process id"))
            return
        }
        add(row)
    }
}

/// The values of a process in a list, in their order, which is the same in every language.
private struct TaskListEntry {
    private var keys: [[UInt8]] = []
    private var values: [[UInt8]] = []

    var isEmpty: Bool { keys.isEmpty }

    func begins(with key: [UInt8]) -> Bool { keys.first == key }

    mutating func add(_ key: [UInt8], _ value: [UInt8]) {
        keys.append(key)
        values.append(value)
    }

    /// A value goes on in an indented line.
    mutating func extend(_ text: ArraySlice<UInt8>) {
        values[values.count - 1] += [UInt8(ascii: " ")] + text
    }

    var row: TaskListRow? {
        guard values.count >= 2, !values[0].isEmpty,
            let pid = values[1].decimalNumber(0..<values[1].count).flatMap({ UInt32(exactly: $0) })
        else { return nil }
        var row = TaskListRow(imageName: values[0], pid: pid)
        if values.count == 3 { row.services = TaskListRow.services(values[2]) }
        if values.count >= 9 { row.user = TaskListRow.user(values[6]) }
        return row
    }
}
