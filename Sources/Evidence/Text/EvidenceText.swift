import PcapNG

/// The kinds of text that are evidence, told by the first lines of a file.
enum EvidenceText: Hashable {
    case kernelTrace
    case taskList(TaskList.Form)
    case socketList

    /// What the lines are; nil where nothing known.
    init?(_ lines: [[UInt8]]) {
        if lines.contains(where: Self.isTraceLine) {
            self = .kernelTrace
        } else if lines.contains(where: Self.isSocketLine) {
            self = .socketList
        } else if let form = Self.taskListForm(lines) {
            self = .taskList(form)
        } else {
            return nil
        }
    }

    private static func isTraceLine(_ line: [UInt8]) -> Bool {
        var csv = CSVLine()
        csv.bytes = line
        csv.split()
        guard csv.count >= 4 else { return false }
        return TraceColumns(header: csv) != nil || csv.count >= 6 && TraceColumns(guessing: csv) != nil
    }

    /// A protocol, and an address with a port or a name with one.
    private static func isSocketLine(_ line: [UInt8]) -> Bool {
        let words = line.split(whereSeparator: \.isBlank)
        guard words.count >= 3, SocketList.transport(Keyword(Array(words[0]), 0..<words[0].count)) != nil else {
            return false
        }
        return words[1].contains(UInt8(ascii: ":")) && words[2].contains(UInt8(ascii: ":"))
    }

    private static func taskListForm(_ lines: [[UInt8]]) -> TaskList.Form? {
        if lines.contains(where: { TaskListRuler($0) != nil }) { return .table }
        if lines.contains(where: isTaskValues) { return .commaSeparated }
        if zip(lines, lines.dropFirst()).contains(where: { isListEntry($0, $1) }) { return .list }
        let isTable = lines.contains { line in
            let words = line.split(whereSeparator: \.isBlank).map { $0.startIndex..<$0.endIndex }
            return words.count >= 3 && TaskListRow(words: words, in: line) != nil
        }
        return isTable ? .table : nil
    }

    /// `"store.exe","2136",…`
    private static func isTaskValues(_ line: [UInt8]) -> Bool {
        guard line.first == UInt8(ascii: "\"") else { return false }
        var csv = CSVLine()
        csv.bytes = line
        csv.split()
        return csv.count >= 3 && csv.isQuoted(1) && csv.bytes.decimalNumber(csv.fields[1]) != nil
            && csv.bytes.decimalNumber(csv.fields[0]) == nil
    }

    /// `Image Name:   store.exe`, and below it a name with a number.
    private static func isListEntry(_ line: [UInt8], _ next: [UInt8]) -> Bool {
        guard let image = value(line), let pid = value(next) else { return false }
        return !line[image].isEmpty && next.decimalNumber(pid) != nil && TaskListRow.hasExtension(Array(line[image]))
            || next.starts(with: "PID:".utf8) && next.decimalNumber(pid) != nil
    }

    private static func value(_ line: [UInt8]) -> Range<Int>? {
        guard line.first?.isBlank == false, let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        return line.trimmed(colon + 1..<line.count)
    }
}

/// The first lines of a file, as far as they are whole; at most 40.
func textBegin(_ prefix: [UInt8], _ encoding: TextEncoding, markLength: Int) -> [[UInt8]] {
    var lines = TextLines(
        MemorySource(Array(prefix.dropFirst(markLength))), encoding: encoding, markLength: markLength)
    var begin: [[UInt8]] = []
    var line: [UInt8] = []
    while begin.count < 40, (try? lines.next(into: &line)) == true { begin.append(line) }
    // The last line goes on behind the prefix.
    if prefix.count == FileContent.prefixLength, begin.count > 1 { begin.removeLast() }
    return begin
}
