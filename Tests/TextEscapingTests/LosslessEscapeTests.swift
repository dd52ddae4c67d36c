import Testing
import TextEscaping

@Suite("Lossless escape")
struct LosslessEscapeTests {
    @Test(arguments: [
        (Array("store".utf8), "store"),
        ([0x1B, 0x5B, 0x33, 0x31, 0x6D], #"\x1b[31m"#),
        (Array(repeating: 0xFF, count: 2), #"\xff\xff"#),
        (Array("é".utf8), "é"),
        ([0xC2, 0x9B], #"\xc2\x9b"#),  // CSI as one C1 control
        ([0xE2, 0x80, 0xAE], #"\xe2\x80\xae"#),  // right-to-left override
        (Array(#"C:\x64"#.utf8), #"C:\x5cx64"#),
        (Array(#"C:\new"#.utf8), #"C:\new"#),
        ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#),  // a surrogate is not UTF-8
        ([0xF0, 0x9F, 0x93, 0xA7], "📧"),
    ])
    func escapes(bytes: [UInt8], text: String) {
        #expect(LosslessEscape.text(bytes) == text)
        #expect(LosslessEscape.bytes(text) == bytes)
    }

    @Test func everyByteStringComesBack() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                // Backslashes, x and hex digits often, so that false escapes come up.
                [
                    UInt8(ascii: "\\"), UInt8(ascii: "x"), UInt8(ascii: "5"), UInt8(ascii: "c"),
                    UInt8.random(in: 0...255),
                ]
                .randomElement(using: &generator) ?? 0
            }
            #expect(LosslessEscape.bytes(LosslessEscape.text(bytes)) == bytes)
        }
    }
}
