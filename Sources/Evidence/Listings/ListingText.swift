import PcapNG
import Records

/// The reading that all listings share: lines, complaints, and where one listing ends and the next begins.
struct ListingText {
    let file: String
    let subject: Listing.Subject
    private(set) var line: [UInt8] = []
    /// The listing that is being read; nil before the first one and between two.
    private(set) var current: Listing?
    private(set) var coverage = Coverage.none
    private var lines: TextLines
    private var findings: LineFindings
    private var count: UInt32 = 0
    /// A time that was written above the listing to come.
    private var writtenTime: Timestamp?

    init(_ lines: TextLines, file: String, subject: Listing.Subject) {
        self.lines = lines
        self.file = file
        self.subject = subject
        findings = LineFindings(file: file)
    }

    var number: UInt64 { lines.number }
    var damage: [Damage] { findings.list }

    /// Goes to the next line that is not blank and says no time; `blank` is called for blank ones.
    mutating func advance(blank: () -> Void = {}) throws(EvidenceError) -> Bool {
        while true {
            do throws(ByteSourceError) {
                guard try lines.next(into: &line) else { return false }
            } catch {
                throw .readFailed(file, error)
            }
            let text = line.trimmed(0..<line.count)
            if text.isEmpty {
                blank()
                continue
            }
            if lines.isCut {
                note(LineProblem(position: 0, what: "the line is longer than any line of a listing; it is left out"))
                continue
            }
            // wmic prints the name of what follows.
            if isEllipsis(text) || Keyword(line, text) == Keyword("localdatetime") { continue }
            if line[text.lowerBound].isDigit || line.count < 80, let time = WrittenTime.find(in: line) {
                writtenTime = time
                // What follows was taken at this time, so it is another listing.
                current = nil
                continue
            }
            return true
        }
    }

    /// The listing that the current line belongs to, and whether it begins here.
    mutating func open() -> (listing: Listing, isNew: Bool) {
        if let current { return (current, false) }
        count += 1
        let listing = Listing(subject: subject, number: count, line: lines.number, taken: writtenTime)
        current = listing
        writtenTime = nil
        return (listing, true)
    }

    /// A header: the next row begins another listing.
    mutating func endListing() { current = nil }

    mutating func note(_ problem: LineProblem) {
        findings.note(problem, line: line, number: lines.number, offset: lines.offset)
    }

    /// `...` by which printed listings leave something out.
    private func isEllipsis(_ text: Range<Int>) -> Bool {
        text.allSatisfy { line[$0] == UInt8(ascii: ".") } || line[text].elementsEqual([0xE2, 0x80, 0xA6])
    }

    /// The line's words.
    var words: [Range<Int>] {
        var words: [Range<Int>] = []
        var index = 0
        while index < line.count {
            while index < line.count, line[index].isBlank { index += 1 }
            let start = index
            while index < line.count, !line[index].isBlank { index += 1 }
            if index > start { words.append(start..<index) }
        }
        return words
    }
}
