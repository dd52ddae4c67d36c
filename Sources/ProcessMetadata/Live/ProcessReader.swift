internal import Records
internal import Synchronization

/// Reads processes from procfs beside the packet path: a process can make a look at its command line wait for as long
/// as it likes (userfaultfd), and that must hold up nobody but the looker.
final class ProcessReader: Sendable {
    /// What was read, and the id of the process's v2 cgroup.
    struct Answer: Sendable {
        var reading: ProcFS.Reading
        var cgroup: UInt64?
    }

    private struct State {
        var wanted: [ProcessKey] = []
        var wantsAll = false
        var answers: [Answer] = []
        var isRunning = false
    }

    private enum Job {
        case all
        case some([ProcessKey])
    }

    private let procfs: ProcFS
    private let cgroups: CgroupHierarchy?
    private let queueLimit: Int
    private let state = Mutex(State())

    init(procfs: ProcFS, cgroups: CgroupHierarchy?, queueLimit: Int) {
        self.procfs = procfs
        self.cgroups = cgroups
        self.queueLimit = queueLimit
    }

    /// Asks for a process; false where too many wait already.
    func request(_ key: ProcessKey) -> Bool {
        let (isAccepted, starts) = state.withLock { state in
            guard state.wanted.count < queueLimit else { return (false, false) }
            state.wanted.append(key)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if starts { run() }
        return isAccepted
    }

    /// Asks for every process there is.
    func requestAll() {
        let starts = state.withLock { state in
            state.wantsAll = true
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { run() }
    }

    /// What was read since the last call.
    func takeAnswers() -> [Answer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// Nothing is waiting and nothing is being read.
    var isIdle: Bool { state.withLock { !$0.isRunning } }

    private func run() {
        // Not a task: what waits in there must not take a thread of the pool along.
        let isStarted = SystemCalls.startThread { [self] in
            while let job = nextJob() {
                switch job {
                case .all: for pid in procfs.processes() { answer(pid, expected: nil) }
                case .some(let keys):
                    for key in keys { answer(key.pid, expected: key.startTime == 0 ? nil : key) }
                }
            }
        }
        if !isStarted { state.withLock { $0.isRunning = false } }
    }

    private func nextJob() -> Job? {
        state.withLock { state in
            if !state.wanted.isEmpty {
                defer { state.wanted = [] }
                return .some(state.wanted)
            }
            if state.wantsAll {
                state.wantsAll = false
                return .all
            }
            state.isRunning = false
            return nil
        }
    }

    private func answer(_ pid: UInt32, expected: ProcessKey?) {
        let now = { Timestamp(nanoseconds: SystemCalls.clocks().wall) }
        guard let reading = procfs.read(pid: pid, expected: expected, time: now) else { return }
        let cgroup = reading.unifiedCgroup.flatMap { cgroups?.id(ofPath: $0) }
        state.withLock { $0.answers.append(Answer(reading: reading, cgroup: cgroup)) }
    }
}
