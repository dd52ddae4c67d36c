import Records
import Testing

@testable import ProcessMetadata

@Suite struct ImageTests {
    let shell = key(10, 1_000)
    let child = key(11, 2_000)

    /// bash forks, the child execs ping, which execs nothing more.
    var records: [ProcessRecord] {
        [
            snapshot(shell, "bash", at: 0, version: 5),
            fork(child, of: shell, "bash", version: 5, at: 100),
            exec(child, "ping", version: 6, at: 200, arguments: ["ping", "-c", "3"]),
            exec(child, "store", version: 7, at: 300),
            exit(child, at: 400),
        ]
    }

    @Test func anImageIsFoundByItsVersionAndNotByTime() {
        var table = ProcessTable(records)
        for at: Int64 in [50, 150, 250, 350, 450] {
            #expect(table.describe(child, version: 5, at: at)?.name == "bash")
            #expect(table.describe(child, version: 5, at: at)?.executable == "/usr/bin/bash")
            #expect(table.describe(child, version: 6, at: at)?.name == "ping")
            #expect(table.describe(child, version: 6, at: at)?.arguments == ["ping", "-c", "3"])
            #expect(table.describe(child, version: 7, at: at)?.executable == "/usr/bin/store")
        }
    }

    @Test func anImageWhoseExecIsUnknownHasNoName() {
        var table = ProcessTable(records)
        let description = table.describe(child, version: 8, at: 350)
        #expect(description?.pid == 11)
        #expect(description?.name == nil && description?.executable == nil && description?.arguments == nil)
        #expect(description?.parents.map(\.name) == ["bash"])
    }

    @Test(arguments: [(Int64(150), "bash"), (200, "ping"), (299, "ping"), (300, "store"), (399, "store")])
    func withoutAVersionTimeDecides(at: Int64, name: String) {
        var table = ProcessTable(records)
        #expect(table.describe(child, at: at)?.name == name)
        #expect(table.describe(child, at: at)?.executable == "/usr/bin/\(name)")
    }

    @Test(arguments: 0..<120)
    func everyOrderOfTheRecordsGivesTheSame(permutation: Int) {
        var rest = records
        var order: [ProcessRecord] = []
        var number = permutation
        for count in stride(from: rest.count, to: 0, by: -1) {
            order.append(rest.remove(at: number % count))
            number /= count
        }
        var straight = ProcessTable(records)
        var shuffled = ProcessTable(order + order)
        for version: UInt32 in 5...8 {
            #expect(
                shuffled.describe(child, version: version, at: 250)
                    == straight.describe(child, version: version, at: 250))
        }
        #expect(shuffled.counts.exited == 1 && shuffled.counts.live == 1)
    }

    @Test func forkWithoutExecRunsTheParentsImage() {
        let grandchild = key(12, 3_000)
        var table = ProcessTable(
            records + [
                fork(grandchild, of: child, "worker", version: 6, at: 250), exit(grandchild, at: 251),
            ])
        let description = table.describe(grandchild, version: 6, at: 250)
        #expect(description?.name == "worker", "the forking thread's task name is inherited, not the leader's")
        #expect(description?.executable == "/usr/bin/ping")
        #expect(description?.arguments == ["ping", "-c", "3"])
        #expect(description?.parents.map(\.name) == ["ping", "bash"])
    }

    /// clone(CLONE_PARENT) gives the child its maker's parent, whose image is another one.
    @Test func aChildOfAnotherThanItsParentRunsWhatWasCopied() {
        let copier = key(12, 3_000)
        var made = fork(child, of: shell, "evil", version: 7, at: 100)
        made.origin = copier
        let before = [snapshot(shell, "innocent", at: 0, version: 5), exec(copier, "evil", version: 7, at: 50)]
        for records in [before + [made], [made] + before] {
            var table = ProcessTable(records)
            let description = table.describe(child, version: 7, at: 105)
            #expect(description?.executable == "/usr/bin/evil" && description?.arguments == ["evil"])
            #expect(description?.parents.map(\.executable) == ["/usr/bin/innocent"])
        }
        var unknown = ProcessTable([before[0], made])
        #expect(unknown.describe(child, version: 7, at: 105)?.executable == nil, "not the parent's")
    }

    /// Where it is not known what was copied, what was seen of the child itself counts.
    @Test func whatWasSeenOutweighsWhatAForkInherits() {
        var table = ProcessTable([
            snapshot(shell, "innocent", at: 0, version: 5), fork(child, of: shell, "x", version: 5, at: 100),
            snapshot(child, "evil", at: 110),
        ])
        #expect(table.describe(child, version: 5, at: 105)?.executable == "/usr/bin/evil")
        #expect(table.describe(child, version: 5, at: 105)?.arguments == ["evil", "-seen"])
    }

    @Test func aForkKnownBeforeItsParentTakesTheImageLater() {
        var table = ProcessTable([fork(child, of: shell, "bash", version: 5, at: 100)])
        #expect(table.describe(child, version: 5, at: 110)?.executable == nil)
        #expect(table.describe(child, version: 5, at: 110)?.parents.map(\.pid) == [10])
        table.add(snapshot(shell, "bash", at: 0, version: 5))
        #expect(table.describe(child, version: 5, at: 110)?.executable == "/usr/bin/bash")
        #expect(table.describe(child, version: 5, at: 110)?.parents.map(\.name) == ["bash"])
    }

    @Test func anUnversionedObservationDoesNotOutliveAnExec() {
        let process = key(20, 500)
        var table = ProcessTable([snapshot(process, "before", at: 0), exec(process, "after", version: 3, at: 100)])
        #expect(table.describe(process, version: 2, at: 50)?.name == "before")
        #expect(table.describe(process, version: 3, at: 100)?.name == "after")
        #expect(table.describe(process, version: 2, at: 150)?.name == nil, "a contradiction names nobody")
        #expect(table.describe(process, version: 4, at: 150)?.name == nil)
    }

    @Test func anObservationFillsWhatExecLeftOut() {
        let process = key(20, 500)
        var bare = exec(process, "tool", version: 3, at: 100)
        bare.executable = "./tool"
        bare.arguments = ["tool", "first"]
        bare.argumentsCut = true
        var table = ProcessTable([bare])
        #expect(table.describe(process, version: 3, at: 110)?.arguments == ["tool", "first", "…"])
        table.add(snapshot(process, "tool", at: 120))
        #expect(table.describe(process, version: 3, at: 110)?.executable == "/usr/bin/tool")
        #expect(table.describe(process, version: 3, at: 110)?.arguments == ["tool", "-seen"])
    }

    @Test func anObservationIsNotUsedAcrossAnExec() {
        let process = key(20, 500)
        var bare = exec(process, "tool", version: 3, at: 100)
        bare.executable = nil
        bare.arguments = nil
        var table = ProcessTable([
            bare, snapshot(process, "other", at: 300), exec(process, "other", version: 4, at: 200),
        ])
        #expect(table.describe(process, version: 3, at: 150)?.name == "tool")
        #expect(table.describe(process, version: 3, at: 150)?.executable == nil)
        #expect(table.describe(process, version: 4, at: 250)?.executable == "/usr/bin/other")
    }

    @Test func lostRecordsEndWhatAnObservationProves() {
        let process = key(20, 500)
        var table = ProcessTable([snapshot(process, "before", at: 0), exec(key(21, 600), "safe", version: 2, at: 50)])
        #expect(table.describe(process, version: 2, at: 200)?.name == "before")
        table.noteLostRecords(host: 0, from: moment(100), to: moment(150))
        #expect(table.describe(process, version: 2, at: 200)?.name == nil)
        #expect(table.describe(process, version: 2, at: 90)?.name == "before")
        #expect(table.describe(key(21, 600), version: 2, at: 200)?.name == "safe", "a version seen needs no inference")
        table.noteLostRecords(host: 1, from: moment(0), to: moment(60))
        #expect(table.describe(process, version: 2, at: 90)?.name == "before", "another machine's losses do not count")
    }

    @Test func endlessGapsStayBounded() {
        var table = ProcessTable([snapshot(key(1, 500), "init", at: 0)])
        for index: Int64 in 0..<1000 {
            table.noteLostRecords(host: 0, from: moment(1000 + index * 10), to: moment(1001 + index * 10))
        }
        #expect(table.gaps[0]?.count == 64)
        #expect(table.describe(key(1, 500), at: 999)?.name == "init")
        #expect(table.describe(key(1, 500), at: 20_000)?.name == nil)
    }

    @Test func moreExecsThanAreKeptForgetTheOldest() {
        let process = key(20, 500)
        var table = ProcessTable([])
        for version: UInt32 in 1...300 {
            table.add(exec(process, "v\(version)", version: version, at: Int64(version) * 10))
        }
        #expect(table.describe(process, version: 1, at: 10)?.name == nil)
        #expect(table.describe(process, at: 10)?.name == nil)
        #expect(table.describe(process, version: 300, at: 3000)?.name == "v300")
        #expect(table.describe(process, version: 200, at: 2000)?.name == "v200")
        #expect(table.takeLetGo().reduce(0) { $0 + $1.count } == 172, "each image that was let go is counted")
    }

    /// Packets of the last seconds may still be waiting for their names; older ones need no room.
    @Test func slowExecsKeepFewImages() {
        let process = key(20, 500)
        var table = ProcessTable([])
        for version: UInt32 in 1...100 {
            table.add(exec(process, "v\(version)", version: version, at: Int64(version) * 5000))
        }
        #expect(table.store.entries[0].timeline.moments.count == 16)
        #expect(table.describe(process, version: 85, at: 425_000)?.name == "v85")
        #expect(table.takeLetGo().isEmpty)
    }
}
