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

@Suite struct NameTests {
    let process = key(30, 700)

    func rename(_ name: String, thread: UInt32? = nil, at milliseconds: Int64) -> ProcessRecord {
        ProcessRecord(
            event: .rename, time: moment(milliseconds), process: process, thread: thread, imageVersion: 2,
            name: TaskName(name.utf8))
    }

    @Test func theLeadersRenameChangesTheNameFromThenOn() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0), rename("idle", at: 100)])
        #expect(table.describe(process, version: 2, at: 99)?.name == "store")
        #expect(table.describe(process, version: 2, at: 100)?.name == "idle")
        #expect(table.describe(process, version: 2, at: 99)?.name == "store")
        #expect(table.describe(process, version: 2, at: 100)?.executable == "/usr/bin/store")
    }

    @Test func anotherThreadsRenameDoesNot() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0), rename("io", thread: 31, at: 100)])
        #expect(table.describe(process, version: 2, at: 200)?.name == "store")
        #expect(table.threadName(host: 0, process: process, thread: 31, at: moment(200)) == "io")
        #expect(table.threadName(host: 0, process: process, thread: 31, at: moment(50)) == nil)
        #expect(table.threadName(host: 0, process: process, thread: 30, at: moment(200)) == "store")
        #expect(table.threadName(host: 0, process: process, thread: 32, at: moment(200)) == nil)
    }

    @Test func aNameBeforeTheFirstKnownRenameIsUnknown() {
        var table = ProcessTable([rename("later", at: 100)])
        #expect(table.describe(process, version: 2, at: 50)?.name == nil)
        #expect(table.describe(process, version: 2, at: 100)?.name == "later")
    }

    @Test func renamesWithoutEndKeepTheImage() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for index: Int64 in 1...1000 { table.add(rename("n\(index)", at: index)) }
        let last = table.describe(process, version: 2, at: 1000)
        #expect(last?.name == "n1000" && last?.executable == "/usr/bin/store")
        #expect(table.describe(process, version: 2, at: 500)?.name == nil, "a name that was let go is not guessed")
        #expect(table.describe(process, version: 2, at: 500)?.executable == "/usr/bin/store")
        #expect(table.describe(process, version: 2, at: 0)?.name == "store")
        #expect(table.takeLetGo().reduce(0) { $0 + $1.count } > 800, "lost names are counted")
        for index: UInt32 in 0..<1000 {
            table.add(rename("t", thread: 1000 + index, at: 2000 + Int64(index)))
        }
        #expect(table.store.entries[0].threads.count == 64)
    }

    /// Bursts of renames between sends: the name that stood while a packet was sent outlasts those of microseconds.
    @Test func theNamesThatHeldLongestAreKept() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for burst: Int64 in 1...20 {
            for index: Int64 in 0..<200 {
                var record = rename("b\(burst)n\(index)", at: burst * 50)
                record.time = record.time.advanced(by: index * 10_000)
                table.add(record)
            }
        }
        for burst: Int64 in 1...20 {
            #expect(table.describe(process, version: 2, at: burst * 50 + 40)?.name == "b\(burst)n199")
            if burst < 20 { #expect(table.describe(process, version: 2, at: burst * 50 + 1)?.name == nil) }
        }
        #expect(table.store.entries[0].timeline.moments.count <= 128)
    }

    /// Looks between renames: the hash of what runs stays, and a look that comes late tells no wrong name.
    @Test func renamesWithoutEndKeepTheHash() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for index: Int64 in 1...1000 {
            table.add(rename("n\(index)", at: index * 2))
            guard index.isMultiple(of: 5) else { continue }
            var look = snapshot(process, "n\(index)", at: index * 2 + 1)
            look.executable = nil
            look.image = ImageObservation(sha256: "\(index < 20 ? "" : "hash")")
            if index < 20 { look.image?.sha256 = nil }
            table.add(look)
        }
        let last = table.describe(process, version: 2, at: 2001)
        #expect(last?.name == "n1000" && last?.executable == "/usr/bin/store" && last?.sha256 == "hash")
        var late = snapshot(process, "n300", at: 601)
        late.image = ImageObservation(sha256: "hash")
        table.add(late)
        #expect(table.describe(process, version: 2, at: 605)?.name == nil)
        #expect(table.describe(process, version: 2, at: 605)?.sha256 == "hash")
    }

    @Test(arguments: [
        ([UInt8(0x1B)] + Array("[31mred".utf8), "\\x1b[31mred"), ([0xFF, 0xFE, UInt8(ascii: "a")], "\\xff\\xfea"),
        (Array("a\u{202E}b".utf8), "a\\xe2\\x80\\xaeb"), (Array("k (sd) x".utf8), "k (sd) x"),
        (Array("fünfzehn-bytes".utf8), "fünfzehn-bytes"),
    ])
    func hostileNamesAreEscaped(bytes: [UInt8], text: String) {
        var record = exec(process, "x", version: 1, at: 0)
        record.name = TaskName(bytes)
        var table = ProcessTable([record])
        #expect(table.describe(process, version: 1, at: 0)?.name == text)
        #expect(table.threadText(record.name) == text)
    }
}

@Suite struct IdentityTests {
    let old = key(40, 1_000_000_000)
    let new = key(40, 1_500_000_001)

    @Test func areusedIdNeverLendsItsName() {
        var table = ProcessTable([
            exec(old, "victim", version: 2, at: 0), exit(old, at: 100), exec(new, "culprit", version: 2, at: 200),
        ])
        #expect(table.describe(old, version: 2, at: 50)?.name == "victim")
        #expect(table.describe(old, version: 2, at: 300)?.name == "victim")
        #expect(table.describe(new, version: 2, at: 50)?.name == "culprit")
        #expect(table.describe(key(40, 1_500_000_002), version: 2, at: 300) == nil)
        #expect(table.describe(new, version: 2, at: 300, host: 1) == nil)
    }

    @Test(arguments: [(Int64(50), "victim"), (100, "victim"), (150, nil), (250, "culprit")])
    func anIdAloneIsAnsweredByTime(at: Int64, name: String?) {
        var table = ProcessTable([
            fork(old, of: key(1, 5), "x", version: 1, at: 0), exec(old, "victim", version: 2, at: 1),
            exit(old, at: 100),
            fork(new, of: key(1, 5), "x", version: 1, at: 200), exec(new, "culprit", version: 2, at: 201),
        ])
        #expect(table.describe(key(40, 0), at: at)?.name == name)
    }

    @Test func aMissedExitEndsWithTheSuccessorsBirth() {
        var table = ProcessTable([
            fork(old, of: key(1, 5), "x", version: 1, at: 0), exec(old, "victim", version: 2, at: 1),
            fork(new, of: key(1, 5), "x", version: 1, at: 200), exec(new, "culprit", version: 2, at: 201),
        ])
        #expect(table.describe(key(40, 0), at: 300)?.name == "culprit")
        #expect(table.describe(key(40, 0), at: 150)?.name == "victim")
        #expect(table.counts.live == 1 && table.counts.exited == 1)
    }

    @Test func twoIncarnationsWithoutStartTimesAreToldApart() {
        let bare = key(40, 0)
        let first = exec(bare, "first", version: 0, at: 10)
        var table = ProcessTable([
            fork(bare, of: key(1, 0), "x", version: 0, at: 0), first, exit(bare, at: 100),
            fork(bare, of: key(1, 0), "x", version: 0, at: 200), exec(bare, "second", version: 0, at: 210),
            first,
        ])
        #expect(table.describe(bare, at: 50)?.name == "first")
        #expect(table.describe(bare, at: 150) == nil)
        #expect(table.describe(bare, at: 250)?.name == "second")
        #expect(table.counts.live == 1 && table.counts.exited == 1)
    }

    @Test func aLateBirthIsJoinedToItsProcess() {
        let bare = key(40, 0)
        var table = ProcessTable([
            exec(bare, "quick", version: 0, at: 10), exit(bare, at: 12),
            fork(bare, of: key(1, 0), "x", version: 0, at: 9),
        ])
        #expect(table.counts.live == 0 && table.counts.exited == 1)
        #expect(table.describe(bare, at: 11)?.name == "quick")
        #expect(table.describe(bare, at: 8) == nil)
    }

    @Test func aListOfProcessesSpeaksForItsMomentOnly() {
        var table = ProcessTable([
            snapshot(key(40, 0), "old", at: 100), fork(key(40, 0), of: key(1, 0), "x", version: 0, at: 300),
            exec(key(40, 0), "new", version: 0, at: 301),
        ])
        #expect(table.describe(key(40, 0), at: 100)?.name == "old")
        #expect(table.describe(key(40, 0), at: 350)?.name == "new")
    }

    @Test func startAndEntityComeFromTheBootClock() {
        let machine = ProcessTable.Machine(
            bootID: "0f0e0d0c-0000-4000-8000-000000000001", bootTimeOffset: moment(0).nanoseconds - 2_000_000_000,
            startTimeTick: 10_000_000)
        let process = key(77, 2_000_000_123)
        let coarse = key(78, 2_010_000_000)
        var table = ProcessTable(
            [exec(process, "a", version: 1, at: 1), snapshot(coarse, "b", at: 1)], machine: machine)
        let description = table.describe(process, version: 1, at: 1)
        #expect(description?.start == Timestamp("2026-03-01T10:20:30.000000123Z"))
        #expect(description?.entityID == "0f0e0d0c-0000-4000-8000-000000000001-77-2000000123")
        #expect(table.describe(coarse, at: 1)?.entityID == nil, "a rounded start time is no identity")
        var unknown = ProcessTable([exec(process, "a", version: 1, at: 1)])
        #expect(unknown.describe(process, version: 1, at: 1)?.start == nil)
        #expect(unknown.describe(process, version: 1, at: 1)?.entityID == nil)
    }

    @Test func aFinishedDescriptionWins() {
        var finished = ProcessDescription(pid: 50, name: "store")
        finished.executable = "/opt/x/store"
        finished.user = .init(id: "1001", name: "exch")
        finished.containerID = "c1"
        finished.parents = [ProcessDescription(pid: 1, name: "systemd")]
        var record = exec(key(50, 9), "other", version: 2, at: 0)
        record.description = finished
        var table = ProcessTable([record])
        #expect(table.describe(key(50, 9), version: 2, at: 10) == finished)
        #expect(table.describe(key(50, 9), version: 2, at: 10, user: 1001)?.user?.name == "exch")
        #expect(table.describe(key(50, 9), version: 2, at: 10, user: 0)?.user == .init(id: "0"))
        #expect(table.describe(key(50, 9), version: 3, at: 10)?.name == nil)
    }
}

@Suite struct TickTests {
    static let machine = ProcessTable.Machine(bootID: nil, bootTimeOffset: nil, startTimeTick: 10_000_000)
    let coarse = key(60, 120_000_000)
    let exact = key(60, 123_456_789)

    @Test(arguments: [true, false])
    func procfsAndKernelMeetInOneProcess(procfsFirst: Bool) {
        var bare = exec(exact, "tool", version: 3, at: 10)
        bare.executable = nil
        let seen = snapshot(coarse, "tool", at: 20)
        var table = ProcessTable(procfsFirst ? [seen, bare] : [bare, seen], machine: Self.machine)
        #expect(table.counts.live == 1)
        #expect(table.describe(exact, version: 3, at: 15)?.executable == "/usr/bin/tool")
    }

    @Test func aQuestionWithTheExactTimeFindsTheRoundedOne() {
        var table = ProcessTable([snapshot(coarse, "tool", at: 20)], machine: Self.machine)
        #expect(table.describe(exact, version: 3, at: 30)?.name == "tool")
        #expect(table.describe(key(60, 130_000_001), version: 3, at: 30) == nil)
        #expect(table.describe(key(60, 129_999_999), version: 3, at: 30) == nil, "the exact time is known by now")
    }

    @Test func onAMachineWithExactTimesNothingIsRounded() {
        var table = ProcessTable([snapshot(coarse, "tool", at: 20)])
        #expect(table.describe(exact, version: 3, at: 30) == nil)
    }

    @Test func twoInOneTickAreNotMixed() {
        let second = key(60, 127_000_000 + 1)
        var table = ProcessTable(
            [exec(exact, "one", version: 3, at: 10), exec(second, "two", version: 3, at: 12)], machine: Self.machine)
        table.add(exit(exact, at: 11))
        table.add(snapshot(coarse, "seen", at: 20))
        #expect(table.describe(exact, version: 3, at: 10)?.arguments == ["one"])
        #expect(table.describe(second, version: 3, at: 20)?.name == "seen")
    }

    @Test func whatWasSeenAfterTheEndIsTheSuccessors() {
        var table = ProcessTable(
            [snapshot(coarse, "successor", at: 20), exec(exact, "one", version: 3, at: 10)], machine: Self.machine)
        table.add(exit(exact, at: 15))
        let description = table.describe(exact, version: 3, at: 12)
        #expect(description?.name == "one" && description?.arguments == ["one"])
        #expect(table.describe(exact, version: 0, at: 30)?.name == "one")
    }

    @Test func initStartsInTheFirstTick() {
        var table = ProcessTable([snapshot(key(1, 0), "systemd", at: 0)], machine: Self.machine)
        #expect(table.describe(key(1, 4_000_000), at: 10)?.name == "systemd")
        table.add(snapshot(key(90, 500_000_000), "cron", at: 1, parent: key(1, 0)))
        #expect(table.describe(key(90, 500_000_000), at: 10)?.parents.map(\.name) == ["systemd"])
    }
}

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

@Suite struct BoundTests {
    @Test func exitedProcessesAreKeptForAWhile() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...50 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
        }
        #expect(table.counts.exited == 10 && table.counts.evictedExited == 40 && table.counts.live == 0)
        #expect(table.describe(key(50, 50), version: 1, at: 50)?.name == "p50")
        #expect(table.describe(key(40, 40), version: 1, at: 40) == nil)
    }

    @Test func whatIsAskedForStaysLonger() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...200 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
            #expect(table.describe(key(1, 1), version: 1, at: 1)?.name == "p1")
        }
    }

    @Test func aForkBombPushesNoLivingProcessOut() {
        let daemon = key(2, 20)
        let bomb = key(3, 30)
        var table = ProcessTable(
            [exec(daemon, "daemon", version: 1, at: 0), exec(bomb, "bomb", version: 1, at: 0)],
            limits: .init(live: 64, exited: 32, ancestors: 8))
        for index: UInt32 in 0..<10_000 {
            let process = key(100 + index % 1000, 1000 + UInt64(index))
            table.add(fork(process, of: bomb, "bomb", version: 1, at: Int64(index)))
            table.add(exit(process, at: Int64(index) + 1))
        }
        #expect(table.describe(daemon, version: 1, at: 20_000)?.name == "daemon")
        #expect(table.counts == .init(live: 2, exited: 32, evictedExited: 9968, evictedLive: 0))
        #expect(table.store.entries.count <= 64 + 32 + 8)
        #expect(table.store.images.byteCount < 2000, "forked processes share one image")
    }

    @Test func livingProcessesBeyondTheLimitAreCounted() {
        var table = ProcessTable([], limits: .init(live: 50, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...1000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid)))
            _ = table.describe(key(1, 1), version: 1, at: 1)
        }
        #expect(table.counts.live == 50 && table.counts.evictedLive == 950)
        #expect(table.describe(key(1, 1), version: 1, at: 1)?.name == "p", "the one in use stays")
        let letGo = table.takeLetGo()
        #expect(letGo.map(\.kind) == [.processTable] && letGo.map(\.count) == [950])
        #expect(table.takeLetGo().isEmpty)
    }

    @Test func whatEndedLongAgoIsLetGoWithoutAWord() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...50 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid) * 1_000_000_000))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) * 1_000_000_000))
        }
        #expect(table.counts.evictedExited == 40 && table.takeLetGo().isEmpty)
    }

    @Test func longArgumentsAreBounded() {
        let long = [String](repeating: String(repeating: "a", count: 100), count: 100)
        var table = ProcessTable([], limits: .init(live: 10_000, exited: 10, ancestors: 10, textBytes: 1 << 20))
        for pid: UInt32 in 1...2000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid), arguments: long))
        }
        #expect(table.store.images.byteCount <= 1 << 20)
        #expect(table.counts.evictedLive > 0)
        let arguments = table.describe(key(2000, 2000), version: 1, at: 2000)?.arguments
        #expect(arguments?.count == 82 && arguments?.last == "…")
    }

    @Test func everyImageIsReleasedInTheEnd() {
        var table = ProcessTable([], limits: .init(live: 4, exited: 4, ancestors: 4))
        for round: UInt64 in 0..<500 {
            let parent = key(10 + UInt32(round % 3), 1000 + round * 10)
            let child = key(20 + UInt32(round % 5), 1001 + round * 10)
            let at = Int64(round) * 10
            table.add(exec(parent, "a", version: 1, at: at))
            table.add(fork(child, of: parent, "a", version: 1, at: at + 1))
            table.add(snapshot(child, "a", at: at + 2))
            table.add(exec(child, "b", version: 2, at: at + 3))
            table.add(snapshot(child, "zombie", at: at + 8))
            table.add(exit(child, at: at + 4))
            table.add(exit(parent, at: at + 5))
            _ = table.describe(child, version: 2, at: at + 3)
        }
        let held = table.store.entries.reduce(0) { $0 + $1.timeline.moments.compactMap(\.image).count }
        #expect(table.store.entries.count <= 14)
        #expect(table.store.images.byteCount <= held * 400)
        #expect(table.store.images.byteCount > 0)
    }

    @Test func anEndedParentOfALivingProcessIsKept() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        table.add(exec(key(5, 50), "launcher", version: 1, at: 0))
        table.add(fork(key(6, 60), of: key(5, 50), "launcher", version: 1, at: 1))
        table.add(exit(key(5, 50), at: 2))
        for pid: UInt32 in 100..<1000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
        }
        #expect(table.describe(key(6, 60), version: 1, at: 5000)?.parents.map(\.name) == ["launcher"])
    }
}

@Suite struct CredentialTests {
    struct Names: PrincipalNames {
        func userName(_ id: UInt32) -> String? { id == 1001 ? "exch" : nil }
        func groupName(_ id: UInt32) -> String? { id == 100 ? "users" : nil }
    }

    let process = key(70, 7)
    static let container = String(repeating: "ab", count: 32)

    func table(_ record: ProcessRecord) -> ProcessTable {
        var table = ProcessTable(names: Names())
        table.setCgroup(42, path: "/system.slice/store.service", host: 0)
        table.setCgroup(43, path: "/system.slice/docker-\(Self.container).scope", host: 0)
        table.setCgroup(1, path: "/", host: 0)
        table.add(record)
        return table
    }

    @Test func theSendersOwnCredentialsCount() {
        var record = exec(process, "store", version: 1, at: 0)
        record.user = 0
        record.group = 0
        record.cgroup = 42
        record.sharesAccounts = true
        var table = table(record)
        #expect(table.describe(process, version: 1, at: 1)?.user == .init(id: "0"))
        #expect(
            table.describe(process, version: 1, at: 1, user: 1001, group: 100)?.user == .init(id: "1001", name: "exch"))
        #expect(table.describe(process, version: 1, at: 1, user: 1001, group: 100)?.group?.name == "users")
        #expect(table.describe(process, version: 1, at: 1)?.serviceName == "store.service")
        #expect(table.describe(process, version: 1, at: 1, cgroup: 43)?.containerID == Self.container)
        #expect(table.describe(process, version: 1, at: 1, cgroup: 43)?.serviceName == nil)
    }

    @Test func aContainersUsersAreNotNamedAsOurs() {
        var record = exec(process, "store", version: 1, at: 0)
        record.sharesAccounts = true
        var table = table(record)
        #expect(table.describe(process, version: 1, at: 1, user: 1001)?.user?.name == "exch")
        #expect(table.describe(process, version: 1, at: 1, user: 1001, cgroup: 43)?.user == .init(id: "1001"))
    }

    /// Whether a process sees this machine's users: unknown, told by the kernel, denied by a look afterwards.
    @Test(arguments: [
        (nil, nil, false), (true, nil, true), (true, true, true), (true, false, false), (nil, true, true),
    ])
    func namesNeedProof(kernel: Bool?, look: Bool?, isNamed: Bool) {
        var told = exec(process, "store", version: 1, at: 0)
        told.sharesAccounts = kernel
        var table = table(told)
        var seen = snapshot(process, "store", at: 50)
        seen.sharesAccounts = look
        table.add(seen)
        for time: Int64 in [1, 60] {
            let description = table.describe(process, version: 1, at: time, user: 1001, group: 100)
            #expect(description?.user == .init(id: "1001", name: isNamed ? "exch" : nil))
            #expect(description?.group == .init(id: "100", name: isNamed ? "users" : nil))
        }
    }

    /// Runtimes that use cgroup v1 leave the container in their own v2 cgroup.
    @Test func aContainerOfVersionOneOutweighsTheRuntimesUnit() {
        var record = snapshot(process, "store", at: 0)
        record.cgroupPath = "/docker/\(Self.container)"
        var table = table(record)
        #expect(table.describe(process, at: 1, cgroup: 42)?.containerID == Self.container)
        #expect(table.describe(process, at: 1, cgroup: 42)?.serviceName == nil)
        record.cgroupPath = "/system.slice/other.service"
        record.time = moment(5)
        table.add(record)
        #expect(table.describe(process, at: 6, cgroup: 42)?.serviceName == "store.service", "the packet's own counts")
    }

    @Test func onHybridHostsProcfsTellsTheUnit() {
        var record = snapshot(process, "store", at: 0)
        record.cgroupPath = "/docker/\(Self.container)"
        var table = table(record)
        #expect(table.describe(process, at: 1, cgroup: 1)?.containerID == Self.container)
    }

    @Test func aCgroupLearntLaterShows() {
        var table = table(exec(process, "store", version: 1, at: 0))
        #expect(table.describe(process, version: 1, at: 1, cgroup: 44)?.serviceName == nil)
        table.setCgroup(44, path: "/system.slice/late.service", host: 0)
        #expect(table.describe(process, version: 1, at: 1, cgroup: 44)?.serviceName == "late.service")
    }
}
