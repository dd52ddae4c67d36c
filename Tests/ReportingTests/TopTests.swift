import Correlation
import Records
import Testing
import TextEscaping

@testable import Reporting

@Suite("Table on the screen")
struct TopTests {
    /// A table with one row for each process.
    private static func rows(_ processes: [(pid: UInt32, name: String, packets: Int)]) -> [SummaryTable.Row] {
        var table = SummaryTable()
        for process in processes {
            for index in 0..<process.packets {
                table.count(
                    Sample.report(
                        UInt64(index + 1), .egress,
                        Sample.udp(Sample.server, 1, IPAddress(v4: 0xC633_6400 + process.pid), 53, payload: []),
                        Sample.exact(Sample.sender(pid: process.pid)),
                        process: Sample.process(
                            pid: process.pid, name: process.name, executable: "/opt/\(process.name)")))
            }
        }
        return table.rowsByAge
    }

    private static func frame(
        _ seconds: Double, _ processes: [(pid: UInt32, name: String, packets: Int)],
        lost: [LossInterval.Kind: UInt64] = [:]
    ) -> TopFrame {
        TopFrame(
            time: UInt64(seconds * 1e9), rows: rows(processes), packets: UInt64(processes.map(\.packets).reduce(0, +)),
            lost: lost)
    }

    private static func model(
        _ processes: [(pid: UInt32, name: String, packets: Int)], lost: [LossInterval.Kind: UInt64] = [:]
    ) -> TopModel {
        var model = TopModel()
        model.update(frame(1, [], lost: [:]))
        model.update(frame(2, processes, lost: lost))
        return model
    }

    /// The picture as lines of text, each column in its place.
    private static func text(_ screen: TopScreen) -> [String] {
        screen.lines.map { line in
            line.parts.reduce(into: "") { text, part in
                text += String(repeating: " ", count: max(part.column - TerminalText.width(text), 0)) + part.text
            }
        }
    }

    private static func type(_ view: inout TopView, _ text: String, _ model: TopModel) {
        for byte in text.utf8 { _ = view.handle(.byte(byte), model) }
    }

    // MARK: Rates

    @Test func aRateIsOverTheLastTwoSeconds() {
        var model = TopModel()
        model.update(Self.frame(0, []))
        #expect(model.rate == 0)
        for step in 1...40 { model.update(Self.frame(Double(step) / 4, [(7, "a", 11 * step)])) }
        #expect(model.rate(of: 0) == 44 && model.rate == 44)
        for step in 41...48 { model.update(Self.frame(Double(step) / 4, [(7, "a", 440)])) }
        #expect(model.rate(of: 0) == 0)
        #expect(model.rate(of: 1) == 0)
    }

    @Test func framesOutOfTurnDoNotShortenTheSpan() {
        var model = TopModel()
        for step in 0...400 { model.update(Self.frame(Double(step) / 100, [(7, "a", step)])) }
        #expect(abs(model.rate(of: 0) - 100) < 1)
    }

    @Test func aRowThatIsNewHadNothingBefore() {
        var model = TopModel()
        model.update(Self.frame(0, [(7, "a", 10)]))
        model.update(Self.frame(1, [(7, "a", 10), (8, "b", 5)]))
        #expect(model.rate(of: 0) == 0 && model.rate(of: 1) == 5)
    }

    // MARK: The picture

    @Test(
        "Nothing reaches beyond the terminal, and every row of it is used",
        arguments: [(80, 24), (40, 12), (200, 50), (110, 30), (33, 5), (12, 3), (1, 1)])
    func sizes(columns: Int, rows: Int) {
        let processes = (1...60).map { (pid: UInt32(1_000_000 + $0), name: "process-\($0)", packets: $0) }
        let model = Self.model(processes, lost: [.send: 12_345_678, .capture: 9, .table: 1])
        var view = TopView(title: "eth0 udp port 53 and host 192.0.2.1 and not broadcast", unicode: true)
        let screen = view.screen(model, columns: columns, rows: rows)
        #expect(screen.lines.count == rows)
        for line in screen.lines {
            for part in line.parts where columns >= 12 {
                #expect(part.column + TerminalText.width(part.text) <= columns, "\(part.text)")
            }
        }
    }

    @Test func theNarrowTableStillSaysWhoHowSureAndHowMuch() {
        var view = TopView(title: "any", unicode: true)
        let lines = Self.text(view.screen(Self.model([(2136, "store", 4321)]), columns: 40, rows: 12))
        #expect(lines[3] == "PROCESS        SURE        PKT/S   TOTAL")
        #expect(lines[4] == "store[2136]    exact        4321    4321")
    }

    @Test func theWideTableSaysWhatRuns() {
        var view = TopView(title: "any", unicode: true)
        let lines = Self.text(view.screen(Self.model([(2136, "store", 3)]), columns: 200, rows: 50))
        #expect(lines[4].contains("store[2136]") && lines[4].hasSuffix("/opt/store"))
    }

    @Test func aCutNameKeepsItsProcessIDAndAMark() {
        #expect(TopText.fit("a-very-long-name[123456]", 14, unicode: true, keepsProcess: true) == "a-ver…[123456]")
        #expect(TopText.fit("a-very-long-name[123456]", 14, unicode: false, keepsProcess: true) == "a-ver>[123456]")
        #expect(TopText.fit("a[1] or b[2]", 8, unicode: true) == "a[1] or…")
    }

    @Test(arguments: [
        (7, 3, "7"), (1234, 4, "1234"), (12345, 4, "12k"), (1_999_999, 5, "1999k"), (12_345_678, 3, "12M"),
    ])
    func counts(value: UInt64, width: Int, text: String) {
        #expect(TopText.count(value, width) == text)
    }

    @Test("A loss is in the header at once, in every width", arguments: [200, 80, 40])
    func losses(columns: Int) {
        var view = TopView(title: "any", unicode: true)
        let before = view.screen(Self.model([(7, "a", 1)]), columns: columns, rows: 12).lines[2]
        #expect(before.parts.map(\.text) == ["nothing lost"])
        let lost = Self.model([(7, "a", 1)], lost: [.send: 5, .process: 2, .capture: 3, .processTable: 11])
        let after = view.screen(lost, columns: columns, rows: 12).lines[2]
        let text =
            columns == 40
            ? "LOST kernel 7 capture 3 tables 11"
            : "LOST: 7 records in the kernel, 3 packets in capture, 11 in full tables"
        #expect(after.parts.map(\.text) == [text] && after.parts[0].style == .alarm)
    }

    @Test("Names of programs cannot do anything to the terminal", arguments: [true, false])
    func hostileNames(unicode: Bool) {
        let names = [Sample.hostile, Sample.undecodable, "\u{202E}gnp", "漢字", "e\u{301}\u{301}", "\u{1B}[2J", "a\nb"]
        let processes = names.enumerated().map { (pid: UInt32($0.offset + 1), name: $0.element, packets: 1) }
        var view = TopView(title: "any", unicode: unicode)
        for columns in [40, 80, 200] {
            let screen = view.screen(Self.model(processes), columns: columns, rows: 20)
            let scalars = screen.lines.flatMap(\.parts).flatMap(\.text.unicodeScalars)
            for scalar in scalars {
                #expect(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value))
                #expect(scalar.properties.generalCategory != .format)
                #expect(unicode || scalar.isASCII)
            }
        }
        let lines = Self.text(view.screen(Self.model(processes), columns: 200, rows: 20))
        #expect(lines.contains { $0.contains(#"\xff\xff\xff"#) })
        #expect(lines.contains { $0.contains(unicode ? "漢字" : #"\xe6\xbc\xa2"#) })
    }

    // MARK: Keys

    @Test func sGoesThroughTheOrders() {
        let model = Self.model([(9, "a", 5), (8, "c", 7), (7, "b", 1)])
        var view = TopView(title: "any", unicode: true)
        var first: [String] = []
        for order in TopView.Order.allCases {
            #expect(view.order == order)
            let lines = Self.text(view.screen(model, columns: 80, rows: 12))
            #expect(lines[1].hasSuffix("by \(order.rawValue)"))
            first.append(String(lines[4].prefix(1)))
            let goesOn = view.handle(.byte(UInt8(ascii: "s")), model)
            #expect(goesOn)
        }
        #expect(view.order == .rate)
        #expect(first == ["c", "c", "c", "c", "a", "c"])
    }

    @Test func aFilterIsTypedWithCharactersOfSeveralBytesAndTakenBack() {
        let model = Self.model([(1, "Köln", 1), (2, "store", 2)])
        var view = TopView(title: "any", unicode: true)
        func names() -> [String] {
            Self.text(view.screen(model, columns: 80, rows: 12)).dropFirst(4).prefix(2).map {
                String($0.prefix { $0 != "[" && $0 != " " })
            }.filter { !$0.isEmpty }
        }
        Self.type(&view, "/köx", model)
        #expect(view.screen(model, columns: 80, rows: 12).cursor?.row == 11)
        #expect(names() == [])
        _ = view.handle(.backspace, model)
        #expect(names() == ["\"Köln\""])
        _ = view.handle(.backspace, model)
        _ = view.handle(.backspace, model)
        #expect(names() == ["store", "\"Köln\""])
        Self.type(&view, "STORE", model)
        _ = view.handle(.enter, model)
        #expect(view.filter == "STORE" && names() == ["store"])
        Self.type(&view, "/xyz", model)
        _ = view.handle(.escape, model)
        #expect(view.filter == "STORE")
        _ = view.handle(.escape, model)
        #expect(names() == ["store", "\"Köln\""])
    }

    @Test func qIsALetterWhileAFilterIsTyped() {
        let model = Self.model([(1, "a", 1)])
        var view = TopView(title: "any", unicode: true)
        Self.type(&view, "/q", model)
        _ = view.handle(.enter, model)
        #expect(view.filter == "q")
        let goesOn = view.handle(.byte(UInt8(ascii: "q")), model)
        #expect(!goesOn)
    }

    @Test func aFilterHasALimit() {
        let model = Self.model([(1, "a", 1)])
        var view = TopView(title: "any", unicode: true)
        Self.type(&view, "/" + String(repeating: "x", count: 1000), model)
        _ = view.handle(.enter, model)
        #expect(view.filter.utf8.count == TopView.filterLimit)
    }

    @Test func pauseHoldsTheRowsButNotTheLosses() {
        var view = TopView(title: "any", unicode: true)
        var model = Self.model([(1, "a", 1)])
        _ = view.handle(.byte(UInt8(ascii: "p")), model)
        model.update(Self.frame(3, [(1, "a", 100)], lost: [.send: 3]))
        let paused = Self.text(view.screen(model, columns: 80, rows: 12))
        #expect(paused[0].contains("PAUSED") && paused[2].contains("LOST: 3"))
        #expect(paused[4].split(separator: " ")[4] == "1")
        _ = view.handle(.byte(UInt8(ascii: "p")), model)
        let running = Self.text(view.screen(model, columns: 80, rows: 12))
        #expect(!running[0].contains("PAUSED") && running[4].split(separator: " ")[4] == "100")
    }

    @Test func rowsBelowAreReachedAndCounted() {
        let model = Self.model((1...30).map { (pid: UInt32($0), name: "p", packets: 31 - $0) })
        var view = TopView(title: "any", unicode: true)
        var seen: Set<Substring> = []
        for _ in 0..<5 {
            let lines = Self.text(view.screen(model, columns: 80, rows: 12))
            seen.formUnion(lines[4..<11].compactMap { $0.split(separator: " ").first })
            _ = view.handle(.pageDown, model)
        }
        #expect(seen.count == 30)
        _ = view.handle(.home, model)
        #expect(Self.text(view.screen(model, columns: 80, rows: 12))[11].hasPrefix("23 more below"))
    }
}
