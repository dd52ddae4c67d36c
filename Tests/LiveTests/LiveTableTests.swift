import Foundation
import Testing

/// The table of `live --top`, on terminals that tmux makes.
@Suite("Table, live", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct LiveTableTests {
    /// Terminals: the usual one, a narrow one, a large one.
    private static let sizes: [(columns: Int, rows: Int)] = [(80, 24), (40, 12), (200, 50)]
    /// Lines above the rows, and one below.
    private static let headerLines = 4

    private static let senders = Result { try LabRun.buildSenders() }
    /// A debug build is too slow for more than a second of a flood; where a release build is given it has three.
    private static let release = ProcessInfo.processInfo.environment["WHOSENT_FLOOD_BINARY"]
    private static let whosent = release ?? TestMachine.whosent
    private static let table = "\(whosent) live --top --ring-size 65536"

    /// Twenty processes that send together; they begin when their input has a line.
    private func flood(_ network: LabNetwork, seconds: Double) throws -> StartedCommand {
        let flood = try Self.senders.get().appending(path: "flood").path
        let one = "\(flood) steady f10d0003 192.0.2.1 192.0.2.2 7401 1000000 \(seconds) 280 2>&1"
        let script = "for i in $(seq 20); do (sleep 0.5; echo) | \(one) & done; wait"
        return try StartedCommand(network.inside("host", ["/bin/bash", "-c", script]))
    }

    private struct Sent: Decodable {
        var pid: Int
        var sent: Int
        var seconds: Double
    }

    /// Packets by process id, of all pages of the table as it stands.
    private func totals(_ terminal: TerminalSession, columns: Int, rows: Int) throws -> [Int: Int] {
        try terminal.press("Home")
        var totals: [Int: [String: Int]] = [:]
        let page = rows - Self.headerLines - 1
        for _ in 0..<(20 / page + 2) {
            usleep(250_000)
            let lines = try terminal.screen
            // Nothing but the header, rows, blank lines and the keys: no debris of another size.
            #expect(lines.count == rows)
            #expect(lines[0].hasPrefix("whosent h0 udp port 7401"))
            #expect(lines[3].hasPrefix("PROCESS"))
            #expect(lines[rows - 1].contains("q quit"))
            for line in lines[Self.headerLines..<rows - 1] where !line.isEmpty && !line.hasPrefix("unknown") {
                let words = line.split(separator: " ").map(String.init)
                let total = columns == 40 ? 3 : 4
                guard words.count > total, words[0].hasPrefix("flood["),
                    let pid = Int(words[0].dropFirst(6).dropLast()),
                    let count = Int(words[total])
                else {
                    Issue.record("not a row of \(columns) columns: '\(line)'")
                    continue
                }
                totals[pid, default: [:]][words[1]] = count
            }
            try terminal.press("NPage")
        }
        return totals.mapValues { $0.values.reduce(0, +) }
    }

    @Test("Figures at 80x24, 40x12 and 200x50 are those of the NDJSON of the same run, under a flood of 20 processes")
    func figures() throws {
        let network = try LabNetwork()
        let terminal = try TerminalSession(
            columns: 80, rows: 24, ["/bin/bash", "--norc", "--noprofile"], on: network)
        try terminal.enter("\(Self.table) -i h0 -w table.pcapng udp port 7401; echo ended $?")
        try terminal.wait(for: "nothing lost")
        let flood = try flood(network, seconds: Self.release == nil ? 0.4 : 3)
        // While it runs, every size shows a table that moves.
        for size in Self.sizes.reversed() {
            try terminal.resize(columns: size.columns, rows: size.rows)
            try terminal.wait("table of \(size)", seconds: 5) { lines in
                lines.count == size.rows && (lines.last ?? "").contains("q quit")
                    && lines.dropFirst(Self.headerLines).contains { $0.hasPrefix("flood[") }
            }
        }
        let sent = try flood.finish(seconds: 20).text.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Sent.self, from: Data($0.utf8))
        }
        try #require(sent.count == 20)
        let all = sent.map(\.sent).reduce(0, +)
        print("\(Int(Double(all) / (sent.map(\.seconds).max() ?? 1))) packets a second")
        // A debug build follows behind; lost packets are in the header then.
        try terminal.wait("end of the flood", seconds: 25) { $0.dropFirst().first?.hasPrefix("0.0") == true }
        var shown: [[Int: Int]] = []
        for size in Self.sizes {
            try terminal.resize(columns: size.columns, rows: size.rows)
            try terminal.wait("table of \(size)") { $0.count == size.rows && ($0.last ?? "").contains("q quit") }
            shown.append(try totals(terminal, columns: size.columns, rows: size.rows))
        }
        let isWhole = try terminal.screen[2] == "nothing lost"
        try terminal.press("q")
        try terminal.wait(for: "ended 0")

        let reported = try reportedCounts(terminal, "table.pcapng")
        #expect(reported.count == 20)
        for totals in shown { #expect(totals == reported) }
        if isWhole { #expect(reported == Dictionary(uniqueKeysWithValues: sent.map { ($0.pid, $0.sent) })) }
        #expect(isWhole || reported.values.reduce(0, +) < all)
    }

    /// Packets by process id, as NDJSON has them. The join runs on the terminal, and shows there how far it is; its lines
    /// are counted by a pipe, since a debug build of these tests would take half a minute.
    private func reportedCounts(_ terminal: TerminalSession, _ file: String) throws -> [Int: Int] {
        let began = Date()
        try terminal.enter(
            "clear; \(Self.whosent) join \(file) --evidence \(file) --format ndjson > joined; echo joined $?")
        var sawProgress = false
        let lines = try terminal.wait("end of join", seconds: 60) { lines in
            sawProgress = sawProgress || lines.contains { $0.contains("%, ") && $0.hasSuffix(" left") }
            return lines.contains { $0.hasPrefix("joined") }
        }
        #expect(sawProgress || Date().timeIntervalSince(began) < 2)
        // The line is gone.
        #expect(lines.contains("joined 0") && !lines.contains { $0.contains("left") }, "\(lines)")
        let counting = "grep -oE '\"process\":{\"pid\":[0-9]+' joined | cut -d: -f3 | sort | uniq -c"
        let run = try CommandRun(["/usr/bin/env", "-C", terminal.folder.path, "/bin/sh", "-c", counting])
        let pairs = run.text.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0[1], $0[0]) })
    }

    /// How a run ends.
    enum Ending: String, CaseIterable, Sendable {
        case interrupt, terminate, hangUp, crash, suspended
    }

    @Test("The terminal is as before, however the table ends", arguments: Ending.allCases)
    func restored(ending: Ending) throws {
        // A shell that does not restore the terminal by itself, but for the one that has jobs.
        let isInteractive = ending == .suspended
        let terminal = try TerminalSession(
            columns: 80, rows: 24, isInteractive ? ["/bin/bash", "--norc", "--noprofile"] : ["/bin/sh"])
        let table = "sh -c 'echo $$ > pid; exec \(Self.table) -i lo'"
        try terminal.enter("echo earlier; stty -a > before")
        // What follows a command in a list runs when that is suspended.
        try terminal.enter(isInteractive ? table : "\(table); echo ended $?; stty -a > after; echo over")
        try terminal.wait(for: "nothing lost")
        let screen = try terminal.state("alternate_on")
        #expect(screen == "1")
        let pid = try #require(Int32(terminal.file("pid").trimmingCharacters(in: .newlines)))
        switch ending {
        case .interrupt: try terminal.press("C-c")
        case .terminate: kill(pid, SIGTERM)
        case .hangUp: kill(pid, SIGHUP)
        case .crash: kill(pid, SIGSEGV)
        case .suspended:
            try terminal.press("C-z")
            try terminal.wait(for: "Stopped")
            #expect(try terminal.state("alternate_on") == "0")
            try terminal.enter("stty -a > between; fg")
            try terminal.wait(for: "nothing lost")
            #expect(try terminal.state("alternate_on") == "1")
            try terminal.press("q")
            try terminal.wait(for: "packets lost in capture")
            try terminal.enter("stty -a > after; echo over")
        }
        let lines = try terminal.wait("end") { $0.contains("over") }
        #expect(isInteractive || lines.contains("earlier"))
        let summary = lines.contains { $0.hasSuffix("lost in capture") }
        #expect(summary == (ending != .crash))
        if ending != .suspended { #expect(lines.contains(ending == .crash ? "ended 139" : "ended 0")) }
        #expect(!terminal.file("before").isEmpty && terminal.file("after") == terminal.file("before"))
        if isInteractive { #expect(terminal.file("between") == terminal.file("before")) }
        #expect(try terminal.state("alternate_on") == "0")
        #expect(try terminal.state("cursor_flag") == "1")
        #expect(try terminal.state("keypad_flag") == "0")
    }

    @Test("Keys: pause, sort, filter; hostile names do nothing", arguments: ["C.UTF-8", "C"])
    func keys(locale: String) throws {
        let network = try LabNetwork()
        let terminal = try TerminalSession(
            columns: 100, rows: 24, ["/bin/sh"], on: network, locale: locale)
        try terminal.enter("\(Self.table) -i h0 udp port 7401; echo ended $?")
        try terminal.wait(for: "nothing lost")
        try sendUnderNames(network, terminal.folder)
        let isUnicode = locale == "C.UTF-8"
        let wide = isUnicode ? "漢字" : #"\xe6\xbc\xa2"#
        var lines = try terminal.wait("rows") { $0.filter { $0.contains(" exact ") }.count == 5 }
        #expect(lines.contains { $0.hasPrefix(#""\xff\xff\xff"#) }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix(#""\x1b[31mred"#) }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix(#""\xe2\x80\xae"#) }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("\"" + wide) }, "\(lines)")
        // Columns stand where they should, whatever is before them.
        for line in lines where line.contains(" exact ") {
            let end = line.range(of: " exact ")?.lowerBound ?? line.startIndex
            let column = line[..<end].unicodeScalars.reduce(0) {
                $0 + (0x4E00...0x9FFF ~= $1.value ? 2 : $1.value == 0x301 ? 0 : 1)
            }
            #expect(
                column
                    == lines[3].range(of: " SURE").map {
                        lines[3].distance(from: lines[3].startIndex, to: $0.lowerBound)
                    })
        }
        try terminal.press("s")
        try terminal.wait(for: "by total")
        try terminal.press("/")
        try terminal.enter("RED")
        lines = try terminal.wait("filtered rows") { $0.filter { $0.contains(" exact ") }.count == 1 }
        #expect(lines[1].contains("filter RED"))
        try terminal.press("p")
        try terminal.wait(for: "PAUSED")
        try terminal.press("q")
        try terminal.wait(for: "ended 0")
    }

    /// Five datagrams each from processes of names that somebody made up.
    private func sendUnderNames(_ network: LabNetwork, _ folder: URL) throws {
        let flood = try Self.senders.get().appending(path: "flood").path
        let names = [#"\033[31mred"#, #"\342\200\256gnp"#, String(repeating: #"\377"#, count: 16), "漢字", #"e\314\201"#]
        let script = names.map {
            """
            name=$(printf '\($0)'); cp \(flood) "\(folder.path)/$name"
            echo | "\(folder.path)/$name" steady f10d0003 192.0.2.1 192.0.2.2 7401 5 3
            """
        }.joined(separator: "\n")
        let run = try CommandRun(network.inside("host", ["/bin/bash", "-c", script]))
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test("A terminal that does not read keeps neither the capture nor the end waiting")
    func stalledTerminal() throws {
        let network = try LabNetwork()
        let terminal = try TerminalSession(columns: 80, rows: 24, ["/bin/sh"], on: network)
        try terminal.enter(
            "sh -c 'echo $$ > pid; exec \(Self.table) -i h0 -w stalled.pcapng udp port 7401'; echo ended $?")
        try terminal.wait(for: "nothing lost")
        let pid = try #require(Int32(terminal.file("pid").trimmingCharacters(in: .newlines)))
        try terminal.press("C-s")
        let sent = try flood(network, seconds: 0.1).finish(seconds: 20).text.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Sent.self, from: Data($0.utf8))
        }
        #expect(try terminal.screen[1].hasPrefix("0.0 "))
        usleep(1_500_000)
        kill(pid, SIGTERM)
        let deadline = Date(timeIntervalSinceNow: 10)
        while kill(pid, 0) == 0, Date() < deadline { usleep(20_000) }
        #expect(kill(pid, 0) != 0)
        try terminal.wait(for: "ended 0")
        #expect(try terminal.state("alternate_on") == "0")
        let reported = try reportedCounts(terminal, "stalled.pcapng")
        #expect(reported == Dictionary(uniqueKeysWithValues: sent.map { ($0.pid, $0.sent) }))
    }

    @Test("Where there is no terminal to draw on, --top says so: 64")
    func refusals() throws {
        let piped = try CommandRun([TestMachine.whosent, "live", "--top"])
        #expect(piped.status == 64 && piped.errors.contains("terminal"), "\(piped.errors)")
        let terminal = try TerminalSession(columns: 80, rows: 24, ["/bin/sh"])
        for type in ["dumb", "", "no-such-terminal"] {
            try terminal.enter("clear; TERM='\(type)' \(TestMachine.whosent) live --top -i lo; echo ended $?")
            let lines = try terminal.wait(for: "ended 64")
            #expect(lines.contains { $0.contains("TERM") }, "\(lines)")
        }
    }
}
