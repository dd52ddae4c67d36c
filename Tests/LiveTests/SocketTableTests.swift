import Foundation
import Testing

/// `live --socket-table`, with BPF refused: what a table of sockets can tell is told, and nothing else.
@Suite("Socket tables", .serialized, .enabled(if: TestMachine.isRoot, "needs root"))
struct SocketTableTests {
    /// What a way of sending has to come to.
    enum Outcome: Equatable {
        /// The only holder, at most probable.
        case sole
        /// The only holder, by a sign that is not proof.
        case possible
        /// All holders.
        case all
        /// Nobody.
        case unknown
    }

    static let outcomes: [String: Outcome] = [
        "sole": .sole, "bound": .sole, "group": .sole, "mapped": .sole, "ping": .sole, "shared": .all,
        "reuseport": .all,
        "raw": .unknown, "rawown": .possible, "passing": .unknown, "after": .unknown, "before": .unknown,
        "translated": .unknown,
    ]

    private struct Way: Decodable {
        var way: String
        var version: Int
        var count: Int
        var holders: [Int]
    }

    /// Words before a command that has no right to BPF and cannot get it.
    static let withoutBPF = [
        "/usr/bin/setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-bpf,-perfmon,-sys_admin",
    ]

    private static func way(of line: ReportedLine) -> String? {
        guard line.whosent.payload.length >= 16, let prefix = line.whosent.payload.prefix else { return nil }
        let digits = Array(prefix)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        return String(decoding: bytes.prefix(11), as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    @Test("Holders are named, several are listed, and what may be another's is unknown")
    func everyWay() throws {
        let network = try LabNetwork()
        let live = try StartedCommand(
            network.inside(
                "host",
                Self.withoutBPF + [TestMachine.whosent, "live", "--socket-table", "-i", "h0", "--format", "ndjson"]))
        try live.wait(for: "ready")
        let script = TestMachine.package.appending(path: "tools/lab/sockets.py").path
        let sender = try CommandRun(
            network.inside("host", ["python3", script, network.name(of: "guest")]), seconds: 60)
        #expect(sender.status == 0, "\(sender.errors)")
        live.send(signal: SIGINT)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        let decoder = JSONDecoder()
        let ways = try sender.output.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Way.self, from: $0) }
        #expect(ways.count == 23)
        for way in ways {
            let outcome = try #require(Self.outcomes[way.way])
            let own = lines.filter {
                Self.way(of: $0) == way.way && $0.source.ip.contains(":") == (way.version == 6) && !$0.isEchoReply
            }
            #expect(own.count == way.count, "\(way.way) \(way.version)")
            for line in own { Self.expect(outcome, line, way) }
        }
        try Self.expectValid(run.output)
        // Replies and other answers are nobody's, whoever holds raw sockets.
        for line in lines where Self.way(of: line).flatMap({ Self.outcomes[$0] }) == nil || line.isEchoReply {
            #expect(line.whosent.verdict == "unknown" && line.process == nil, "\(line)")
        }
        #expect(lines.allSatisfy { !["received", "kernel", "forwarded"].contains($0.whosent.verdict) })
    }

    private static func expectValid(_ output: Data) throws {
        let python = try #require(TestMachine.python, "no Python with jsonschema")
        let file = try TestMachine.temporaryFolder().appending(path: "live.ndjson")
        try output.write(to: file)
        let run = try CommandRun([
            "/usr/bin/env", python, TestMachine.package.appending(path: "Tests/Witnesses/validate_ndjson.py").path,
            TestMachine.package.appending(path: "docs/contract.schema.json").path, file.path,
        ])
        #expect(run.status == 0, "\(run.text)\(run.errors)")
    }

    private static func expect(_ outcome: Outcome, _ line: ReportedLine, _ way: Way) {
        let told = line.whosent
        let what = Comment(rawValue: "\(way.way), IPv\(way.version): \(told)")
        switch outcome {
        case .sole:
            #expect(told.verdict == "process" && told.confidence == "probable" && told.method == "socket-table", what)
            #expect(line.process?.pid == way.holders[0], what)
            #expect(told.reason.contains("s before and") && told.reason.contains("s after"), what)
        case .possible:
            #expect(told.confidence == "possible" && line.process?.pid == way.holders[0], what)
        case .all:
            #expect(told.verdict == "process" && told.confidence == "ambiguous" && line.process == nil, what)
            #expect(Set(told.candidates?.map(\.pid) ?? []) == Set(way.holders), what)
        case .unknown:
            #expect(told.verdict == "unknown" && told.confidence == "none" && line.process == nil, what)
        }
    }

    @Test("Without BPF live says what it lacks, and what it can do", arguments: [[], ["-i", "lo"]])
    func advice(words: [String]) throws {
        let run = try CommandRun(Self.withoutBPF + [TestMachine.whosent, "live"] + words)
        #expect(run.status == 77, "\(run.errors)")
        #expect(run.errors.contains("--socket-table") && run.output.isEmpty, "\(run.errors)")
    }

    @Test("doctor says which mode is possible, and why", arguments: ["text", "ndjson", "csv"])
    func doctor(format: String) throws {
        let refused = try CommandRun(Self.withoutBPF + [TestMachine.whosent, "doctor", "--format", format])
        #expect(refused.status == 77 && refused.errors.contains("--socket-table"), "\(refused.errors)")
        #expect(
            refused.text.contains(format == "ndjson" ? #""mode":"socket-table""# : "socket")
                && refused.text.contains("CAP_BPF"))
        let folder = try TestMachine.temporaryFolder()
        let copy = try TestMachine.copyForAll(into: folder)
        let nobody = try CommandRun(CommandLineFileTests.asNobody([copy, "doctor", "--format", format]))
        #expect(nobody.status == 77)
        #expect(
            nobody.text.contains(
                format == "ndjson" ? #""mode":"files""# : format == "csv" ? #""mode","files""# : "file commands only"))
    }

    @Test("A user who may only capture: never better than possible, and nobody else's sockets are taken for his")
    func captureOnly() throws {
        let network = try LabNetwork()
        let copy = try TestMachine.copyForAll(into: TestMachine.temporaryFolder())
        let unprivileged = [
            "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+net_raw",
            "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw",
        ]
        let live = try StartedCommand(
            network.inside(
                "host",
                unprivileged + [copy, "live", "--socket-table", "-i", "h0", "--format", "ndjson", "udp port 7001"]))
        try live.wait(for: "ready")
        let code = """
            import socket, time
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', %d)); time.sleep(1)
            for i in range(5): s.sendto(b'%-11s4%04d' % (b'%s', i), ('192.0.2.2', 7001))
            time.sleep(1)
            """
        let (own, other) = (
            code.replacing("%d))", with: "7201))").replacing("b'%s'", with: "b'own'"),
            code.replacing("%d))", with: "7202))").replacing("b'%s'", with: "b'other'")
        )
        let mine = try StartedCommand(
            network.inside("host", CommandLineFileTests.asNobody(["/usr/bin/python3", "-c", own])))
        let theirs = try StartedCommand(network.inside("host", ["/usr/bin/python3", "-c", other]))
        #expect(try mine.finish().status == 0)
        #expect(try theirs.finish().status == 0)
        live.send(signal: SIGINT)
        let run = try live.finish(seconds: 10)
        #expect(run.status == 0, "\(run.errors)")
        let lines = try ReportedOutput(run.output).lines
        #expect(lines.count == 10)
        for line in lines {
            if Self.way(of: line) == "own" {
                #expect(line.whosent.confidence == "possible" && line.process != nil, "\(line)")
            } else {
                #expect(line.whosent.verdict == "unknown" && line.process == nil, "\(line)")
            }
        }
    }
}
