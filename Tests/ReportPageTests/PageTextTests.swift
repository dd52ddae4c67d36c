import Testing

@testable import ReportPage

@Suite("Text on the page")
struct PageTextTests {
    @Test(
        "What HTML gives a meaning is escaped, whatever follows it",
        arguments: [
            ("<script>", "&lt;script&gt;"), ("a&b", "a&amp;b"), ("\"'", "&quot;&#39;"),
            // One character to Swift: a quotation mark under an acute accent.
            ("\"\u{301} onload=x", "&quot;\u{301} onload=x"), ("<\u{200D}b", "&lt;\u{200D}b"), ("é", "é"),
        ])
    func escapes(text: String, expected: String) { #expect(PageText().escapeText(text) == expected) }
}
