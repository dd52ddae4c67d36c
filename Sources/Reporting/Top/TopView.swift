internal import Correlation
internal import Records

/// What somebody does with the table.
public enum TopKey: Hashable, Sendable {
    /// A byte of a character, in UTF-8.
    case byte(UInt8)
    case enter, escape, backspace
    case up, down, pageUp, pageDown, home, end
}

/// How the table is looked at: order, filter, pause, and what of it fits the terminal.
public struct TopView: Sendable {
    /// What the rows are ordered by, in the order in which `s` goes through them.
    public enum Order: String, CaseIterable, Sendable {
        case rate, total, destinations
        case last = "last seen"
        case process, tag
    }

    /// The longest filter, in bytes.
    static let filterLimit = 64

    private let title: String
    private let unicode: Bool
    /// What the rows are ordered by.
    public private(set) var order = Order.rate
    /// Only rows that hold this text are shown.
    public private(set) var filter = ""
    /// The rows do not change.
    public var isPaused: Bool { frozen != nil }

    private var frozen: TopModel?
    /// The filter as it is being typed: bytes, since a character may come in several keys.
    private var typed: [UInt8]?
    private var offset = 0
    private var pageRows = 1

    /// A view.
    ///
    /// - Parameters:
    ///   - title: what is watched.
    ///   - unicode: the terminal shows more than ASCII.
    public init(title: String, unicode: Bool) {
        self.title = unicode ? TerminalText.visible(title) : TopText.ascii(TerminalText.visible(title))
        self.unicode = unicode
    }

    // MARK: Keys

    /// Does what a key asks for.
    ///
    /// - Returns: false where that is the end.
    public mutating func handle(_ key: TopKey, _ model: TopModel) -> Bool {
        if typed != nil {
            type(key)
            return true
        }
        switch key {
        case .byte(UInt8(ascii: "q")), .byte(UInt8(ascii: "Q")): return false
        case .byte(UInt8(ascii: "p")): frozen = frozen == nil ? model : nil
        case .byte(UInt8(ascii: "s")):
            let all = Order.allCases
            order = all[((all.firstIndex(of: order) ?? 0) + 1) % all.count]
            offset = 0
        case .byte(UInt8(ascii: "/")): typed = Array(filter.utf8)
        case .escape: filter = ""
        case .up: offset -= 1
        case .down: offset += 1
        case .pageUp: offset -= pageRows
        case .pageDown: offset += pageRows
        case .home: offset = 0
        case .end: offset = .max / 2
        case .byte, .enter, .backspace: break
        }
        return true
    }

    private mutating func type(_ key: TopKey) {
        guard var bytes = typed else { return }
        switch key {
        case .byte(let byte): if bytes.count < Self.filterLimit { bytes.append(byte) }
        case .backspace:
            while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        case .enter:
            filter = Self.text(bytes)
            offset = 0
            typed = nil
            return
        case .escape:
            typed = nil
            return
        case .up, .down, .pageUp, .pageDown, .home, .end: break
        }
        typed = bytes
    }

    /// Bytes that are no UTF-8, or not yet, are left out.
    private static func text(_ bytes: [UInt8]) -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        text.unicodeScalars.removeAll { $0 == "\u{FFFD}" }
        return text
    }

    // MARK: The picture

    /// The picture for a terminal of so many columns and rows.
    public mutating func screen(_ model: TopModel, columns: Int, rows: Int) -> TopScreen {
        let shown = frozen ?? model
        let indices = ordered(shown)
        var screen = TopScreen()
        screen.lines = header(model, rowCount: indices.count, columns: columns)
        let places = TopColumns(width: columns)
        screen.lines.append(headings(places))
        pageRows = max(rows - screen.lines.count - 1, 0)
        offset = max(0, min(offset, indices.count - max(pageRows, 1)))
        for index in indices.dropFirst(offset).prefix(pageRows) {
            screen.lines.append(line(shown, index, places))
        }
        while screen.lines.count < rows - 1 { screen.lines.append(TopLine()) }
        screen.lines = Array(screen.lines.prefix(max(rows - 1, 0)))
        let hidden = max(indices.count - offset - pageRows, 0)
        let (footer, cursor) = footer(columns, hidden: hidden)
        screen.cursor = cursor.map { (screen.lines.count, $0) }
        screen.lines.append(footer)
        return screen
    }

    /// The places of the rows that pass the filter, in order.
    private func ordered(_ model: TopModel) -> [Int] {
        let rows = model.frame.rows
        let wanted = typed.map(Self.text) ?? filter
        let needsTexts = !wanted.isEmpty || order == .process || order == .tag
        let texts = needsTexts ? rows.map { TopRow($0, unicode: unicode) } : []
        let indices = rows.indices.filter { wanted.isEmpty || texts[$0].contains(wanted) }
        let rates = rows.indices.map { model.rate(of: $0) }
        return indices.sorted { left, right in
            let (one, other) = (rows[left], rows[right])
            switch order {
            case .rate: if rates[left] != rates[right] { return rates[left] > rates[right] }
            case .total: break
            case .destinations:
                if one.destinations != other.destinations { return one.destinations > other.destinations }
            case .last: if one.last != other.last { return one.last > other.last }
            case .process: if texts[left].who != texts[right].who { return texts[left].who < texts[right].who }
            case .tag:
                // What has none comes last.
                let (tag, second) = (
                    one.tag == nil ? "\u{7F}" : texts[left].tag, other.tag == nil ? "\u{7F}" : texts[right].tag
                )
                if tag != second { return tag < second }
            }
            return one.packets != other.packets ? one.packets > other.packets : left < right
        }
    }

    private func header(_ model: TopModel, rowCount: Int, columns: Int) -> [TopLine] {
        let seconds = (model.frame.time - (model.begin ?? model.frame.time)) / 1_000_000_000
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            .joined(separator: ":")
        let state = isPaused ? "PAUSED " : ""
        let right = state + clock
        var first = TopLine(TopText.fit("whosent \(title)", columns - right.count - 1, unicode: unicode), .heading)
        first.put(right, at: max(columns - right.count, 0), isPaused ? .alarm : .plain)
        let rate = TopText.rate(model.rate, 12)
        let filtered = filter.isEmpty ? "" : ", filter \(shownFilter)"
        let second = choose(
            [
                "\(rate) packets/s, \(model.frame.packets) packets, \(rowCount) rows, by \(order.rawValue)\(filtered)",
                "\(rate)/s, \(TopText.count(model.frame.packets, 9)) packets, by \(order.rawValue)\(filtered)",
            ], columns)
        return [first, TopLine(second), losses(model, columns)]
    }

    /// What was lost, of the running account also while the rows stand still.
    private func losses(_ model: TopModel, _ columns: Int) -> TopLine {
        let lost = model.frame.lost
        func sum(_ kinds: [LossInterval.Kind]) -> UInt64 { kinds.reduce(0) { $0 + (lost[$1] ?? 0) } }
        let counts: [(count: UInt64, long: String, short: String)] = [
            (sum([.send, .wire, .process]), "records in the kernel", "kernel"),
            (sum([.capture]), "packets in capture", "capture"),
            (sum([.table, .processTable, .flowTable, .fragmentTable]), "in full tables", "tables"),
        ].filter { $0.count > 0 }
        guard !counts.isEmpty else { return TopLine("nothing lost", .quiet) }
        let text = choose(
            [
                "LOST: " + counts.map { "\($0.count) \($0.long)" }.joined(separator: ", "),
                "LOST " + counts.map { "\($0.short) \(TopText.count($0.count, 5))" }.joined(separator: " "),
            ], columns)
        return TopLine(text, .alarm)
    }

    private func headings(_ columns: TopColumns) -> TopLine {
        var line = TopLine()
        for (column, start, width) in columns.places {
            let text = TopText.fit(column.heading, width, unicode: false)
            line.put(text, at: column.isNumber ? start + width - text.utf8.count : start, .heading)
        }
        return line
    }

    private func line(_ model: TopModel, _ index: Int, _ columns: TopColumns) -> TopLine {
        let row = model.frame.rows[index]
        let texts = TopRow(row, unicode: unicode)
        var line = TopLine()
        for (column, start, width) in columns.places {
            let more = row.hasMoreDestinations ? "+" : ""
            let (text, style): (String, TopLine.Style) =
                switch column {
                case .who: (texts.who, texts.style)
                case .confidence: (texts.confidence, texts.style)
                case .tag: (texts.tag, row.tag == nil ? .plain : .tag)
                case .rate: (TopText.rate(model.rate(of: index), width), .plain)
                case .total: (TopText.count(row.packets, width), .plain)
                case .destinations: (TopText.count(row.destinations, width - more.utf8.count) + more, .plain)
                case .last: (row.last.clock(digits: 0), .plain)
                case .detail: (texts.detail, .plain)
                }
            let isProcess = column == .who && row.process != nil
            let cut = TopText.fit(text, width, unicode: unicode, keepsProcess: isProcess)
            line.put(cut, at: column.isNumber ? start + width - cut.utf8.count : start, style)
        }
        return line
    }

    private func footer(_ columns: Int, hidden: Int) -> (TopLine, cursor: Int?) {
        if typed != nil {
            let text = TopText.fit("filter: \(shownFilter)", max(columns - 1, 0), unicode: unicode)
            return (TopLine(text, .heading), min(TerminalText.width(text), max(columns - 1, 0)))
        }
        let more = hidden > 0 ? "\(hidden) more below  " : ""
        let text = choose(
            ["\(more)q quit  p pause  s sort  / filter  arrows scroll", "\(more)q quit p pause s sort / filter"],
            columns)
        return (TopLine(text, .quiet), nil)
    }

    private var shownFilter: String {
        let text = TerminalText.visible(typed.map(Self.text) ?? filter)
        return unicode ? text : TopText.ascii(text)
    }

    /// The first text that fits, or the last one cut.
    private func choose(_ texts: [String], _ columns: Int) -> String {
        texts.first { TerminalText.width($0) <= columns } ?? TopText.fit(texts.last ?? "", columns, unicode: unicode)
    }
}
