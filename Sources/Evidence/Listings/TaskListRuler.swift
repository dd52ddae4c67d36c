/// The columns of a tasklist table, from the ruler of equal signs below its header. Their widths differ between
/// versions and languages, and count characters, not bytes.
struct TaskListRuler: Hashable {
    /// Columns as character positions.
    private let columns: [Range<Int>]

    /// Nil where the line is no ruler.
    init?(_ line: [UInt8]) {
        guard line.allSatisfy({ $0 == UInt8(ascii: "=") || $0.isBlank }) else { return nil }
        var columns: [Range<Int>] = []
        for index in line.indices where line[index] == UInt8(ascii: "=") {
            if let last = columns.last, last.upperBound == index {
                columns[columns.count - 1] = last.lowerBound..<index + 1
            } else {
                columns.append(index..<index + 1)
            }
        }
        guard columns.count >= 2 else { return nil }
        self.columns = columns
    }

    /// The row of a line; nil where it does not keep to the columns.
    func row(_ line: [UInt8]) -> TaskListRow? {
        guard let cells = cells(line), let pid = line.decimalNumber(cells[1]).flatMap({ UInt32(exactly: $0) }),
            !cells[0].isEmpty
        else { return nil }
        var row = TaskListRow(imageName: Array(line[cells[0]]), pid: pid)
        row.isNameCut = line[cells[0]].count { $0 & 0xC0 != 0x80 } >= columns[0].count
        if columns.count == 3 {
            row.services = TaskListRow.services(line[cells[2]])
            row.listsServices = true
        }
        // Image, PID, session name, session number, memory, status, user, CPU time, window title.
        if columns.count == 9 { row.user = TaskListRow.user(line[cells[6]]) }
        return row
    }

    /// The rest of a list of services: nothing stands below the image and the process id.
    func continuation(_ line: [UInt8]) -> ArraySlice<UInt8>? {
        guard columns.count == 3, let cells = cells(line), cells[0].isEmpty, cells[1].isEmpty, !cells[2].isEmpty else {
            return nil
        }
        return line[cells[2]]
    }

    /// The bytes below each column; nil where a value crosses a column's border.
    private func cells(_ line: [UInt8]) -> [Range<Int>]? {
        // Where each character begins; the line's end stands for all positions behind it.
        var starts: [Int] = []
        starts.reserveCapacity(line.count)
        for index in line.indices where line[index] & 0xC0 != 0x80 { starts.append(index) }
        func byte(_ character: Int) -> Int { character < starts.count ? starts[character] : line.count }
        var cells: [Range<Int>] = []
        for (index, column) in columns.enumerated() {
            let isLast = index == columns.count - 1
            let range = byte(column.lowerBound)..<(isLast ? line.count : byte(column.upperBound))
            if !isLast, byte(column.upperBound) < line.count, !line[byte(column.upperBound)].isBlank { return nil }
            cells.append(line.trimmed(range))
        }
        return cells
    }
}
