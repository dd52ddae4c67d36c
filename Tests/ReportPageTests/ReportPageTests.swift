import Crypto
import Foundation
import Reporting
import TextEscaping
import Testing

@testable import ReportPage

@Suite("The report's page")
struct ReportPageTests {
    /// A page on one packet, with this text wherever a text can be.
    private static func page(_ text: String) throws -> String {
        var quoted = JSONWriter()
        quoted.value(text)
        let name = String(decoding: quoted.bytes, as: UTF8.self)
        let line = """
            {"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"network":{"bytes":36},\
            "destination":{"ip":\(name),"port":53},"host":{"name":\(name)},"container":{"id":\(name)},\
            "service":{"name":\(name)},"process":{"pid":1,"name":\(name),"executable":\(name),"args":[\(name)],\
            "user":{"id":\(name),"name":\(name)},"hash":{"sha256":\(name)},"parent":{"pid":2,"name":\(name)}},\
            "whosent":{"frame":1,"capture":\(name),"payload":{"length":8,"prefix":"3c2f"},"verdict":"process",\
            "confidence":"exact","method":"packet","reason":\(name),"candidates":[],"tag":\(name),\
            "tag_confidence":"possible","tag_reasons":[\(name)]}}
            """
        let digest = ReportDigest()
        try #require(digest.add(try #require(JSONValue(line.utf8))) == .packet)
        var question = IncidentReport.Question(inputs: [IncidentReport.Input(name: text, role: .results)])
        question.captureFilter = text
        question.selection = [text]
        question.rules = text
        return String(decoding: ReportPage.encode(digest.report(on: question)), as: UTF8.self)
    }

    /// The tags of a page in their order, with their attributes' names; where a path may be broken differs from text to
    /// text.
    private static func markup(_ page: String) -> [String] {
        // By scalars, as a browser reads: a sign that combines with a quotation mark does not hide it.
        let value = /="[^"]*"/.matchingSemantics(.unicodeScalar)
        let tag = /<[a-zA-Z\/!][^<>]*>/.matchingSemantics(.unicodeScalar)
        return page.replacing(value, with: "=").matches(of: tag).map { String($0.output) }.filter { $0 != "<wbr>" }
    }

    @Test(
        "A text changes no tag and no attribute of the page",
        arguments: [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus='alert(1)", "</style></title>",
            "{{{style}}}{{/groups}}{{> page.html}}", "--><!--", "\"\u{301} onload=alert(1) x=\"", "<\u{200D}b>", "]]>",
        ])
    func hostileText(text: String) throws {
        let page = try Self.page(text)
        #expect(Self.markup(page) == Self.markup(try Self.page("harmless")))
        #expect(page.contains(PageText().escapeText(text)))
    }

    @Test("Control characters and overrides are escaped before they come here")
    func controlCharacters() throws {
        let digest = ReportDigest()
        let line =
            #"{"@timestamp":"2026-03-01T10:00:00.000000000Z","event":{"action":"udp-send"},"process":{"pid":1,"name":"a\u202eb\u0000\u001b\u0085"},"whosent":{"frame":1,"payload":{"length":0},"verdict":"process","confidence":"exact","method":"packet","reason":"matches"}}"#
        try #require(digest.add(try #require(JSONValue(line.utf8))) == .packet)
        let page = String(
            decoding: ReportPage.encode(digest.report(on: IncidentReport.Question())), as: UTF8.self)
        #expect(page.contains(#"a\xe2\x80\xaeb\x00\x1b\xc2\x85"#))
        #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value) })
    }

    @Test("The policy has the hash of each script and of the style, and allows nothing else")
    func policy() throws {
        let page = try Self.page("a")
        let policy = try #require(page.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)?.output.1)
        let blocks = page.matches(of: /<(script|style)>((?:[^<]|<(?!\/(?:script|style)>))*)<\//)
        #expect(blocks.count == 3)
        for block in blocks {
            let hash = Data(SHA256.hash(data: Data(block.output.2.utf8))).base64EncodedString()
            // `+` and `=` have no meaning in HTML, and so stand as they are.
            #expect(policy.contains("\(block.output.1)-src") && policy.contains("'sha256-\(hash)'"))
        }
        #expect(policy.hasPrefix("default-src 'none'; "))
        #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
    }
}
