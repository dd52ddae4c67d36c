import PcapNG
import Records
import SeededRandomness
import Testing

@testable import Evidence

@Suite("Comments of send records, known again")
struct SendCommentTemplatesTests {
    private static let packet = IPPacket(
        source: IPAddress(v4: 0xC000_0201), destination: IPAddress(v4: 0xC633_6407), transport: .udp)

    /// What a line says, read by itself and through templates that have seen others.
    private static func expectSame(
        _ line: [UInt8], thread: UInt32, _ templates: inout SendCommentTemplates,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let alone = SendComment(line.rawSpan)
        let known = templates.read(line.rawSpan, thread: thread)
        #expect(known == (alone != nil), sourceLocation: sourceLocation)
        guard known, let alone else { return }
        let record = templates.record(
            time: Timestamp(nanoseconds: 1), packet: packet, pid: 5, thread: thread, host: 2)
        let said = String(decoding: line, as: UTF8.self)
        #expect(SendComment(record) == alone, "\(said)", sourceLocation: sourceLocation)
        #expect(record.process.pid == 5 && record.thread == thread && record.host == 2, sourceLocation: sourceLocation)
    }

    private static func line(_ comment: SendComment, interfaceName: String? = "eth0") -> [UInt8] {
        var writer = PacketCommentWriter()
        comment.write(interfaceName: interfaceName, to: &writer)
        return writer.bytes
    }

    /// A thread's comment; few threads and few values, so that comments meet each other's templates.
    private static func random(_ generator: inout SeededGenerator, thread: UInt32) -> SendComment {
        var comment = SendComment()
        func rarely() -> Bool { generator.next() % 8 == 0 }
        comment.namespace = rarely() ? 0 : 4_026_531_840
        comment.interface = rarely() ? 0 : UInt32(generator.next() % 3)
        comment.cookie = [0, 1, 9, 10, 99, 123_456, 9_999_999_999_999_999_999, .max][Int(generator.next() % 8)]
        comment.cgroup = thread % 3 == 0 ? 0 : 17
        comment.user = rarely() ? nil : 1000 + thread
        comment.group = rarely() ? nil : .max
        comment.imageVersion = rarely() ? 2 : 1
        comment.startTime = rarely() ? 0 : 9_220_000_000
        comment.path = rarely() ? [.packetSocket, .transmit, .foreign][Int(generator.next() % 3)] : .cgroupEgress
        comment.proof =
            rarely() ? [.unverified, .borrowed, .socketUser, .likelySocketUser][Int(generator.next() % 4)] : .verified
        comment.threadName =
            [
                .empty, TaskName(Array("daemon".utf8)), TaskName(Array("COOKIE=7 x".utf8)),
                TaskName([0x22, 0x5C, 0xFF]),
            ][Int(thread % 4)]
        if rarely() { comment.segmentSize = UInt16(truncatingIfNeeded: generator.next()) }
        if rarely() {
            comment.beforeNAT = UntranslatedTuple(
                source: IPAddress(v6High: 0x2001_0DB8_0000_0000, low: generator.next()),
                destination: IPAddress(v4: 0xC633_6407), sourcePort: 5000, destinationPort: 53)
        }
        if rarely() {
            comment.creator = SocketCreator(
                process: ProcessKey(pid: 9, startTime: generator.next() % 3), name: TaskName(Array("COOKIE=1".utf8)))
        }
        return comment
    }

    @Test("30,000 comments of a few threads, every field of which may change, are read as each would be alone")
    func written() {
        var generator = SeededGenerator(state: 23)
        var templates = SendCommentTemplates()
        for _ in 0..<30_000 {
            let thread = UInt32(generator.next() % 6)
            let comment = Self.random(&generator, thread: thread)
            let name = [nil, "eth0", "COOKIE=3", "a b"][Int(generator.next() % 4)]
            Self.expectSame(Self.line(comment, interfaceName: name), thread: thread, &templates)
        }
    }

    @Test("30,000 mutated comments between whole ones are read, or refused, as each would be alone")
    func mutated() {
        var generator = SeededGenerator(state: 29)
        var templates = SendCommentTemplates()
        for _ in 0..<30_000 {
            let thread = UInt32(generator.next() % 4)
            var line = Self.line(Self.random(&generator, thread: thread))
            Self.expectSame(line, thread: thread, &templates)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let at = Int.random(in: 0..<line.count, using: &generator)
                switch generator.next() % 5 {
                case 0: line[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: line[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 2 where line.count > 1: line.remove(at: at)
                case 3: line.removeLast(line.count - at)
                default: line.insert(UInt8(ascii: "0") + UInt8(generator.next() % 10), at: at)
                }
                if line.isEmpty { break }
            }
            Self.expectSame(line, thread: thread, &templates)
        }
    }

    @Test(
        "a cookie is a number as the scanner takes it, also behind a known line",
        arguments: [
            "0", "7", "18446744073709551615", "18446744073709551616", "9999999999999999999", "10000000000000000000",
            "007",
            "00", "", "-1", "+1", "1x", " 1", "1 ", "\"1\"", "1 COOKIE=2", "1 X=2", "0x1", "12345678901234567890123",
        ])
    func cookies(number: String) {
        var templates = SendCommentTemplates()
        for rest in ["", " IMAGE=1 START=5", " IMAGE=1 START=5 TNAME=\"x\""] {
            for value in ["5", number, "18446744073709551615"] {
                let line = Array("NETNS=4026531840 IF=2 IFNAME=eth0 COOKIE=\(value)\(rest)".utf8)
                Self.expectSame(line, thread: 1, &templates)
            }
        }
    }

    @Test("a line longer than any kept one is read each time")
    func long() {
        var templates = SendCommentTemplates()
        for length in [10, 100, 150, 160, 170, 180, 190, 200, 400] {
            for cookie in 1...3 {
                let line = Array("COOKIE=\(cookie) X=\(String(repeating: "y", count: length)) UID=\(length)".utf8)
                Self.expectSame(line, thread: 1, &templates)
                Self.expectSame(Array("UID=1 ".utf8) + line.dropLast(8), thread: 1, &templates)
            }
        }
    }
}
