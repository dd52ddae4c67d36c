import Testing
import TextEscaping

@Suite("Reading JSON")
struct JSONValueTests {
    @Test(
        "well-formed texts",
        arguments: [
            ("null", .null), (" true ", .flag(true)), ("false", .flag(false)), ("0", .number("0")),
            ("-12.5e+3", .number("-12.5e+3")), ("18446744073709551615", .number("18446744073709551615")),
            (#""""#, .string("")), (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{C}\n\r\tz")),
            (#""\u00e9\ud83d\ude00é""#, .string("é😀é")), (#""\\x1b""#, .string("\\x1b")), ("[]", .array([])),
            ("[1, [2]]", .array([.number("1"), .array([.number("2")])])), ("{}", .object([:])),
            (#"{"a" : 1,"b":{"c":null}}"#, .object(["a": .number("1"), "b": .object(["c": .null])])),
        ] as [(String, JSONValue)])
    func accepts(text: String, expected: JSONValue) {
        #expect(JSONValue(text.utf8) == expected)
    }

    @Test(
        "ill-formed texts",
        arguments: [
            "", " ", "nul", "truee", "01", "+1", ".5", "1.", "1e", "-", "\"", "\"a", #""\x""#, #""\u12""#, #""\ud800""#,
            #""\ud800\u0041""#, #""\udc00""#, "\"\u{1}\"", "[", "[1", "[1,]", "[,]", "{", "{}}", #"{"a"}"#, #"{"a":}"#,
            #"{"a":1,}"#, #"{a:1}"#, #"{"a":1,"a":2}"#, "1 2", String(repeating: "[", count: 100_000),
        ])
    func refuses(text: String) {
        #expect(JSONValue(text.utf8) == nil)
    }

    @Test func refusesIllFormedUTF8() {
        #expect(JSONValue([0x22, 0xC3, 0x22]) == nil)
    }

    @Test func integers() {
        #expect(JSONValue("65536".utf8)?.integer(UInt16.self) == nil)
        #expect(JSONValue("18446744073709551615".utf8)?.integer(UInt64.self) == .max)
        #expect(JSONValue("-1".utf8)?.integer(UInt8.self) == nil)
        #expect(JSONValue("1.0".utf8)?.integer(Int.self) == nil)
    }

    @Test("what is written is read back")
    func roundTrip() {
        var writer = JSONWriter()
        writer.object { json in
            json.member("a", "\"\\\u{1}\u{7F}é\u{202E}")
            json.member("b", UInt64.max)
            json.key("c")
            json.array { $0.value(true) }
        }
        #expect(
            JSONValue(writer.bytes)
                == .object([
                    "a": .string("\"\\\u{1}\u{7F}é\u{202E}"), "b": .number("18446744073709551615"),
                    "c": .array([.flag(true)]),
                ]))
    }
}
