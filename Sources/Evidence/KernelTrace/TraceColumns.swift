import Records

/// Where the columns of a kernel trace's CSV stand: by the header's names, or without one by where the time stamp is.
struct TraceColumns: Hashable {
    var type = 1
    var thread: Int
    var clock: Int
    /// The first column of the event's own data.
    var data: Int
    /// Two columns (IID, PIID) may stand behind the data.
    var mayHaveInstance: Bool

    /// XP to Vista: Event Name, Type, TID, Clock-Time, Kernel(ms), User(ms), data…, IID, PIID.
    static let old = TraceColumns(thread: 2, clock: 3, data: 6, mayHaveInstance: true)
    /// Windows 7 and later: Event Name, Type, Event ID, Version, Channel, Level, Opcode, Task, Keyword, PID, TID,
    /// Processor Number, Instance ID, Parent Instance ID, Activity ID, Related Activity ID, Clock-Time, Kernel(ms),
    /// User(ms), User Data.
    static let modern = TraceColumns(thread: 10, clock: 16, data: 19, mayHaveInstance: false)

    private init(thread: Int, clock: Int, data: Int, mayHaveInstance: Bool) {
        self.thread = thread
        self.clock = clock
        self.data = data
        self.mayHaveInstance = mayHaveInstance
    }

    /// The columns that a header line names; nil where the line is no header.
    init?(header line: CSVLine) {
        guard line.count >= 4, line.keyword(0) == Word.eventName else { return nil }
        let names = (0..<line.count).map(line.keyword)
        guard let clock = names.firstIndex(of: Word.clockTime) else { return nil }
        self.clock = clock
        type = names.firstIndex(of: Word.type) ?? 1
        thread = names.firstIndex(of: Word.thread) ?? -1
        // Some headers stop before the data.
        let user = names.firstIndex(of: Word.userTime) ?? names.firstIndex(of: Word.kernelTime) ?? clock
        data = names.firstIndex(of: Word.userData) ?? user + 1
        mayHaveInstance = !names.contains(Word.instance)
    }

    /// The columns of a line without a header; nil where no time stamp stands at a known place.
    init?(guessing line: CSVLine) {
        if Self.holdsTime(line, 3) {
            self = .old
        } else if Self.holdsTime(line, 16) {
            self = .modern
        } else {
            return nil
        }
    }

    /// A FILETIME of our age has 18 digits; a spreadsheet may have ruined it.
    private static func holdsTime(_ line: CSVLine, _ field: Int) -> Bool {
        guard field < line.count else { return false }
        let range = line.fields[field]
        return range.count >= 17 && line.bytes.decimalNumber(range) != nil
            || FileTime.isRuined(line.bytes, range, next: field + 1 < line.count ? line.fields[field + 1] : nil)
    }

    private enum Word {
        static let eventName = Keyword("event name")
        static let clockTime = Keyword("clock-time")
        static let type = Keyword("type")
        static let thread = Keyword("tid")
        static let kernelTime = Keyword("kernel(ms)")
        static let userTime = Keyword("user(ms)")
        static let userData = Keyword("user data")
        static let instance = Keyword("instance id")
    }
}

/// Time stamps of Windows: 100 ns since 1601-01-01T00:00:00Z (FILETIME).
enum FileTime {
    /// 1970 in FILETIME.
    private static let unixEpoch: Int64 = 116_444_736_000_000_000

    /// The moment; nil where it is not between 1980 and 2200, which no trace is.
    static func timestamp(_ value: UInt64) -> Timestamp? {
        guard (119_600_064_000_000_000...189_025_920_000_000_000).contains(value) else { return nil }
        return Timestamp(nanoseconds: (Int64(value) - unixEpoch) * 100)
    }

    /// `1.29079E+17`, or `1,29079E+17` which a comma made two values of.
    static func isRuined(_ bytes: [UInt8], _ range: Range<Int>, next: Range<Int>?) -> Bool {
        guard let first = range.first, bytes[first].isDigit else { return false }
        if isPower(bytes, range) { return true }
        guard range.count == 1, let next, let start = next.first, bytes[start].isDigit else { return false }
        return isPower(bytes, next)
    }

    /// Digits, points and commas, then E and an exponent.
    private static func isPower(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let mark = range.first(where: { bytes[$0] | 0x20 == UInt8(ascii: "e") }), mark > range.lowerBound else {
            return false
        }
        let mantissa = range.lowerBound..<mark
        var exponent = mark + 1..<range.upperBound
        if let sign = exponent.first, bytes[sign] == UInt8(ascii: "+") { exponent = exponent.dropFirst() }
        return mantissa.allSatisfy {
            bytes[$0].isDigit || bytes[$0] == UInt8(ascii: ".") || bytes[$0] == UInt8(ascii: ",")
        } && !exponent.isEmpty && exponent.allSatisfy { bytes[$0].isDigit }
    }
}
