import Records
import Testing

@testable import ProcessMetadata

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
