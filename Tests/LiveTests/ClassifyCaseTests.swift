import Foundation
import Testing

/// The case folders of `classify`: captures, and what the command says of them, byte for byte.
@Suite("Cases of classify")
struct ClassifyCaseTests {
    static let rules = CaseFolder("rules")
    static let burst = CaseFolder("case-a")

    @Test("The generator writes the capture that is bundled")
    func generator() throws { try Self.rules.expectGenerated("input.pcap") }

    @Test("classify says what is expected, byte for byte")
    func expectedOutput() throws {
        try Self.rules.expect(
            ["classify", "input.pcap", "--rules", "rules.yaml", "--format", "ndjson"], says: "expected.ndjson")
        try Self.burst.expect(["classify", "input.pcapng", "--format", "ndjson"], says: "classified.ndjson")
    }

    /// Without lines packets are counted at once; with lines each waits for its verdict and its tag.
    @Test(
        "The table is the same with and without lines before it",
        arguments: [
            "case-a/input.pcapng", "rules/input.pcap", "newmail/input.pcap", "newmail/shuffled.pcap",
            "sample/input.pcap",
        ])
    func tableAlone(capture: String) throws {
        let folder = TestMachine.package.appending(path: "Tests/Cases")
        let words = ["--newmail-port", "2762", "--rules", folder.appending(path: "rules/rules.yaml").path]
        func run(_ more: [String]) throws -> String {
            let path = folder.appending(path: capture).path
            let run = try CommandRun([TestMachine.whosent, "classify", path] + words + more)
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            return run.text
        }
        let table = try run([])
        let lines = try run(["-v"])
        #expect(table.hasPrefix("PROCESS") && lines.count > table.count)
        #expect(lines.hasSuffix("\n\n" + table), "\(table)\n\(lines.suffix(table.count))")
    }

    @Test("The burst of case A is possible, named as the reason, and nothing is confirmed")
    func burst() throws {
        let run = try Self.burst.whosent(["classify", "input.pcapng", "--format", "ndjson"])
        let lines = try ReportedOutput(run.output).lines
        #expect(lines.count == 15)
        #expect(lines.allSatisfy { $0.whosent.tag == "newmail" && $0.whosent.tagConfidence == "possible" })
        let burst =
            "a burst: this source sent such datagrams to 15 destinations within 1 s, each from a higher source port than the "
            + "one before"
        #expect(lines.allSatisfy { $0.whosent.tagReasons?.contains(burst) == true })
    }

    /// More packets a second than the table of sightings holds, each at two places: what it lets go decides the count.
    @Test("The same captures give the same summary every time")
    func sameAgain() throws {
        let folder = try TestMachine.temporaryFolder()
        var file = Data()
        func little(_ values: UInt32...) {
            for value in values {
                for shift in stride(from: UInt32(0), to: 32, by: 8) { file.append(UInt8(value >> shift & 0xFF)) }
            }
        }
        little(0xA1B2_C3D4, 4 << 16 | 2, 0, 0, 65_535, 101)
        for number in UInt32(0)..<40_000 {
            little(1_772_360_430, number * 20, 36, 36)
            // IPv4 from 192.0.2.1 to 198.51.100.7, UDP with eight bytes.
            file.append(contentsOf: [
                0x45, 0, 0, 36, UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF), 0, 0, 64, 17, 0, 0,
            ])
            file.append(contentsOf: [192, 0, 2, 1, 198, 51, 100, 7, 0x8C, 0xA0, 0x0A, 0xCA, 0, 16, 0, 0, 0, 0, 0, 0])
            little(number)
        }
        for name in ["a.pcap", "b.pcap"] { try file.write(to: folder.appending(path: name)) }
        let words = ["/usr/bin/env", "-C", folder.path, TestMachine.whosent, "classify", "a.pcap", "b.pcap"]
        let first = try CommandRun(words)
        #expect(first.status == 0 && first.text.contains("80000 packets captured"), "\(first.errors)")
        for _ in 0..<2 { #expect(try CommandRun(words).text == first.text) }
    }

    @Test("The list of rules is what is expected")
    func list() throws {
        let words = ["classify", "--list-rules", "--rules", "rules.yaml"]
        try Self.rules.expect(words, says: "expected-list.txt")
        let json = try Self.rules.whosent(words + ["--format", "ndjson"])
        let names = try json.text.split(separator: "\n").map { line in
            try JSONDecoder().decode(ListedName.self, from: Data(line.utf8))
        }
        #expect(names.suffix(5).map(\.name).first == "acme-heartbeat")
        #expect(names.suffix(5).allSatisfy { $0.origin == "file" })
    }

    private struct ListedName: Decodable {
        let name: String
        let origin: String
    }

    @Test(
        "A wrong command line with rules",
        arguments: [
            (["--list-rules", "input.pcap"], 64), (["--list-rules", "--format", "csv"], 64), ([], 64),
            (["input.pcap", "--rules", "none.yaml"], 66), (["input.pcap", "--rules", "README.md"], 65),
        ] as [([String], Int32)])
    func mistakes(words: [String], status: Int32) throws {
        let run = try Self.rules.whosent(["classify"] + words)
        #expect(run.status == status, "\(run.errors)")
        #expect(!run.errors.isEmpty && run.output.isEmpty)
    }
}
