import Glibc
import Records
import Testing

@testable import Probe

@Suite("Live process records", .serialized, LiveProbe.condition)
struct LiveProcessTests {
    /// bash makes a datagram of what is written to /dev/udp.
    @Test func shortLivedSendersHaveNamePathAndArguments() throws {
        let probe = try Probe()
        let socket = try LoopbackSocket()
        let script = "exec 3>/dev/udp/127.0.0.1/\(socket.port); printf child >&3"
        let children = try (0..<7).map { try ChildProcess(["/bin/bash", "-c", script, "argument \($0)"]) }
        let pids = Set(try children.map { try $0.waitForEnd() })
        let sink = try LiveProbe.gather(probe) { sink in
            sink.processes.count { $0.event == .exit && pids.contains($0.process.pid) } >= pids.count
        }
        let sends = sink.sends.filter { $0.record.packet.destinationPort == socket.port }
        #expect(Set(sends.map(\.record.process.pid)) == pids)
        for (index, pid) in children.map(\.pid).enumerated() {
            let history = sink.processes.filter { $0.process.pid == pid }
            #expect(history.first?.event == .fork)
            #expect(history.first?.parent?.pid == UInt32(getpid()))
            let exec = try #require(history.first { $0.event == .exec })
            #expect(exec.executable?.hasSuffix("/bash") == true)
            #expect(exec.arguments == ["/bin/bash", "-c", script, "argument \(index)"])
            #expect(exec.name == TaskName("bash".utf8))
            var bash = stat()
            try #require(unsafe stat("/bin/bash", &bash) == 0)
            #expect(exec.imageFile?.inode == UInt64(bash.st_ino))
            #expect(!exec.argumentsCut)
            let send = try #require(sends.first { $0.record.process.pid == pid })
            #expect(send.record.process == exec.process)
            #expect(send.record.imageVersion == exec.imageVersion)
            #expect(send.record.proof == .verified)
            #expect(history.last?.event == .exit)
            #expect(history.last?.thread == pid)
        }
    }

    @Test func longArgumentsAreCutAndSaidToBe() throws {
        let probe = try Probe()
        let long = String(repeating: "x", count: 5000)
        let child = try ChildProcess(["/bin/true", long])
        let pid = try child.waitForEnd()
        let sink = try LiveProbe.gather(probe) { $0.processes.contains { $0.process.pid == pid && $0.event == .exit } }
        let exec = try #require(sink.processes.first { $0.process.pid == pid && $0.event == .exec })
        #expect(exec.argumentsCut)
        #expect(exec.arguments?.count == 2)
        #expect(exec.arguments?.last.map { long.hasPrefix($0) && $0.utf8.count > 4000 } == true)
    }

    @Test func snapshotHasWhatIsOlderThanTheTool() throws {
        let child = try ChildProcess(["/bin/sleep", "100"])
        defer { child.end() }
        usleep(50_000)
        let probe = try Probe()
        let sink = try LiveProbe.gather(probe) { !$0.processes.isEmpty }
        let record = try #require(sink.processes.first { $0.event == .snapshot && $0.process.pid == child.pid })
        #expect(record.executable?.hasSuffix("/sleep") == true)
        #expect(record.name == TaskName("sleep".utf8))
        #expect(record.parent?.pid == UInt32(getpid()))
        #expect(record.process.startTime > 0)
    }

    @Test func threadsAndTheirNames() throws {
        let probe = try Probe()
        var thread: UInt32?
        let ran = DedicatedThread.run {
            thread = LiveProbe.currentThread
            renameThread("wsp-renamed")
        }
        try #require(ran)
        let sink = try LiveProbe.gather(probe) {
            $0.processes.contains { $0.event == .exit && $0.thread == thread }
        }
        let history = sink.processes.filter { $0.thread == thread && $0.process.pid == UInt32(getpid()) }
        #expect(history.map(\.event) == [.fork, .rename, .exit])
        #expect(history.last?.name == TaskName("wsp-renamed".utf8))
    }
}

/// proc(5): a task may be renamed through its `comm`.
private func renameThread(_ name: String) {
    let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY)
    _ = unsafe write(descriptor, name, name.utf8.count)
    _ = close(descriptor)
}

/// A child that the test started itself.
struct ChildProcess {
    let pid: UInt32

    init(_ arguments: [String]) throws {
        var pid: pid_t = 0
        var strings = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe strings.forEach { unsafe free($0) } }
        let result = unsafe posix_spawn(&pid, arguments[0], nil, nil, &strings, nil)
        try #require(result == 0)
        self.pid = UInt32(pid)
    }

    func waitForEnd() throws -> UInt32 {
        var status: CInt = 0
        try #require(unsafe waitpid(pid_t(pid), &status, 0) == pid_t(pid))
        return pid
    }

    func end() {
        _ = kill(pid_t(pid), SIGKILL)
        _ = try? waitForEnd()
    }
}
