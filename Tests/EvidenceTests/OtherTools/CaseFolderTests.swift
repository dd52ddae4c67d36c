import Evidence
import Foundation
import Records
import SystemPackage
import Testing

@Suite("The files of the two first cases")
struct CaseFolderTests {
    private static let cases = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Cases")

    private static func records(_ file: String) throws -> ForeignRecords {
        try ForeignRecords(bytes: Array(try Data(contentsOf: cases.appending(path: file))))
    }

    @Test("the generators write what is there", arguments: ["case-a", "case-b"])
    func generators(name: String) throws {
        let folder = try temporaryPath().string
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try run(
            "/usr/bin/env", ["python3", Self.cases.appending(path: "\(name)/generate.py").path, folder])
        #expect(made.status == 0, "\(made.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(files.contains("input.pcapng"))
        for file in files {
            let kept = try Data(contentsOf: Self.cases.appending(path: "\(name)/\(file)"))
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/\(file)")) == kept, "\(name)/\(file)")
        }
    }

    @Test("case A as it was printed")
    func caseA() throws {
        let trace = try Self.records("case-a/trace.csv")
        #expect(trace.kind == .kernelTrace && trace.damage.isEmpty && trace.traffic.count == 4)
        try KernelTraceTests.expectCaseA(trace.traffic.first)
        #expect(Set(trace.traffic.map(\.time)).count == 1 && Set(trace.traffic.map(\.pid)) == [2136])
        #expect(trace.traffic[2].localPort == 36016 && trace.traffic[2].remotePort == 2344)
        let tasks = try Self.records("case-a/tasklist.txt")
        #expect(tasks.sightings.count == 5 && tasks.damage.isEmpty)
        #expect(tasks.sightings.first { $0.pid == 2136 }?.imageName == "store.exe")
    }

    @Test("case B: who was connected when, and what ended")
    func caseB() throws {
        let trace = try Self.records("case-b/trace.csv")
        #expect(trace.damage.isEmpty && trace.traffic.allSatisfy { $0.isOriented })
        let end = try #require(trace.sightings.first { $0.occasion == .ended })
        #expect(end.pid == 7176 && end.imageName == "mad.exe" && end.time == Timestamp("2010-01-14T11:02:00Z"))
        let ldap = trace.traffic.filter { $0.transport == .tcp && [389, 3268].contains($0.remotePort) }
        #expect(Set(ldap.compactMap(\.pid)) == [2136, 7176, 9028])
        #expect(trace.traffic.filter { $0.transport == .udp }.map(\.pid) == [884, 884, 884])
        let netstat = try Self.records("case-b/netstat.txt")
        #expect(netstat.listings.map(\.taken) == [Timestamp("2010-01-14T11:00:20Z")])
        #expect(netstat.sockets.filter { $0.remotePort == 389 }.map(\.pid) == [2136, 7176, 7176])
        let between = try Self.records("case-b/tasklist-between.txt")
        #expect(!between.sightings.contains { $0.imageName == "mad.exe" } && between.sightings.count == 6)
    }
}
