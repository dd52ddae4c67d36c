import Classification
import Foundation
import Records
import Testing

@testable import WhosentCLI

@Suite("Rule files")
struct RuleFileTests {
    /// A rule with these lines besides the ones every rule has; its first own line is the file's fifth.
    private static func file(_ lines: String...) -> String {
        (["rules:", "  - name: mine", "    description: what it is", "    transport: udp"] + lines.map { "    " + $0 })
            .joined(separator: "\n")
    }

    private static func rules(_ text: String) throws -> [Rule] {
        try RuleFile.rules(of: Array(text.utf8), file: "my.yaml")
    }

    @Test func everyKeyIsRead() throws {
        let rules = try Self.rules(
            """
            rules:
              - name: everything
                description: what it is
                reference: RFC 768
                transport: udp
                payload:
                  length: 8-16
                  patterns:
                    - bytes: "80:c9 0001"
                      mask: 0xffffff0f
                      offset: 2
                ports:
                  source: [1024-65535, 53]
                  destination: 9000
                  either: 7-
                direction: ingress
                ttl: 1-64
                rate: {packets: 10, within: 1.5s}
                repeat: {every: 1m, tolerance: 500ms}
              - name: pings
                description: pings of some kind
                transport: [icmp, icmpv6]
                icmp: {type: 8, code: 0}
                repeat: {every: 30s}
            """)
        var first = Rule(name: "everything", description: "what it is", transports: .udp)
        first.reference = "RFC 768"
        first.payloadLength = 8...16
        try first.pattern.add([0x80, 0xC9, 0x00, 0x01], mask: [0xFF, 0xFF, 0xFF, 0x0F], at: 2)
        first.sourcePorts = [1024...65535, 53...53]
        first.destinationPorts = [9000...9000]
        first.eitherPorts = [7...65535]
        first.direction = .ingress
        first.hopLimit = 1...64
        first.rate = Rule.Rate(packets: 10, span: 1_500_000_000)
        first.repetition = Rule.Repetition(interval: 60_000_000_000, tolerance: 500_000_000)
        var second = Rule(name: "pings", description: "pings of some kind", transports: [.icmp, .icmpv6])
        second.icmpType = 8
        second.icmpCode = 0
        second.repetition = Rule.Repetition(interval: 30_000_000_000, tolerance: 3_000_000_000)
        #expect(rules == [first, second])
    }

    /// A file, and what is said of it.
    struct Mistake: CustomTestStringConvertible, Sendable {
        let text: String
        let sentence: String
        var testDescription: String { sentence }

        init(_ text: String, _ sentence: String) {
            self.text = text
            self.sentence = sentence
        }
    }

    static let structure: [Mistake] = [
        Mistake("", "my.yaml: rules: is missing; expected a list of 1 to 256 rules"),
        Mistake("- name: x", "my.yaml:1: expected a mapping with the keys rules"),
        Mistake("rules: []", "my.yaml:1: rules: expected a list of 1 to 256 rules; found a list"),
        Mistake("rules:", "my.yaml:1: rules: expected a list of 1 to 256 rules; found nothing"),
        Mistake("\nrule: x", "my.yaml:2: rule: is no known key; known here are rules"),
        Mistake("rules: [1", "my.yaml:2: is no YAML here: did not find expected ',' or ']'"),
        Mistake("rules: [*x]", "my.yaml:1: is no YAML here: found undefined alias"),
        Mistake("rules: \u{1}", "my.yaml:1: is no YAML here: control characters are not allowed"),
        Mistake("rules: []\nrules: []", "my.yaml:1: the mapping that begins here has a key twice: rules"),
        Mistake("rules: [x]", "my.yaml:1: expected a mapping with the keys name, "),
        Mistake("rules:\n  - description: x", "my.yaml:2: name: is missing; expected a name of letters"),
        Mistake("rules:\n  - name: x\n    transport: udp", "my.yaml:2: description: is missing; expected what such"),
        Mistake(
            "rules:\n  - name: x\n    description: y", "my.yaml:2: transport: is missing; expected udp, icmp or icmpv6"),
        Mistake("rules:\n  - name: newmail", "my.yaml:2: name: newmail is a built-in tag; expected another name"),
        Mistake("rules:\n  - name: a b", #"my.yaml:2: name: expected a name of letters, digits, dots, hyphens and"#),
        Mistake(
            file("colour: red").replacing("mine", with: "dsaccess-ping"),
            "my.yaml:5: colour: is no known key; known here are name, description, reference, transport, payload, "),
        Mistake(
            file() + "\n  - name: mine\n    description: again\n    transport: udp",
            "my.yaml:5: name: mine is the name of a rule before"),
    ]

    static let values: [Mistake] = [
        Mistake(file("reference: [1]"), "my.yaml:5: reference: expected text of 1 to 300 characters; found a list"),
        Mistake(
            file().replacing("udp", with: "tcp"), #"my.yaml:4: transport: expected udp, icmp or icmpv6, or a list"#),
        Mistake(file("payload: 8"), "my.yaml:5: payload: expected a mapping with the keys length, patterns"),
        Mistake(
            file("payload: {size: 8}"), "my.yaml:5: payload.size: is no known key; known here are length, patterns"),
        Mistake(
            file("payload:", "  length: eight"),
            #"my.yaml:6: payload.length: expected a number or range of bytes from 0 to 65535, such as 8, 8-16 or 8-; found "eight""#
        ),
        Mistake(file("payload: {length: 16-8}"), "my.yaml:5: payload.length: expected a number or range"),
        Mistake(file("payload: {length: 65536}"), "my.yaml:5: payload.length: expected a number or range"),
        Mistake(file("payload: {length: -1}"), "my.yaml:5: payload.length: expected a number or range"),
        Mistake(file("payload: {length: }"), "my.yaml:5: payload.length: expected a number or range"),
        Mistake(file("payload: {patterns: 80}"), "my.yaml:5: payload.patterns: expected a list of 1 to 8 patterns"),
        Mistake(
            file("payload:", "  patterns:", "    - offset: 1"),
            "my.yaml:7: payload.patterns.bytes: is missing; expected 1 to 16 bytes"),
        Mistake(
            file("payload:", "  patterns:", "    - bytes: 8"),
            #"my.yaml:7: payload.patterns.bytes: expected 1 to 16 bytes in hexadecimal, such as "80 c9 00 01"; found "8""#
        ),
        Mistake(
            file("payload:", "  patterns:", "    - bytes: 8g"), "my.yaml:7: payload.patterns.bytes: expected 1 to 16"),
        Mistake(
            file("payload:", "  patterns:", "    - {bytes: 80, mask: ffff}"),
            "my.yaml:7: payload.patterns.mask: expected as many bytes as in bytes, 1"),
        Mistake(
            file("payload:", "  patterns:", "    - {bytes: 80, offset: 16}"),
            "my.yaml:7: payload.patterns.offset: expected a number from 0 to 15"),
        Mistake(
            file("payload:", "  patterns:", "    - {bytes: 8081, offset: 15}"),
            "my.yaml:7: payload.patterns.bytes: only a payload's first 16 bytes"),
        Mistake(
            file("payload:", "  patterns:", "    - bytes: 80", "    - bytes: 81"),
            "my.yaml:8: payload.patterns.bytes: contradicts a pattern before"),
        Mistake(
            file("payload:", "  length: 1", "  patterns:", "    - bytes: 8081"),
            "my.yaml:6: payload.length: no payload of this length holds the patterns, which need 2 bytes"),
        Mistake(file("ports: {source: 65536}"), "my.yaml:5: ports.source: expected a port or range from 0 to 65535"),
        Mistake(
            file("ports:", "  either:", "    - 1", "    - 9-2"),
            #"my.yaml:8: ports.either: expected a port or range from 0 to 65535, such as 53 or 1024-65535, or a list of these; found "9-2""#
        ),
        Mistake(file("ports: {source: []}"), "my.yaml:5: ports.source: expected a port or range"),
        Mistake(
            file("ports: {source: 1}").replacing("udp", with: "[udp, icmp]"),
            "my.yaml:5: ports: goes with transport udp alone"),
        Mistake(file("icmp: {type: 8}"), "my.yaml:5: icmp: goes with transport icmp or icmpv6, not with udp"),
        Mistake(
            file("icmp: {type: 256}").replacing("udp", with: "icmp"),
            "my.yaml:5: icmp.type: expected a number from 0 to 255"),
        Mistake(file("direction: out"), #"my.yaml:5: direction: expected egress or ingress; found "out""#),
        Mistake(
            file("ttl: 300"),
            #"my.yaml:5: ttl: expected a number or range from 0 to 255, such as 64 or 1-64; found "300""#),
        Mistake(
            file("rate: {packets: 5}"),
            "my.yaml:5: rate.within: is missing; expected a span of time such as 60s, 500ms or 5m"),
        Mistake(file("rate: {packets: 1, within: 1s}"), "my.yaml:5: rate.packets: expected a number from 2 to 1000000"),
        Mistake(file("rate: {packets: 5, within: 10}"), "my.yaml:5: rate.within: expected a span of time"),
        Mistake(file("rate: {packets: 5, within: 9000h}"), "my.yaml:5: rate.within: expected a span of time"),
        Mistake(file("repeat: {tolerance: 1s}"), "my.yaml:5: repeat.every: is missing; expected a span of time"),
        Mistake(file("repeat: {every: 1s, tolerance: 1s}"), "my.yaml:5: repeat.tolerance: must be shorter than every"),
    ]

    @Test(arguments: structure + values)
    func mistakes(mistake: Mistake) throws {
        let error = try #require(throws: RuleFileError.self) { try Self.rules(mistake.text) }
        #expect(error.description.hasPrefix(mistake.sentence), "\(error)")
    }

    @Test func whatIsNoTextIsRefused() throws {
        #expect(throws: RuleFileError(file: "f", line: 0, key: "", problem: "is not UTF-8")) {
            try RuleFile.rules(of: [0x72, 0xFF], file: "f")
        }
        #expect(throws: RuleFileError(file: "f", line: 0, key: "", problem: "is larger than 262144 bytes")) {
            try RuleFile.rules(of: Array(repeating: 0x20, count: (256 << 10) + 1), file: "f")
        }
    }

    @Test func limitsHold() throws {
        func many(_ count: Int) -> String {
            "rules:\n" + (0..<count).map { "  - {name: r\($0), description: d, transport: udp}\n" }.joined()
        }
        #expect(try Self.rules(many(256)).count == 256)
        #expect(throws: RuleFileError.self) { try Self.rules(many(257)) }
        func patterns(_ count: Int) -> String {
            Self.file(
                "payload:",
                "  patterns: [" + (0..<count).map { "{bytes: 00, offset: \($0)}" }.joined(separator: ", ") + "]")
        }
        #expect(try Self.rules(patterns(8))[0].pattern.end == 8)
        #expect(throws: RuleFileError.self) { try Self.rules(patterns(9)) }
        func ports(_ count: Int) -> String {
            Self.file("ports: {either: [" + (1...count).map(String.init).joined(separator: ", ") + "]}")
        }
        #expect(try Self.rules(ports(32))[0].eitherPorts.count == 32)
        #expect(throws: RuleFileError.self) { try Self.rules(ports(33)) }
    }

    @Test func nestingWithoutEndIsRefused() {
        #expect(throws: RuleFileError.self) { try Self.rules("rules: " + String(repeating: "[", count: 100_000)) }
    }

    @Test func textOfTheFileIsHarmlessWhereItIsShown() throws {
        let text = Self.file().replacing("what it is", with: "\"a\\x1b[31mb\"")
        #expect(try Self.rules(text)[0].description == "a\\x1b[31mb")
        let error = try #require(throws: RuleFileError.self) { try Self.rules(Self.file("direction: \"\\x1b[0m\"")) }
        #expect(!error.description.contains("\u{1B}"))
    }

    @Test(arguments: [("none.yaml", 66), ("", 66), ("bad.yaml", 65)] as [(String, Int32)])
    func statuses(name: String, status: Int32) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("rules: 1".utf8).write(to: folder.appending(path: "bad.yaml"))
        let failure = try #require(throws: CommandFailure.self) {
            try RuleFile.load(path: folder.appending(path: name).path)
        }
        #expect(failure.status == status)
        #expect(failure.description.contains(folder.path))
    }
}
