import Records
import TextEscaping

/// What is wrong with a field of a line: the reason it is left out, as a sentence without its place.
struct LineProblem: Error {
    /// The byte of the line at which it is.
    var position: Int
    /// What is wrong and what would be right.
    var what: String
}

/// What was found wrong in a text, with line and column; at most a hundred findings, the last of which says that there
/// are more.
struct LineFindings {
    private static let limit = 100

    let file: String
    private(set) var list: [Damage] = []
    /// How many there were, also those that are not listed.
    private(set) var count: UInt64 = 0

    init(file: String) { self.file = file }

    mutating func note(_ problem: LineProblem, line: [UInt8], number: UInt64, offset: UInt64) {
        count += 1
        guard list.count < Self.limit else { return }
        let isLast = list.count == Self.limit - 1
        let what = isLast ? "more lines from here on cannot be used, and are not listed" : problem.what
        list.append(Damage(file: file, offset: offset, what: "\(Self.place(problem, line, number)): \(what)"))
    }

    /// `line 17, column 43`, both from 1; columns count characters.
    static func place(_ problem: LineProblem, _ line: [UInt8], _ number: UInt64) -> String {
        "line \(number), column \(line.prefix(problem.position).count { $0 & 0xC0 != 0x80 } + 1)"
    }
}

/// A piece of an untrusted line for a message: escaped, and no longer than a message may be.
func quoted(_ bytes: some Collection<UInt8>) -> String {
    let shown = LosslessEscape.text(bytes.prefix(48))
    return "\"\(shown)\(bytes.count > 48 ? "…" : "")\""
}
