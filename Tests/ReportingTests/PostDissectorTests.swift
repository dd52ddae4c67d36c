import Foundation
import PcapNG
import Records
import SystemPackage
import Testing

/// What Wireshark's post-dissector makes of packet comments: ours, others', and those that pretend.
@Suite(
    "Wireshark's post-dissector",
    .enabled("tshark is installed") {
        AnnotatedCaptureWitnesses.areRequired || AnnotatedCaptureWitnesses.find("tshark") != nil
    })
struct PostDissectorTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/wireshark/whosent.lua").path

    /// The comments of one packet, and the fields that Wireshark has then.
    struct Row: Sendable, CustomTestStringConvertible {
        var comments: [String]
        /// pid, tid, verdict, confidence, method, tag, name; empty for none at all.
        var fields: String

        init(_ comments: String..., fields: String = "||||||") {
            self.comments = comments
            self.fields = fields
        }

        var testDescription: String { comments.joined(separator: " & ") }
    }

    private static let head = "VERDICT=process CONFIDENCE=exact METHOD=packet"

    static let rows: [Row] = [
        Row(
            #"PID=2136 TID=2140 \#(head) TAG=newmail NAME="store""#,
            fields: "2136|2140|process|exact|packet|newmail|store"),
        Row(#"PID=4294967295 \#(head) NAME="x""#, fields: "4294967295||process|exact|packet||x"),
        Row("VERDICT=received CONFIDENCE=probable METHOD=none", fields: "||received|probable|none||"),
        Row(
            #"VERDICT=unknown CONFIDENCE=none METHOD=none TAG=a\x20b"#, fields: #"||unknown|none|none|a\x20b|"#),
        // Free text forges nothing.
        Row(
            #"PID=7 \#(head) NAME="x PID=1 VERDICT=kernel""#,
            fields: "7||process|exact|packet||x PID=1 VERDICT=kernel"),
        Row(
            #"PID=7 \#(head) NAME="x\" PID=1 NAME=\"init""#,
            fields: #"7||process|exact|packet||x" PID=1 NAME="init"#),
        Row(#"PID=7 \#(head) NAME="a\\" PID=1 X="b""#),
        Row(#"PID=7 \#(head) NAME="x" PID=1"#),
        Row(#"PID=7 \#(head) NAME="x" "#),
        Row(#"PID=7 \#(head) NAME="x\u0000y""#),
        // Not of the form: nothing of it is believed.
        Row("somebody's note"), Row("PID=7 TID=8"), Row("PID: 7"), Row("PID=7  \(head)"), Row(" PID=7 \(head)"),
        Row("PID=07 \(head)"), Row("PID=-7 \(head)"), Row("PID=4294967296 \(head)"), Row("PID=7 PID=8 \(head)"),
        Row("\(head) NAME=\"x\""), Row("PID=7 VERDICT=kernel CONFIDENCE=exact METHOD=packet"),
        Row("PID=7 \(head) TAG=\"x\""), Row("PID=7 \(head) NAME=x"),
        // Others' comments beside ours, in both orders; two that claim to be ours.
        Row("a note", "PID=7 \(head)", fields: "7||process|exact|packet||"),
        Row("PID=7 \(head)", "PID=1 is init", fields: "7||process|exact|packet||"),
        Row("PID=7 \(head)", "PID=1 \(head)"),
    ]

    /// A capture with a packet for each row, written by hand where the project's writer would write one comment only.
    private static func capture() -> [UInt8] {
        var head = BlockEncoder()
        head.section(SectionHeader())
        head.interface(InterfaceDescription(linkType: 1, snapLength: 0))
        return rows.reduce(into: head.bytes) { file, row in
            let frame = AnnotatedCaptureTests.frame(payload: [1, 2])
            var body = little(0) + little(0) + little(1) + little(UInt32(frame.count)) + little(UInt32(frame.count))
            body += padded(frame)
            for comment in row.comments {
                body += little(1 | UInt32(comment.utf8.count) << 16) + padded(Array(comment.utf8))
            }
            body += little(0)
            let length = little(UInt32(body.count + 12))
            file += little(6) + length + body + length
        }
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: -bytes.count & 3) }

    private func tshark(_ file: [UInt8], _ words: [String]) throws -> [String] {
        let path = AnnotatedCaptureWitnesses.temporaryPath()
        defer { AnnotatedCaptureWitnesses.remove(path) }
        try Data(file).write(to: URL(filePath: path.string))
        let run = try AnnotatedCaptureWitnesses.run(
            #require(AnnotatedCaptureWitnesses.find("tshark")),
            ["-n", "-X", "lua_script:\(Self.script)", "-r", path.string] + words)
        let complaints = run.errors.split(separator: "\n").filter { !$0.contains("Running as user") }
        #expect(run.status == 0 && complaints.isEmpty, "\(complaints)")
        return run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test("fields come from one whole comment of ours or not at all")
    func fields() throws {
        let names = ["pid", "tid", "verdict", "confidence", "method", "tag", "name"]
        let lines = try tshark(
            Self.capture(), ["-T", "fields", "-E", "separator=|"] + names.flatMap { ["-e", "whosent.\($0)"] })
        #expect(lines.count == Self.rows.count)
        for (line, row) in zip(lines, Self.rows) { #expect(line == row.fields, "\(row.testDescription)") }
    }

    @Test("a contradiction is shown as one")
    func contradiction() throws {
        let lines = try tshark(
            Self.capture(), ["-Y", "whosent.several_answers", "-T", "fields", "-e", "frame.number"])
        #expect(lines == ["\(Self.rows.count)"])
    }

    @Test(
        "display filters compare numbers as numbers",
        arguments: [
            ("whosent.pid == 2136", 3), ("whosent.pid == 1", 0), ("whosent.pid > 2000 && whosent.tid == 2140", 2),
            ("whosent.verdict == \"kernel\"", 1), ("whosent.tag == \"newmail\" && whosent.confidence == \"exact\"", 1),
            ("whosent.name contains \"VERDICT=kernel\"", 1), ("whosent", 8),
        ])
    func filters(filter: String, count: Int) throws {
        let lines = try tshark(AnnotatedCaptureTests.capture(), ["-Y", filter, "-T", "fields", "-e", "frame.number"])
        #expect(lines.count == count)
    }
}
