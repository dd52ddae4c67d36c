import Foundation
import Testing

/// The two cases this tool was made for, solved by `join`, and the same with evidence in other forms.
@Suite("Evidence of other tools, joined")
struct ForeignCaseTests {
    private static let evidence = [
        "case-a": ["trace.csv", "tasklist.txt"],
        "case-b": ["trace.csv", "tasklist-before.txt", "tasklist-between.txt", "tasklist-after.txt", "netstat.txt"],
    ]

    private static func words(_ evidence: [String]) -> [String] {
        ["join", "input.pcapng", "--format", "ndjson"] + evidence.flatMap { ["--evidence", $0] }
    }

    @Test("join says what is expected, byte for byte", arguments: ["case-a", "case-b"])
    func expectedOutput(name: String) throws {
        try CaseFolder(name).expect(Self.words(Self.evidence[name] ?? []), says: "expected.ndjson")
    }

    @Test("The generator of other tools' captures writes the files that are bundled")
    func otherToolsGenerator() throws {
        try CaseFolder("other-tools").expectGenerated("input.pcap", "ptcpdump.pcapng", "etl2pcapng.pcapng")
    }

    @Test(
        "A capture of another tool names senders as far as it may be believed, and no receiver",
        arguments: [("ptcpdump", "probable"), ("etl2pcapng", "possible")])
    func otherTools(tool: String, confidence: String) throws {
        let folder = CaseFolder("other-tools")
        let words = ["join", "input.pcap", "--evidence", "\(tool).pcapng", "--format", "ndjson"]
        try folder.expect(words, says: "\(tool).ndjson")
        let lines = try ReportedOutput(folder.whosent(words).output).lines
        #expect(lines.map { $0.process?.pid } == [2136, 2136, 2136, 77, nil, nil])
        #expect(lines.prefix(4).allSatisfy { $0.whosent.confidence == confidence })
        #expect(lines.suffix(2).allSatisfy { $0.whosent.verdict == "unknown" })
    }

    /// The lines of case A's trace in other forms; each has to give the same verdicts.
    enum Form: String, CaseIterable {
        case utf16, bom, crlf, shuffled, header, vista, windows7
    }

    @Test("Case A's trace in another form gives the same verdicts", arguments: Form.allCases)
    func otherForms(form: Form) throws {
        let folder = try TestMachine.temporaryFolder()
        let original = CaseFolder("case-a")
        for file in ["input.pcapng", "tasklist.txt"] {
            try FileManager.default.copyItem(at: original.file(file), to: folder.appending(path: file))
        }
        let text = try String(contentsOf: original.file("trace.csv"), encoding: .utf8)
        try Self.rewritten(text, form).write(to: folder.appending(path: "trace.csv"))
        let run = try CommandRun(
            ["/usr/bin/env", "-C", folder.path, TestMachine.whosent] + Self.words(["trace.csv", "tasklist.txt"]))
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        let named = lines.filter { $0.process != nil }
        #expect(named.map(\.whosent.frame) == [5, 15])
        #expect(named.map { $0.process?.name } == ["store.exe", "store.exe"])
        #expect(named.map(\.whosent.confidence) == ["probable", "possible"])
        #expect(run.text.contains(#""clock_offset":{"seconds":14400.3124402,"spread":null,"matches":1}"#))
    }

    private static func rewritten(_ text: String, _ form: Form) throws -> Data {
        let rows = text.split(separator: "\n").map {
            $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let old = "Event Name, Type, TID, Clock-Time, Kernel(ms), User(ms), User Data, IID, PIID"
        switch form {
        case .utf16: return Data([0xFF, 0xFE]) + (try #require(text.data(using: .utf16LittleEndian)))
        case .bom: return Data([0xEF, 0xBB, 0xBF]) + Data(text.utf8)
        case .crlf: return Data(text.replacingOccurrences(of: "\n", with: "\r\n").utf8)
        case .shuffled: return Data(text.split(separator: "\n").reversed().joined(separator: "\n").utf8)
        case .header: return Data("\(old)\n\(text)".utf8)
        case .vista:
            let lines = rows.map {
                "UdpIp, SendIPV4, \($0[2]), \($0[3]), 0, 0, \($0[6...11].joined(separator: ", ")), 0, 0x00000000, 0, 0"
            }
            return Data(([old] + lines).joined(separator: "\n").utf8)
        case .windows7:
            let header = """
                Event Name, Type, Event ID, Version, Channel, Level, Opcode, Task, Keyword, PID, TID, Processor Number, \
                Instance ID, Parent Instance ID, Activity ID, Related Activity ID, Clock-Time, Kernel(ms), User(ms), User Data
                """
            let lines = rows.map {
                "UdpIp, SendIPV4, 0, 2, 0, 0, 10, 0, 0x0, 0x00000004, 0x00000008, 0, , , {0}, , \($0[3]), 0, 0, "
                    + "\($0[6...11].joined(separator: ", ")), 0, 0x0"
            }
            return Data(([header] + lines).joined(separator: "\n").utf8)
        }
    }
}
