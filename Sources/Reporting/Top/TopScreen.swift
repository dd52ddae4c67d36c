/// A line of a picture: texts at their columns.
public struct TopLine: Sendable {
    /// How a text stands out.
    public enum Style: Sendable {
        case plain, heading, sender, doubtful, quiet, tag, alarm
    }

    /// A text at a column, from 0 on.
    public struct Part: Sendable {
        /// The column.
        public var column: Int
        /// The text, without control characters.
        public var text: String
        /// How it stands out.
        public var style: Style
    }

    /// The texts, from left to right.
    public private(set) var parts: [Part] = []

    /// Puts a text.
    mutating func put(_ text: String, at column: Int, _ style: Style = .plain) {
        if !text.isEmpty { parts.append(Part(column: column, text: text, style: style)) }
    }

    /// A line of one text.
    init(_ text: String = "", _ style: Style = .plain) { put(text, at: 0, style) }
}

/// A picture of the table: as many lines as the terminal has rows, or fewer.
public struct TopScreen: Sendable {
    /// The lines, from the top.
    public internal(set) var lines: [TopLine] = []
    /// Where something is being typed.
    public internal(set) var cursor: (row: Int, column: Int)?
}

/// The columns that fit, and where they stand.
struct TopColumns {
    enum Column: CaseIterable {
        case who, confidence, tag, rate, total, destinations, last, detail

        var heading: String {
            switch self {
            case .who: "PROCESS"
            case .confidence: "SURE"
            case .tag: "TAG"
            case .rate: "PKT/S"
            case .total: "TOTAL"
            case .destinations: "DEST."
            case .last: "LAST UTC"
            case .detail: "EXECUTABLE OR REASON"
            }
        }

        /// Numbers are set to the right.
        var isNumber: Bool { self == .rate || self == .total || self == .destinations }
    }

    private(set) var places: [(column: Column, start: Int, width: Int)] = []

    /// What matters least is left out first; who it is, how sure that is, and how much it sends always stay.
    init(width: Int) {
        var widths: [(Column, Int)]
        switch width {
        case ..<34: widths = [(.confidence, 9), (.rate, 6)]
        case ..<56: widths = [(.confidence, 9), (.rate, 7), (.total, 7)]
        case ..<72: widths = [(.confidence, 9), (.rate, 7), (.total, 8), (.last, 8)]
        case ..<110:
            // The longest usual tag has 22 columns.
            let tag = width < 90 ? 16 : 22
            widths = [(.confidence, 9), (.tag, tag), (.rate, 6), (.total, 8), (.destinations, 5), (.last, 8)]
        default: widths = [(.confidence, 9), (.tag, 24), (.rate, 8), (.total, 12), (.destinations, 7), (.last, 8)]
        }
        let fixed = widths.reduce(0) { $0 + $1.1 + 1 }
        let rest = max(width - fixed, 1)
        if width < 110 {
            widths.insert((.who, rest), at: 0)
        } else {
            let who = min(32, rest / 2 + 2)
            widths.insert((.who, who), at: 0)
            widths.append((.detail, max(rest - who - 1, 1)))
        }
        var start = 0
        for (column, width) in widths {
            places.append((column, start, width))
            start += width + 1
        }
    }
}
