import Correlation
import Records
import TextEscaping
import Testing

@testable import Reporting

@Suite("What a report collects")
struct ReportDigestTests {
    /// A line of NDJSON with what the test is about.
    private static func line(
        pid: Int = 1, name: String = "a", time: String = "2026-03-01T10:00:00.000000000Z", port: Int = 53,
        prefix: String = "00", confidence: String = "exact", extra: String = "", own: String = ""
    ) throws -> JSONValue {
        let text = """
            {"@timestamp":"\(time)","event":{"action":"udp-send"},"network":{"bytes":36},\
            "destination":{"ip":"192.0.2.7","port":\(port)},"process":{"pid":\(pid),"name":"\(name)"\(extra)},\
            "whosent":{"frame":1,"capture":"c","payload":{"length":8,"prefix":"\(prefix)"},"verdict":"process",\
            "confidence":"\(confidence)","method":"packet","reason":"matches a record, 1 ms before it","candidates":[]\(own)}}
            """
        return try #require(JSONValue(text.utf8))
    }

    private static func unknown(_ reason: String, time: String = "2026-03-01T10:00:00.000000000Z") throws -> JSONValue {
        try nameless(#""verdict":"unknown","confidence":"none","method":"none","reason":"\#(reason)""#, time: time)
    }

    private static func ambiguous() throws -> JSONValue {
        try nameless(
            #""verdict":"process","confidence":"ambiguous","method":"packet","reason":"two fit","candidates":[{"pid":1},{"pid":2}]"#
        )
    }

    private static func nameless(_ verdict: String, time: String = "2026-03-01T10:00:00.000000000Z") throws
        -> JSONValue
    {
        let text = """
            {"@timestamp":"\(time)","event":{"action":"udp-send"},"network":{"bytes":36},\
            "destination":{"ip":"192.0.2.7","port":53},\
            "whosent":{"frame":1,"capture":"c","payload":{"length":8,"prefix":"00"},\(verdict)}}
            """
        return try #require(JSONValue(text.utf8))
    }

    private static func report(_ lines: [JSONValue], groupLimit: Int = ReportDigest.groupLimit) -> IncidentReport {
        let digest = ReportDigest(groupLimit: groupLimit)
        for line in lines { _ = digest.add(line) }
        return digest.report(on: IncidentReport.Question())
    }

    @Test(
        "Packets beyond the limit on groups are in every count and in a group of their verdict, and the report says so")
    func groupLimit() throws {
        let late = "2026-03-01T11:00:00.000000000Z"
        var lines = try (1...5).map { try Self.line(pid: $0) }
        lines += [try Self.line(pid: 6, confidence: "probable"), try Self.line(pid: 7, confidence: "probable")]
        lines += [try Self.unknown("evidence lost"), try Self.unknown("no coverage by the evidence", time: late)]
        lines += [try Self.unknown("evidence lost"), try Self.ambiguous()]
        let report = Self.report(lines, groupLimit: 3)
        let tally = report.tally
        #expect(tally.packets == 11 && tally.namedPackets == 7 && tally.unlisted == 4 && tally.ambiguous == 1)
        #expect(tally.named == [.exact: 5, .probable: 2] && tally.verdicts == [.process: 8, .unknown: 3])
        #expect(tally.senders.map(\.packets) == [1, 1, 1] && report.leftOut.packets == 8)
        #expect(report.span?.last.description == late)

        let joined = report.groups.filter(\.isOverflow)
        #expect(joined.map(\.packets) == [2, 2, 1, 3] && report.groups.count == 7)
        #expect(joined.allSatisfy { $0.process == nil && $0.hashes.isEmpty && $0.candidates.isEmpty })
        #expect(joined.last?.reasons.map(\.packets) == [2, 1])

        #expect(
            report.sentences[1].hasPrefix("7 of 11 packets have a named sender, at least 3 processes: a[1] sent at"))
        #expect(report.sentences[1].contains("senders beyond the report's limit sent 4; by confidence 5 exact"))
        #expect(report.sentences[2].hasPrefix("1 has several candidates and 3 stay unknown;"))
        let cautions = report.assurance.filter(\.isCaution).map(\.text)
        #expect(cautions.contains { $0.contains("at most 3 groups apart; 8 packets of further groups") })
        #expect(cautions.contains { $0.contains("1 packet lies") })
        #expect(cautions.contains { $0.hasSuffix("A sender may have sent more than its own groups say.") })
        let text = String(decoding: ReportMarkdown.encode(report), as: UTF8.self)
        #expect(text.contains("- 3 packets: evidence lost") && text.contains("| unknown | none |"))
        let json = try #require(JSONValue(ReportJSON.encode(report).dropLast()))
        let counts = try #require(json["counts"])
        #expect(counts["packets"]?.integer() == 11 && counts["verdicts"]?["unknown"]?.integer() == 3)
        #expect(json["groups"]?.elements?.filter { $0["overflow"] == .flag(true) }.count == 4)
    }

    @Test("Within the limit on groups nothing is joined, and no count is called a lower bound")
    func noOverflow() throws {
        let report = Self.report(try (1...3).map { try Self.line(pid: $0) }, groupLimit: 3)
        #expect(!report.groups.contains(where: \.isOverflow) && report.tally.unlisted == 0)
        #expect(report.sentences[1].contains("sender, 3 processes: a[1] sent 1, a[2] sent 1 and a[3] sent 1;"))
    }

    @Test("Losses that do not fit a number are the largest number, never none")
    func saturatedLosses() throws {
        let most = "18446744073709551615"
        let lines = try [#""send":\#(most),"kernel":1"#, #""send":1,"wire":\#(most)"#].map { lost in
            try #require(
                JSONValue(
                    #"{"whosent":{"summary":{"packets":\#(most),"records":\#(most),"unmatched_records":1,"lost":{\#(lost)}}}}"#
                        .utf8))
        }
        let report = Self.report(lines)
        #expect(report.figures.lost[.send] == .max && report.figures.lostTotal == .max)
        #expect(report.figures.packets == .max && report.figures.records == .max)
        #expect(report.figures.unmatchedRecords == 2)
        #expect(Self.report([try Self.line()] + lines).sentences[2].contains("\(most) records or packets were lost"))
    }

    @Test("A stated clock offset is said, and nothing that contradicts it")
    func statedClockOffset() {
        func clocks(_ offset: String?, _ roles: [IncidentReport.Input.Role]) -> [String] {
            let digest = ReportDigest()
            var output: [UInt8] = []
            var summary = Sample.summary
            summary.clockOffsets = []
            digest.summary(summary, into: &output)
            var question = IncidentReport.Question(inputs: roles.map { IncidentReport.Input(name: "f", role: $0) })
            question.statedClockOffset = offset
            return digest.report(on: question).assurance.filter { $0.subject == .clocks }.map(\.text)
        }
        #expect(
            clocks("0.5", [.capture, .evidence])
                == ["An offset of 0.5 s was stated, and the evidence's times were moved by it."])
        #expect(clocks(nil, [.capture, .evidence]).first?.hasSuffix("; times were not moved.") == true)
        #expect(clocks(nil, [.results]).first?.contains("moved") == false)
    }

    @Test("Only one recording beside a whole capture proves that a record's packet is not in it")
    func unmatchedRecords() throws {
        func text(_ roles: [IncidentReport.Input.Role], filter: String? = nil) throws -> String {
            let digest = ReportDigest()
            _ = digest.add(
                try #require(
                    JSONValue(#"{"whosent":{"summary":{"packets":0,"records":36,"unmatched_records":18}}}"#.utf8)))
            var question = IncidentReport.Question(inputs: roles.map { IncidentReport.Input(name: "f", role: $0) })
            question.captureFilter = filter
            return try #require(digest.report(on: question).assurance.first { $0.subject == .matches }).text
        }
        let proven = "but are not in the capture"
        #expect(try text([.capture, .evidence]).contains(proven))
        for (roles, filter) in [
            ([.capture, .evidence, .evidence], nil), ([.capture, .evidence], "udp"), ([.results], nil),
        ] as [([IncidentReport.Input.Role], String?)] {
            let said = try text(roles, filter: filter)
            #expect(!said.contains(proven) && said.hasPrefix("18 send records of 36 match no captured packet"))
        }
    }

    @Test("Destinations beyond the limit are told apart and counted, but not listed")
    func destinationLimit() throws {
        let lines = try (1...100).flatMap { [try Self.line(port: $0), try Self.line(port: $0)] }
        let group = try #require(Self.report(lines).groups.first)
        #expect(group.destinations.count == 64 && group.destinationCount == 100)
        #expect(group.otherDestinationPackets == 72 && group.packets == 200)
    }

    @Test("A name, a path, a user or a command line of its own is a group of its own")
    func identity() throws {
        let extras = [
            #","executable":"/a""#, #","executable":"/b""#, #","user":{"id":"1"}"#, #","args":["a","x"]"#,
            #","args":["a","y"]"#, #","start":"2026-03-01T09:00:00.000000000Z""#, "",
        ]
        let report = Self.report(try extras.map { try Self.line(extra: $0) } + [try Self.line(name: "b")])
        #expect(report.groups.count == extras.count + 1)
    }

    @Test("What becomes known of a process later does not make another one of it")
    func laterKnowledge() throws {
        let hash = String(repeating: "ab", count: 32)
        let later = try Self.line(
            extra: #","hash":{"sha256":"\#(hash)"},"parent":{"pid":9,"name":"p","parent":{"pid":1}}"#)
        let report = Self.report([try Self.line(), later])
        let group = try #require(report.groups.first)
        #expect(report.groups.count == 1 && group.hashes == [hash] && group.process?.parents.map(\.pid) == [9, 1])
    }

    @Test("Bytes that differ from packet to packet are marked")
    func payload() throws {
        let group = try #require(
            Self.report([
                try Self.line(prefix: "11223344"), try Self.line(prefix: "112299"), try Self.line(prefix: "1122"),
            ])
            .groups.first)
        #expect(group.payload.bytes.map(\.value) == [0x11, 0x22, 0x33, 0x44])
        #expect(group.payload.bytes.map(\.varies) == [false, false, true, true])
    }

    @Test("The timeline holds any span in few steps, whatever the order")
    func timeline() throws {
        let times = [
            "2026-03-01T10:00:00.000000000Z", "1996-03-01T10:00:00.500000000Z", "2026-03-01T10:00:00.003000000Z",
        ]
        let lines = try times.map { try Self.line(time: $0) }
        let report = Self.report(lines)
        let reversed = Self.report(lines.reversed())
        #expect(report.timeline == reversed.timeline && report.groups[0].steps == reversed.groups[0].steps)
        #expect(report.timeline.count <= Timeline.stepLimit && report.timeline.count > Timeline.stepLimit / 2)
        #expect(report.groups[0].steps == [0: 1, report.timeline.count - 1: 2])
        #expect(report.timeline.time(of: 0) <= report.groups[0].first)
        #expect(report.timeline.time(of: report.timeline.count) > report.groups[0].last)
    }

    @Test(
        "A line that contradicts itself is not taken",
        arguments: [
            #"{"whosent":{}}"#, #"{"a":1}"#, "[]", "1",
            // A name without a verdict that allows one, and a verdict without its name.
            #"{"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"process":{"pid":1},"whosent":{"frame":1,"payload":{"length":0},"verdict":"unknown","confidence":"none","method":"none","reason":"no evidence"}}"#,
            #"{"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"whosent":{"frame":1,"payload":{"length":0},"verdict":"process","confidence":"exact","method":"packet","reason":"matches"}}"#,
            #"{"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"process":{"pid":1},"whosent":{"frame":1,"payload":{"length":1,"prefix":"0"},"verdict":"process","confidence":"exact","method":"packet","reason":"matches"}}"#,
        ])
    func foreignLines(text: String) throws {
        let digest = ReportDigest()
        #expect(digest.add(try #require(JSONValue(text.utf8))) == .foreign)
        #expect(digest.report(on: IncidentReport.Question()).groups.isEmpty)
    }

    @Test("The packets of a run, as they were judged and as NDJSON says it, are the same groups")
    func sameFromBoth() throws {
        let direct = ReportDigest()
        let read = ReportDigest()
        var format = NDJSONFormat()
        var output: [UInt8] = []
        for packet in Sample.packets {
            direct.count(packet)
            format.packet(packet, into: &output)
        }
        direct.summary(Sample.summary, into: &output)
        format.summary(Sample.summary, into: &output)
        for line in output.split(separator: UInt8(ascii: "\n")) {
            #expect(read.add(try #require(JSONValue(line))) != .foreign)
        }
        let question = IncidentReport.Question()
        #expect(direct.report(on: question).groups == read.report(on: question).groups)
        #expect(ReportJSON.encode(direct.report(on: question)) == ReportJSON.encode(read.report(on: question)))
    }
}

@Suite("A report as Markdown")
struct ReportMarkdownTests {
    @Test(
        "Untrusted text is neither markup nor a link nor a mention",
        arguments: [
            ("a|b", "a\\|b"), ("**b**", "\\*\\*b\\*\\*"), ("<img>", "&#60;img&#62;"), ("[x](y)", "[x\\](y)"),
            ("[x][y]", "[x\\][y]"), ("@all", "&#64;all"), ("http://a", "http&#58;//a"), ("www.a", "www&#46;a"),
            ("`c`", "\\`c\\`"), ("&lt;", "&#38;lt;"), ("\\x0a", "\\\\x0a"), ("store[2136]", "store[2136]"),
        ])
    func escapes(text: String, expected: String) { #expect(ReportMarkdown.escaped(text) == expected) }

    @Test("Hostile names break no row and bring no control character")
    func hostileRows() {
        let digest = ReportDigest()
        for packet in Sample.packets { digest.count(packet) }
        let text = String(
            decoding: ReportMarkdown.encode(digest.report(on: IncidentReport.Question())), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("|") { #expect(line.hasSuffix("|")) }
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value) })
    }
}
