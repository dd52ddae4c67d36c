import Testing
import TextEscaping

@Suite("JSON writer")
struct JSONWriterTests {
    @Test(
        arguments: [
            (0, 1, "0"), (7, 1, "7"), (10, 1, "10"), (-1, 1, "-1"), (.min, 1, "-9223372036854775808"),
            (.max, 1, "9223372036854775807"), (7, 9, "000000007"), (1234, 2, "1234"), (0, 4, "0000"),
            (1, 20, "00000000000000000001"), (1, 99, "00000000000000000001"),
        ] as [(Int64, Int, String)])
    func decimals(number: Int64, width: Int, text: String) {
        var bytes: [UInt8] = [0x21]
        appendDecimal(number, width: width, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "!" + text)
    }

    @Test func theLargestNumber() {
        var json = JSONWriter()
        json.value(UInt64.max)
        #expect(String(decoding: json.bytes, as: UTF8.self) == "18446744073709551615")
    }

    @Test(arguments: [
        ("plain é 邮", #""plain é 邮""#), (#"a"b\c"#, #""a\"b\\c""#), ("\n\u{0}\u{7F}", #""\u000a\u0000\u007f""#),
        ("", #""""#),
    ])
    func strings(text: String, quoted: String) {
        var json = JSONWriter()
        json.value(text)
        #expect(String(decoding: json.bytes, as: UTF8.self) == quoted)
    }

    @Test func commasStandBetweenMembersAndElements() {
        var json = JSONWriter()
        json.object { json in
            json.member("a", 1)
            json.member("none", nil as Int?)
            json.member("b") { json in json.member("c", "d") }
            json.key("e")
            json.array { json in
                json.quoted { $0.append(UInt8(ascii: "x")) }
                json.quoted { $0.append(UInt8(ascii: "y")) }
                json.object { _ in }
                json.null()
            }
        }
        json.newline()
        json.value(true)
        #expect(
            String(decoding: json.bytes, as: UTF8.self) == #"{"a":1,"b":{"c":"d"},"e":["x","y",{},null]}"# + "\ntrue")
    }
}
