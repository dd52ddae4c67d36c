import Foundation
import Testing

/// Who a process is, through the real commands: rows 20 to 22 of the accuracy matrix, and what becomes of names there.
@Suite("Process identity", .serialized, .enabled(if: LabRun.isPossible, "needs BPF"))
struct ProcessIdentityTests {
    /// The shared run. Where there is none, one test says why and the others do not repeat it.
    private func lab() throws -> IdentitySession {
        guard let session = try? IdentitySession.shared.get() else { try Test.cancel("the lab's run failed") }
        return session
    }

    @Test("The lab's run comes to its end")
    func runEnds() throws {
        let session = try IdentitySession.shared.get()
        for command in session.commands { #expect(command.status == 0, "\(command.name)") }
    }

    @Test("Every packet names its process, image, container and user", arguments: IdentityCase.all)
    func everyPacketIsRight(test: IdentityCase) throws {
        let result = try lab().result(of: test)
        if let reason = result.notRun { try Test.cancel("not run: \(reason)") }
        let problems = Comment(rawValue: result.problems.joined(separator: "\n"))
        #expect(result.sent == test.row.count, "the row's senders did not run")
        #expect(result.wrong == 0, problems)
        #expect(result.right == result.sent, problems)
    }

    @Test("Every line validates against the schema, and the counts add up", arguments: IdentityCase.ways)
    func validNDJSON(way: Way) throws {
        let session = try lab()
        let python = try #require(TestMachine.python, "no Python with jsonschema")
        let run = try CommandRun([
            "/usr/bin/env", python, TestMachine.package.appending(path: "Tests/Witnesses/validate_ndjson.py").path,
            TestMachine.package.appending(path: "docs/contract.schema.json").path,
            session.folder.appending(path: "\(way.rawValue).ndjson").path,
        ])
        #expect(run.status == 0, "\(run.text)\(run.errors)")
    }

    @Test("CSV has the hash and the image")
    func csv() throws {
        let session = try lab()
        let text = try String(contentsOf: session.folder.appending(path: "join-any.csv"), encoding: .utf8)
        let header = try #require(text.split(separator: "\r\n").first).split(separator: ",").map(String.init)
        #expect(header.contains("process.hash.sha256") && header.contains("whosent.image"))
        for row in ["21-deleted", "21-memfd", "21-replaced"] {
            let packet = try #require(session.sent.first { $0.row == row })
            let line = try #require(text.split(separator: "\r\n").first { $0.contains(packet.prefix) })
            let hash = try #require(packet.sha256)
            let image = try #require(packet.image)
            #expect(line.contains(hash) && line.contains(",\(image),"))
        }
    }

    @Test(
        "Every pcapng tells the hash and what became of the image",
        arguments: ["evidence.pcapng", "live.pcapng", "join.pcapng"])
    func pcapng(name: String) throws {
        let session = try lab()
        let run = try CommandRun([
            "/usr/bin/env", "python3", TestMachine.package.appending(path: "Tests/Witnesses/pcapng_dump.py").path,
            session.folder.appending(path: name).path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let blocks = run.text.split(separator: "\n").filter { $0.contains(#""block": "DPEB""#) }
        for row in ["21-deleted", "21-memfd", "21-replaced", "21-later"] {
            let packet = try #require(session.sent.last { $0.row == row })
            let own = blocks.filter { $0.contains(#""pid": \#(packet.pid ?? 0),"#) }
            let hash = try #require(packet.sha256)
            let image = try #require(packet.image)
            #expect(own.contains { $0.contains(hash) && $0.contains(#"\"image\":\"\#(image)\""#) }, "\(row)")
        }
    }
}
