import Foundation
import Records
import Testing

@testable import ProcessMetadata

/// A /proc made of files, removed at the end.
final class FixtureProc {
    let root: String

    init() throws {
        root = NSTemporaryDirectory() + "/whosent-proc-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ path: String, _ bytes: [UInt8]) throws {
        let folder = (root + "/" + path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: root + "/" + path))
    }

    func add(_ pid: Int, _ name: String, parent: Int, start: String, executable: String? = nil) throws {
        try write("\(pid)/stat", ProcFSFormatTests.statLine(name: Array(name.utf8), parent: parent, start: start))
        try write("\(pid)/comm", Array("\(name)\n".utf8))
        try write("\(pid)/cmdline", Array("\(name)\0-x\0".utf8))
        try write(
            "\(pid)/status", Array("Uid:\t1\t1001\t1\t1\nGid:\t1\t100\t1\t1\nNSpid:\t\(pid)\t7\n".utf8))
        try write("\(pid)/cgroup", Array("0::/system.slice/\(name).service\n".utf8))
        if let executable {
            try FileManager.default.createSymbolicLink(atPath: root + "/\(pid)/exe", withDestinationPath: executable)
        }
    }
}

@Suite struct ProcFSTests {
    private let now = { moment(0) }

    @Test func aWholeProcessIsRead() throws {
        let proc = try FixtureProc()
        try proc.add(1, "systemd", parent: 0, start: "3")
        try proc.add(42, "store", parent: 1, start: "12345", executable: "/opt/x/store")
        try proc.write("self/stat", [])
        try proc.write("meminfo", [])
        let procfs = ProcFS(root: proc.root, ticksPerSecond: 100)
        #expect(procfs.processes().sorted() == [1, 42])
        let record = try #require(procfs.read(pid: 42, time: now)).record
        #expect(record.event == .snapshot && record.time == moment(0))
        #expect(record.process == key(42, 123_450_000_000))
        #expect(record.parent == key(1, 30_000_000))
        #expect(record.name.description == "store" && record.executable == "/opt/x/store")
        #expect(record.arguments == ["store", "-x"] && record.argumentsCut == false)
        #expect(record.user == 1001 && record.group == 100 && record.innerPID == 7)
        #expect(record.cgroupPath == "/system.slice/store.service")
    }

    @Test(arguments: [
        (key(42, 123_456_789_012), true), (key(42, 123_459_999_999), true), (key(42, 123_460_000_000), false),
        (key(42, 123_449_999_999), false), (key(43, 123_456_789_012), false),
    ])
    func theExactKeyMustAgree(expected: ProcessKey, agrees: Bool) throws {
        let proc = try FixtureProc()
        try proc.add(42, "store", parent: 0, start: "12345")
        let reading = ProcFS(root: proc.root, ticksPerSecond: 100).read(pid: 42, expected: expected, time: now)
        #expect(reading?.record.process == (agrees ? expected : nil))
    }

    @Test(arguments: ["comm", "cmdline", "status", "cgroup", "exe"])
    func aFileThatIsMissingIsLeftOut(name: String) throws {
        let proc = try FixtureProc()
        try proc.add(42, "store", parent: 0, start: "12345", executable: "/opt/x/store")
        try FileManager.default.removeItem(atPath: "\(proc.root)/42/\(name)")
        let record = try #require(ProcFS(root: proc.root, ticksPerSecond: 100).read(pid: 42, time: now)).record
        #expect((record.name == .empty) == (name == "comm"))
        #expect((record.arguments == nil) == (name == "cmdline"))
        #expect((record.user == nil) == (name == "status"))
        #expect((record.cgroupPath == nil) == (name == "cgroup"))
        #expect((record.executable == nil) == (name == "exe"))
    }

    @Test func aProcessThatVanishesIsNothing() throws {
        let proc = try FixtureProc()
        try proc.add(42, "store", parent: 0, start: "12345")
        let procfs = ProcFS(root: proc.root, ticksPerSecond: 100)
        #expect(procfs.read(pid: 43, time: now) == nil)
        let reading = procfs.read(pid: 42) {
            try? FileManager.default.removeItem(atPath: proc.root + "/42")
            return moment(0)
        }
        #expect(reading == nil)
    }

    /// `parent: 8` stands for a re-parenting, another start for a successor: neither is described by the mixture.
    @Test(arguments: [(7, "99999"), (8, "12345")])
    func aChangeWhileReadingIsNoticed(parent: Int, start: String) throws {
        let proc = try FixtureProc()
        try proc.add(42, "store", parent: 7, start: "12345")
        let procfs = ProcFS(root: proc.root, ticksPerSecond: 100)
        var looks = 0
        let reading = procfs.read(pid: 42) {
            looks += 1
            if looks == 1 {
                try? proc.add(42, "other", parent: parent, start: start)
            }
            return moment(0)
        }
        #expect(looks == 2)
        #expect(reading?.record.name.description == "other", "read anew, as a whole")
        var ever = 0
        let restless = procfs.read(pid: 42) {
            ever += 1
            try? proc.add(42, "other", parent: parent, start: "\(1000 + ever)")
            return moment(0)
        }
        #expect(restless == nil && ever == 2)
    }

    @Test func longArgumentsAreCut() throws {
        let proc = try FixtureProc()
        try proc.add(42, "store", parent: 0, start: "12345")
        try proc.write("42/cmdline", [UInt8](repeating: UInt8(ascii: "a"), count: 100_000))
        let record = try #require(ProcFS(root: proc.root, ticksPerSecond: 100).read(pid: 42, time: now)).record
        #expect(record.argumentsCut && record.arguments?.first?.utf8.count == 4096)
    }

    @Test func passwordFilesName() throws {
        let proc = try FixtureProc()
        try proc.write("passwd", Array("exch:x:1001:100::/:/bin/sh\n".utf8))
        let names = PasswordFiles(folder: proc.root)
        #expect(names.userName(1001) == "exch" && names.userName(0) == nil && names.groupName(0) == nil)
    }

    @Test func cgroupsAreNamedByInode() throws {
        let proc = try FixtureProc()
        try proc.write("cg/a.slice/b.service/cgroup.procs", [])
        let hierarchy = CgroupHierarchy(mount: proc.root + "/cg")
        let all = hierarchy.scan()
        #expect(Set(all.map(\.path)) == ["/", "/a.slice", "/a.slice/b.service"])
        let last = try #require(all.last)
        #expect(hierarchy.id(ofPath: last.path) == last.id)
        #expect(hierarchy.id(ofPath: "/gone") == nil)
        #expect(hierarchy.id(ofPath: "/../../etc") == nil)
        #expect(hierarchy.scan(limit: 2).count == 2)
    }
}

@Suite struct RealProcessTests {
    /// Starts a copy of sleep(1), to be ended by the caller.
    private func sleeper(_ path: String = "/bin/sleep") throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["60"]
        try process.run()
        return process
    }

    /// Whatever signals another test of this process ignores, a child inherits that.
    private func end(_ child: Process) { kill(child.processIdentifier, SIGKILL) }

    private func copy() throws -> String {
        let path = NSTemporaryDirectory() + "/whosent-sleep-\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: path)
        return path
    }

    /// Reads a child once its exec is through.
    private func read(_ child: Process) throws -> ProcessRecord {
        let procfs = ProcFS()
        for _ in 0..<500 {
            let reading = procfs.read(pid: UInt32(child.processIdentifier)) { moment(0) }
            if let record = reading?.record, record.arguments?.last == "60" { return record }
            usleep(10_000)
        }
        throw CocoaError(.fileReadUnknown)
    }

    @Test func aChildAndItsParent() throws {
        let child = try sleeper()
        defer { end(child) }
        let record = try read(child)
        let own = UInt32(ProcessInfo.processInfo.processIdentifier)
        #expect(record.name.description == "sleep")
        #expect(record.parent?.pid == own)
        #expect(record.user == geteuid() && record.group == getegid())
        #expect(record.image == ImageObservation())
        let me = try #require(ProcFS().read(pid: own) { moment(0) }).record
        #expect(me.process == record.parent)
        #expect(me.arguments?.isEmpty == false && me.executable?.hasPrefix("/") == true)
    }

    @Test(arguments: [ProcessDescription.ImageState.deleted, .replaced, nil])
    func theImageAndItsFile(state: ProcessDescription.ImageState?) throws {
        var path = try copy()
        if state == nil {
            // A file that is truly called so is there all right.
            try FileManager.default.moveItem(atPath: path, toPath: path + " (deleted)")
            path += " (deleted)"
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        let child = try sleeper(path)
        defer { end(child) }
        _ = try read(child)
        if state != nil { try FileManager.default.removeItem(atPath: path) }
        if state == .replaced { try FileManager.default.copyItem(atPath: "/bin/true", toPath: path) }
        let record = try read(child)
        #expect(record.image == ImageObservation(state: state))
        let real = URL(fileURLWithPath: path).lastPathComponent
        #expect(record.executable?.hasSuffix("/" + real) == true)
    }

    @Test func theLiveSourceCompletesWhatTheKernelTold() throws {
        let child = try sleeper()
        defer { end(child) }
        let seen = try read(child)
        // The kernel's key lies somewhere within procfs's tick.
        let exact = ProcessKey(pid: seen.process.pid, startTime: seen.process.startTime + 1_234_567)
        var live = LiveProcesses()
        let now = Timestamp(nanoseconds: SystemCalls.clocks().wall)
        live.add(
            ProcessRecord(
                event: .exec, time: now.advanced(by: -500_000_000), process: exact, imageVersion: 9,
                name: TaskName("sleep".utf8)))
        func description() -> ProcessDescription? {
            live.description(process: exact, imageVersion: 9, at: now, user: nil, group: nil, cgroup: 0)
        }
        #expect(description()?.name == "sleep" && description()?.executable == nil)
        for _ in 0..<500 where description()?.arguments == nil {
            live.drained(until: now)
            #expect(description()?.arguments == nil, "an observation waits for the kernel's records up to it")
            live.drained(until: .distantFuture)
            usleep(10_000)
        }
        #expect(description()?.arguments == ["/bin/sleep", "60"])
        #expect(description()?.executable?.hasSuffix("/sleep") == true)
        #expect(description()?.user?.id == "\(geteuid())")
        #expect(description()?.entityID?.hasSuffix("-\(exact.pid)-\(exact.startTime)") == true)
        #expect(live.counts.requested == 1)
    }

    /// The hash of what runs, whatever became of its file.
    @Test(arguments: [ProcessDescription.ImageState.deleted, .replaced, nil])
    func theRunningImageIsHashed(state: ProcessDescription.ImageState?) throws {
        let path = try copy()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let truth = try digest(path)
        let child = try sleeper(path)
        defer { end(child) }
        let record = try read(child)
        if state != nil { try FileManager.default.removeItem(atPath: path) }
        if state == .replaced { try FileManager.default.copyItem(atPath: "/bin/true", toPath: path) }
        var live = LiveProcesses()
        func description(at second: Int64) -> ProcessDescription? {
            live.description(
                process: record.process, imageVersion: 0, at: moment(second * 1000), user: nil, group: nil, cgroup: 0)
        }
        #expect(description(at: 0)?.sha256 == nil)
        #expect(live.isLooking && live.lookBegun(record.process) == moment(0))
        for _ in 0..<1000 where live.isLooking {
            live.drained(until: .distantFuture)
            usleep(5000)
        }
        #expect(description(at: 0)?.sha256 == truth)
        #expect(description(at: 0)?.image == state)
        #expect(live.lookBegun(record.process) == nil && live.counts.requested == 1)
        #expect(description(at: 1)?.sha256 == truth && live.counts.requested == 2, "looked at again after a second")
    }

    /// PR_SET_MM_EXE_FILE: the kernel's record of the exec, or of the one that was inherited, knows better than procfs.
    @Test(arguments: [false, true], [false, true])
    func anotherFileThanWasExecutedIsNotTold(isForged: Bool, isForked: Bool) throws {
        let path = try copy()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let child = try sleeper(path)
        defer { end(child) }
        let process = try read(child).process
        let parent = key(999_999, process.startTime - 1)
        var executed = exec(isForked ? parent : process, "true-name", version: 3, at: -1000)
        executed.imageFile = SystemCalls.imageFile(path)
        if isForged { executed.imageFile?.inode += 1 }
        var live = LiveProcesses()
        live.add(executed)
        if isForked { live.add(fork(process, of: parent, "true-name", version: 3, at: -500)) }
        func description() -> ProcessDescription? {
            live.description(
                process: process, imageVersion: 3, at: moment(0), user: nil, group: nil, cgroup: 0)
        }
        _ = description()
        for _ in 0..<1000 where live.isLooking {
            live.drained(until: .distantFuture)
            usleep(5000)
        }
        #expect(description()?.sha256 == (isForged ? nil : try digest(path)))
        #expect(description()?.image == nil)
        let isTrueName = description()?.executable == "/usr/bin/true-name"
        #expect(isTrueName || (isForked && !isForged))
    }

    private func digest(_ path: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = [path]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }

    @Test func thisProcessSeesThisMachinesUsers() throws {
        let own = UInt32(ProcessInfo.processInfo.processIdentifier)
        #expect(try #require(ProcFS().read(pid: own) { moment(0) }).record.sharesAccounts == true)
        let home = HomeMachine()
        #expect(home.sharesAccounts(mountNamespace: home.mountNamespace, userNamespace: home.userNamespace))
        #expect(!home.sharesAccounts(mountNamespace: home.mountNamespace + 1, userNamespace: home.userNamespace))
        #expect(!home.sharesAccounts(mountNamespace: home.mountNamespace, userNamespace: home.userNamespace + 1))
        #expect(!home.sharesAccounts(mountNamespace: 0, userNamespace: 0), "unknown is not equal")
    }

    @Test func aSnapshotNamesThisProcessAndItsAncestors() throws {
        var live = LiveProcesses()
        let isComplete = live.takeSnapshot(waitingUpTo: 20_000)
        #expect(isComplete)
        live.drained(until: .distantFuture)
        let own = UInt32(ProcessInfo.processInfo.processIdentifier)
        let me = try #require(ProcFS().read(pid: own) { moment(0) }).record
        let time = Timestamp(nanoseconds: SystemCalls.clocks().wall)
        let description = live.description(
            process: me.process, imageVersion: 0, at: time, user: nil, group: nil, cgroup: 0)
        #expect(description?.name == me.name.description)
        #expect(description?.parents.first?.pid == UInt32(getppid()))
        #expect(description?.parents.first?.name != nil)
        let age = time.since(description?.start ?? .distantPast)
        #expect(age > 0 && age < 3_600_000_000_000)
    }

    @Test func aProcessThatIsGoneAsksForNothingMore() throws {
        var live = LiveProcesses()
        let gone = key(4_000_000_000, 123_456_789)
        for _ in 0..<1000 {
            let description = live.description(
                process: gone, imageVersion: 1, at: moment(0), user: nil, group: nil, cgroup: 0)
            #expect(description == nil)
        }
        #expect(live.counts.requested == 1)
        for pid: UInt32 in 0..<5000 {
            _ = live.description(
                process: key(4_000_000_000 + pid, 1), imageVersion: 1, at: moment(0), user: nil, group: nil, cgroup: 0)
        }
        #expect(live.counts.refused > 0 && live.counts.requested < 5000)
    }
}

@Suite(.enabled(if: CgroupHierarchy.current() != nil && geteuid() == 0, "needs a cgroup2 hierarchy and root"))
struct RealCgroupTests {
    @Test func aCgroupIsFoundByItsID() throws {
        let hierarchy = try #require(CgroupHierarchy.current())
        let name = "whosent-test-\(UUID().uuidString)"
        let folder = "\(hierarchy.mount)/\(name)/inner.service"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            unsafe rmdir(folder)
            unsafe rmdir("\(hierarchy.mount)/\(name)")
        }
        let id = try #require(hierarchy.id(ofPath: "/\(name)/inner.service"))
        #expect(hierarchy.path(ofID: id) == "/\(name)/inner.service")
        #expect(hierarchy.path(ofID: 1) == "/")
        unsafe rmdir(folder)
        #expect(hierarchy.path(ofID: id) == nil)
    }
}
