import PcapNG
import Records
import Testing

@Suite("The one-line packet comment")
struct PacketCommentTests {
    @Test("fields are written and read; the quoted text cannot forge one")
    func roundTrip() {
        var writer = PacketCommentWriter()
        writer.field("PID", 2136)
        writer.field("BIG", .max)
        writer.field("VERDICT", "process")
        writer.field("TAG", data: "a b=\"c\"\n\u{7F}é")
        writer.text("NAME", "x\" PID=1 \\ \u{1}\u{7F}é")
        let line = String(decoding: writer.bytes, as: UTF8.self)
        #expect(
            line == #"PID=2136 BIG=18446744073709551615 VERDICT=process TAG=a\x20b\x3d\x22c\x22\x0a\x7fé "#
                + #"NAME="x\" PID=1 \\ \u0001\u007fé""#)
        var scanner = PacketCommentScanner(writer.bytes.rawSpan)
        var pids: [UInt32?] = []
        var name: String?
        var names = 0
        while scanner.next() {
            names += 1
            if scanner.isNamed("PID") { pids.append(scanner.number()) }
            if scanner.isNamed("BIG") {
                let small: UInt32? = scanner.number()
                let large: UInt64? = scanner.number()
                #expect(small == nil)
                #expect(large == .max)
            }
            if scanner.isNamed("VERDICT") {
                let isProcess = scanner.isWord("process")
                let isPrefix = scanner.isWord("proc")
                #expect(isProcess && !isPrefix)
            }
            if scanner.isNamed("NAME") { name = scanner.text() }
        }
        let isMalformed = scanner.isMalformed
        #expect(!isMalformed)
        #expect(names == 5)
        #expect(pids == [2136])
        #expect(name == "x\" PID=1 \\ \u{1}\u{7F}é")
    }

    @Test(
        "malformed lines are refused as a whole",
        arguments: [
            " PID=1", "PID=1 ", "PID=1  TID=2", "PID", "PID=", "=1", "pid=1", "1PID=1", "_A=1", "P ID=1", "PID=1\n",
            "PID=1\tTID=2", "A=b=c", "A=b\"c", "A=\"x", "A=\"x\\\"", "A=\"x\" PID=1", "A=\"x\"y", "PID=1\u{0}",
        ])
    func malformed(line: String) {
        let bytes = Array(line.utf8)
        var scanner = PacketCommentScanner(bytes.rawSpan)
        while scanner.next() {}
        let isMalformed = scanner.isMalformed
        #expect(isMalformed)
    }

    @Test(
        "what is no number is none",
        arguments: ["N=01", "N=-1", "N=1x", "N=18446744073709551616", "N=999999999999999999999", "N=\"1\"", "N=0x1"])
    func notNumbers(line: String) {
        let bytes = Array(line.utf8)
        var scanner = PacketCommentScanner(bytes.rawSpan)
        let found = scanner.next()
        let number: UInt64? = scanner.number()
        #expect(found)
        #expect(number == nil)
    }

    @Test(
        "thread names of any bytes survive",
        arguments: [
            Array("store".utf8), Array("sixteen-bytes-ab".utf8), Array("fifteen-bytes-a".utf8), [], [0x22, 0x5C, 0x20],
            [0xFF, 0x01, 0x80], Array("\\x41".utf8), Array("é\u{202E}".utf8),
        ])
    func threadNames(bytes: [UInt8]) {
        var writer = PacketCommentWriter()
        writer.text("TNAME", TaskName(bytes))
        var scanner = PacketCommentScanner(writer.bytes.rawSpan)
        let found = scanner.next()
        let name = scanner.taskName()
        #expect(found)
        #expect(name == TaskName(bytes))
    }
}
