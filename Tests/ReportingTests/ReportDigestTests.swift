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
        prefix: String = "00", extra: String = "", own: String = ""
    ) throws -> JSONValue {
        let text = """
            {"@timestamp":"\(time)","event":{"action":"udp-send"},"network":{"bytes":36},\
            "destination":{"ip":"192.0.2.7","port":\(port)},"process":{"pid":\(pid),"name":"\(name)"\(extra)},\
            "whosent":{"frame":1,"capture":"c","payload":{"length":8,"prefix":"\(prefix)"},"verdict":"process",\
            "confidence":"exact","method":"packet","reason":"matches a record, 1 ms before it","candidates":[]\(own)}}
            """
        return try #require(JSONValue(text.utf8))
    }

    private static func report(_ lines: [JSONValue], groupLimit: Int = ReportDigest.groupLimit) -> IncidentReport {
        let digest = ReportDigest(groupLimit: groupLimit)
        for line in lines { _ = digest.add(line) }
        return digest.report(on: IncidentReport.Question())
    }

    @Test("Groups beyond the limit are counted, and the report says so")
    func groupLimit() throws {
        let report = Self.report(try (1...7).map { try Self.line(pid: $0) }, groupLimit: 3)
        #expect(report.groups.count == 3 && report.leftOut.packets == 4)
        #expect(report.assurance.contains { $0.isCaution && $0.text.contains("at most 3 groups; 4 packets") })
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
