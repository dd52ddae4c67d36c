import Foundation
import Testing

/// The yardstick itself: a comparison that lets a wrong name pass would make every accuracy test worthless.
@Suite("Comparison with the truth")
struct ComparisonTests {
    static let truth = SentPacket(
        row: "1", mode: "sendto", pid: 41, tid: 43, ppid: 7, name: "sender", threadName: "worker",
        executable: "/x/sender",
        args: ["sender", "a"], transport: "udp", source: "192.0.2.1", destination: "192.0.2.2", sourcePort: 5000,
        destinationPort: 6000, length: 24, packets: 1, prefix: "5e00000100000000")

    static let line = """
        {"event":{"action":"udp-send"},"network":{"transport":"udp","bytes":52},"source":{"ip":"192.0.2.1","port":5000},
        "destination":{"ip":"192.0.2.2","port":6000},"process":{"pid":41,"name":"sender","executable":"/x/sender",
        "args":["sender","a"],"thread":{"id":43,"name":"worker"},"parent":{"pid":7}},
        "whosent":{"frame":1,"payload":{"length":24,"prefix":"5e000001000000005e00000100000000"},"verdict":"process",
        "confidence":"exact","method":"packet","reason":"matches"}}
        """

    static func result(replacing old: String, with new: String, expectation: Expectation = .process(tag: nil))
        throws -> RowResult
    {
        let text = line.replacing(old, with: new)
        let reported = try JSONDecoder().decode(ReportedLine.self, from: Data(text.utf8))
        let row = AccuracyRow(id: "1", title: "test", expectation: expectation)
        return Comparison(sent: [truth], lines: [reported], way: .live).result(of: row, .ipv4)
    }

    @Test func theTruthIsRight() throws {
        let result = try Self.result(replacing: "none", with: "none")
        #expect(result.sent == 1 && result.right == 1 && result.passes)
    }

    @Test(
        "A wrong process or verdict is wrong",
        arguments: [
            (#""pid":41"#, #""pid":42"#), (#""verdict":"process""#, #""verdict":"kernel""#),
            (#""verdict":"process""#, #""verdict":"received""#), (#""verdict":"process""#, #""verdict":"forwarded""#),
        ])
    func wrong(old: String, new: String) throws {
        let result = try Self.result(replacing: old, with: new)
        #expect(result.wrong == 1 && result.right == 0 && !result.passes)
    }

    @Test(
        "The right process without its particulars is incomplete",
        arguments: [
            (#""id":43"#, #""id":41"#), (#""name":"sender""#, #""name":"other""#), ("/x/sender", "/y/sender"),
            (#"["sender","a"]"#, #"["sender"]"#), (#""parent":{"pid":7}"#, #""parent":{"pid":8}"#),
            ("exact", "probable"), (#""name":"worker""#, #""name":"sender""#),
            (#""reason""#, #""tag":"newmail","reason""#),
        ])
    func incomplete(old: String, new: String) throws {
        let result = try Self.result(replacing: old, with: new)
        #expect(result.incomplete == 1 && result.right == 0 && result.wrong == 0)
    }

    @Test func unknownIsNotRight() throws {
        let result = try Self.result(replacing: #""verdict":"process""#, with: #""verdict":"unknown""#)
        #expect(result.unknown == 1 && result.right == 0)
    }

    @Test("A process where none is expected is wrong", arguments: [Expectation.received, .kernel, .unknown, .absent])
    func processWhereNoneIsExpected(expectation: Expectation) throws {
        let result = try Self.result(replacing: "none", with: "none", expectation: expectation)
        #expect(result.right == 0 && result.wrong + result.miscounted >= 1)
    }

    @Test func anotherSourceIsNoSighting() throws {
        let result = try Self.result(replacing: #""ip":"192.0.2.1""#, with: #""ip":"192.0.2.9""#)
        #expect(result.miscounted == 1 && result.right == 0)
    }

    static let translatedLine = line.replacing(#""ip":"192.0.2.1""#, with: #""ip":"198.51.100.9""#).replacing(
        #""method":"packet""#,
        with: #"""
            "method":"nat","before_nat":{"source":{"ip":"192.0.2.1","port":5000},"destination":{"ip":"192.0.2.2","port":6000}}
            """#)

    static func translatedResult(replacing old: String, with new: String) throws -> RowResult {
        var translated = truth
        translated.seenSource = "198.51.100.9"
        let text = translatedLine.replacing(old, with: new)
        let reported = try JSONDecoder().decode(ReportedLine.self, from: Data(text.utf8))
        let row = AccuracyRow(id: "1", title: "test", expectation: .translated)
        return Comparison(sent: [translated], lines: [reported], way: .live).result(of: row, .ipv4)
    }

    @Test func theTruthBehindATranslationIsRight() throws {
        #expect(try Self.translatedResult(replacing: "none", with: "none").passes)
    }

    @Test(
        "A translated packet needs its method, and the sender's own addresses and ports",
        arguments: [
            (#""method":"nat""#, #""method":"packet""#), (#""port":5000},"destination"#, #""port":5001},"destination"#),
            (#"{"source":{"ip":"192.0.2.1""#, #"{"source":{"ip":"192.0.2.3""#),
        ])
    func incompleteTranslation(old: String, new: String) throws {
        let result = try Self.translatedResult(replacing: old, with: new)
        #expect(result.incomplete == 1 && result.right == 0)
    }

    @Test(
        "Ambiguous means both candidates, no third, and none of them named",
        arguments: [
            ("41,42", true), ("41", false), ("42,43", false), ("41,42,43", false),
        ])
    func ambiguity(candidates: String, isRight: Bool) throws {
        let listed = candidates.split(separator: ",").map { #"{"pid":\#($0)}"# }.joined(separator: ",")
        let text = Self.line.replacing(#""process":{"pid":41"#, with: #""other":{"pid":41"#).replacing(
            #""confidence":"exact""#, with: #""confidence":"ambiguous","candidates":[\#(listed)]"#)
        let reported = try JSONDecoder().decode(ReportedLine.self, from: Data(text.utf8))
        #expect((Comparison.judge(reported, of: Self.truth, .ambiguous) == .right) == isRight)
        let named = try JSONDecoder().decode(ReportedLine.self, from: Data(Self.line.utf8))
        guard case .wrong = Comparison.judge(named, of: Self.truth, .ambiguous) else {
            Issue.record("one of two candidates was named, and that passed")
            return
        }
    }

    @Test func aProcessForAnUnknownPacketIsAnInvention() throws {
        let text = Self.line.replacing("5e00000100000000", with: "5e00000100000077")
        let reported = try JSONDecoder().decode(ReportedLine.self, from: Data(text.utf8))
        let comparison = Comparison(sent: [Self.truth], lines: [reported], way: .live)
        #expect(comparison.inventions(exceptPIDs: []).count == 1)
        #expect(comparison.inventions(exceptPIDs: [41]).isEmpty)
    }
}
