import Records
import Testing

@testable import ProcessMetadata

@Suite struct ParentTests {
    @Test func theChainGoesUpToInit() {
        let names = ["systemd", "sshd", "bash", "make", "store"]
        var records: [ProcessRecord] = []
        for (index, name) in names.enumerated() {
            let parent = index == 0 ? nil : key(UInt32(index), UInt64(index) * 100)
            records.append(
                snapshot(key(UInt32(index + 1), UInt64(index + 1) * 100), name, at: Int64(index), parent: parent))
        }
        var table = ProcessTable(records)
        let description = table.describe(key(5, 500), at: 10)
        #expect(description?.parents.map(\.name) == ["make", "bash", "sshd", "systemd"])
        #expect(description?.parents.allSatisfy(\.parents.isEmpty) == true)
    }

    @Test func theParentIsNamedAsItWasAtTheBirth() {
        let parent = key(10, 100)
        let child = key(11, 200)
        var table = ProcessTable([
            exec(parent, "launcher", version: 4, at: 0), fork(child, of: parent, "launcher", version: 4, at: 10),
            exec(child, "store", version: 5, at: 11), exec(parent, "daemon", version: 5, at: 12),
        ])
        #expect(table.describe(child, version: 5, at: 100)?.parents.map(\.name) == ["launcher"])
    }

    @Test func birthCountsNotAdoption() {
        let parent = key(10, 100)
        let child = key(11, 200)
        var table = ProcessTable([
            snapshot(key(1, 1), "systemd", at: 0), exec(parent, "launcher", version: 4, at: 0),
            fork(child, of: parent, "launcher", version: 4, at: 10), exit(parent, at: 20),
            snapshot(child, "launcher", at: 30, parent: key(1, 1)),
        ])
        #expect(table.describe(child, version: 4, at: 100)?.parents.map(\.name) == ["launcher"])
    }

    @Test func areusedParentIdIsNotNamed() {
        let parent = key(10, 100)
        let child = key(11, 200)
        var table = ProcessTable([
            fork(child, of: parent, "x", version: 4, at: 10), exec(key(10, 300), "innocent", version: 4, at: 20),
        ])
        #expect(table.describe(child, version: 4, at: 100)?.parents == [ProcessDescription(pid: 10)])
    }

    @Test(arguments: [[1: 2, 2: 1], [1: 1], [1: 2, 2: 3, 3: 1]] as [[UInt32: UInt32]])
    func forgedCyclesEnd(parents: [UInt32: UInt32]) {
        for start: UInt64 in [0, 50] {
            var table = ProcessTable(
                parents.map { snapshot(key($0.key, start), "p\($0.key)", at: 0, parent: key($0.value, start)) })
            let description = table.describe(key(1, start), at: 10)
            #expect((description?.parents.count ?? 99) < parents.count)
        }
    }

    @Test func aYoungerParentIsAForgery() {
        var table = ProcessTable([
            snapshot(key(11, 200), "child", at: 0, parent: key(10, 300)), snapshot(key(10, 300), "young", at: 0),
        ])
        #expect(table.describe(key(11, 200), at: 10)?.parents == [])
    }

    @Test func deepChainsAreCut() {
        var records: [ProcessRecord] = [snapshot(key(1, 10), "p", at: 0)]
        for pid: UInt32 in 2...500 {
            records.append(
                fork(
                    key(pid, UInt64(pid) * 10), of: key(pid - 1, UInt64(pid - 1) * 10), "p", version: 0, at: Int64(pid))
            )
        }
        var table = ProcessTable(records)
        #expect(table.describe(key(500, 5000), at: 1000)?.parents.count == 16)
        var backwards = ProcessTable(records.reversed())
        #expect(backwards.describe(key(500, 5000), at: 1000)?.parents.count == 16)
    }
}
