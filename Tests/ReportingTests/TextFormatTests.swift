import Correlation
import Records
import Testing
import TextEscaping

@testable import Reporting

@Suite("Text")
struct TextFormatTests {
    @Test(arguments: [
        ("live-pipe.txt", TextFormat.Options(printsPackets: true)),
        ("live-80-columns.txt", TextFormat.Options(printsPackets: true, width: 80)),
        ("live-200-columns.txt", TextFormat.Options(printsPackets: true, width: 200)),
        ("live-120-columns-colour.txt", TextFormat.Options(printsPackets: true, colour: true, width: 120)),
        ("table-80-columns.txt", TextFormat.Options(printsPackets: false, width: 80)),
    ])
    func everyKindOfPacketAsExpected(name: String, options: TextFormat.Options) {
        Golden.expect(Sample.output(TextFormat(options: options)), named: name)
    }

    private static func line(_ reported: ReportedPacket, options: TextFormat.Options? = nil) -> String {
        var format = TextFormat(options: options ?? TextFormat.Options(printsPackets: true))
        var bytes: [UInt8] = []
        format.packet(reported, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func nothingThatATerminalObeysIsPrinted() {
        let output = String(decoding: Sample.output(TextFormat(options: .init(printsPackets: true))), as: UTF8.self)
        let obeyed = output.unicodeScalars.filter { scalar in
            let category = scalar.properties.generalCategory
            return scalar != "\n" && (category == .control || category == .format || category == .lineSeparator)
        }
        #expect(obeyed.isEmpty)
    }

    /// Names as they come, escaped or forgotten; the line shows each in one word of one line.
    @Test(arguments: [
        ("store", "store[7] exact"),
        ("kworker/0:1-events", "kworker/0:1-events[7] exact"),
        ("store[2136] exact", #""store[2136] exact"[7] exact"#),
        (#"a"b"#, #""a\x22b"[7] exact"#),
        ("\u{1B}[2Jx", #""\x1b[2Jx"[7] exact"#),
        ("a\nb", #""a\x0ab"[7] exact"#),
        ("\u{202E}exe", #""\xe2\x80\xaeexe"[7] exact"#),
        ("store\u{200B}", #""store\xe2\x80\x8b"[7] exact"#),
        ("a\u{00A0}b", #""a\xc2\xa0b"[7] exact"#),
        (#"\x1b"#, #""\x1b"[7] exact"#),
        ("邮件", #""邮件"[7] exact"#),
        ("", #"""[7] exact"#),
        ("?", #""?"[7] exact"#),
    ])
    func namesCannotForgeWhatStandsBesideThem(name: String, shown: String) {
        let reported = Sample.report(
            1, .egress, Sample.udp(1, 2, payload: []), Sample.exact(Sample.sender(pid: 7)),
            process: Sample.process(pid: 7, name: name, executable: nil))
        let lines = Self.line(reported).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 3)
        #expect(lines[1].hasSuffix("length 0  " + shown), "\(lines[1])")
    }

    @Test func aKnownProcessWithoutANameIsNotMistakenForOne() {
        #expect(Self.line(Sample.packets[2]).contains("  ?[99] probable by flow"))
    }

    @Test func theDateIsPrintedWhereItChanges() {
        var format = TextFormat(options: TextFormat.Options(printsPackets: true))
        var bytes: [UInt8] = []
        for hours in [0, 13, 14, 38] as [Int64] {
            var reported = Sample.packets[9]
            reported.packet.time = Sample.begin.advanced(by: hours * 3_600_000_000_000)
            format.packet(reported, into: &bytes)
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.prefix(14) }
        #expect(
            lines == [
                "2026-03-01 UTC", "10:20:30.12345", "23:20:30.12345", "2026-03-02 UTC", "00:20:30.12345",
                "2026-03-03 UTC", "00:20:30.12345",
            ])
    }

    @Test(arguments: [80, 100, 132, 200])
    func theTerminalNeverBreaksAVerdict(width: Int) {
        // Frames 4 and 5 have names that no terminal holds.
        for reported in Sample.packets where reported.packet.frame != 4 && reported.packet.frame != 5 {
            let text = Self.line(reported, options: TextFormat.Options(printsPackets: true, width: width))
            let lines = text.split(separator: "\n").dropFirst()
            #expect(lines.count <= 2)
            #expect(TerminalText.width(String(lines.last ?? "")) <= width, "\(text)")
            #expect(lines.count == 1 || lines.last?.hasPrefix("    ") == true)
        }
    }

    @Test(arguments: [
        ("", 0), ("store", 5), ("é", 1), ("e\u{301}", 1), ("邮件", 4), ("ｆ", 2), ("📧", 2), ("한", 2),
    ])
    func widthsAreThoseOfATerminal(text: String, width: Int) {
        #expect(TerminalText.width(text) == width)
    }

    @Test(
        arguments: [
            (0, 3, false, "type 0 code 3"), (3, 3, false, "port unreachable"), (8, 0, false, "echo request"),
            (135, 0, true, "neighbor solicitation"), (1, 4, true, "port unreachable"), (42, 1, false, "type 42 code 1"),
        ] as [(UInt8, UInt8, Bool, String)])
    func icmpTypesHaveTheirNames(type: UInt8, code: UInt8, isV6: Bool, name: String) {
        let text = ICMPNames.text(type: type, code: code, isV6: isV6)
        #expect(text == name)
    }
}
