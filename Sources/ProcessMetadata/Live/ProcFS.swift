public import Records
internal import SystemPackage
internal import TextEscaping

/// Reads processes from /proc: those that are older than the tool, and what the kernel's records left out.
///
/// Every process is read between two looks at its start time, its parent and its memory layout, so that neither a
/// successor with the same id nor a later image lends it anything. What cannot be read is left out.
public struct ProcFS: Sendable {
    /// Where procfs is mounted; another path in tests.
    public let root: String
    /// Nanoseconds of a clock tick: the resolution of start times here.
    public let tick: UInt64
    private let home: HomeMachine

    /// What was read of a process.
    public struct Reading: Sendable {
        /// The record: event ``ProcessRecord/Event/snapshot``, start time a multiple of ``ProcFS/tick`` unless the
        /// exact one was given.
        public var record: ProcessRecord
        /// The process's v2 cgroup.
        public var unifiedCgroup: String?
        /// The running image, held open, where that was asked for.
        var image: RunningImage?
        /// The file that the link to the image led to, where it could be looked at.
        var file: ImageFile?
        /// What told that it was one process with one image all the while.
        var stat: ProcFSFormat.Stat
    }

    /// Arguments beyond this many bytes are cut.
    static let argumentLimit = 4096

    /// A procfs; `ticksPerSecond` is this machine's USER_HZ unless given.
    public init(root: String = "/proc", ticksPerSecond: Int? = nil) {
        self.root = root
        home = HomeMachine(procfs: root)
        tick = 1_000_000_000 / UInt64(max(1, ticksPerSecond ?? SystemCalls.ticksPerSecond))
    }

    /// The ids of all processes, in no order; empty where procfs cannot be read.
    public func processes(limit: Int = 1 << 22) -> [UInt32] {
        let names = (try? SystemCalls.list(root, limit: limit)) ?? []
        return names.compactMap { ProcFSFormat.decimal($0.name.utf8).flatMap(UInt32.init(exactly:)) }
    }

    /// One process; nil where it is gone, was replaced by another while it was read, or is not `expected`.
    ///
    /// `expected` is the exact key from the kernel: it must agree to the tick, and then stands in the record.
    /// `time` gives the moment of the observation and is asked after reading.
    public func read(pid: UInt32, expected: ProcessKey? = nil, time: () -> Timestamp) -> Reading? {
        read(pid: pid, expected: expected, opensImage: false, time: time)
    }

    /// The same; `opensImage`: for its hash.
    func read(pid: UInt32, expected: ProcessKey?, opensImage: Bool, time: () -> Timestamp) -> Reading? {
        // An exec in the middle makes one more try worth while; a process that execs all the time gets no answer.
        for _ in 0..<2 {
            guard let before = stat(pid) else { return nil }
            if before.isInExec { continue }
            let start = before.startTicks.multipliedReportingOverflow(by: tick)
            guard !start.overflow else { return nil }
            if let expected {
                guard expected.pid == pid, expected.startTime / tick == before.startTicks else { return nil }
            }
            let key = expected ?? ProcessKey(pid: pid, startTime: start.partialValue)
            var reading = collect(pid, key: key, stat: before, opensImage: opensImage)
            reading.record.parent = parent(before.parent)
            reading.record.time = time()
            if let after = stat(pid), after == before { return reading }
        }
        return nil
    }

    /// Whether the process that was read runs on with the same image.
    func stillRuns(_ reading: Reading) -> Bool {
        guard let now = stat(reading.record.process.pid) else { return false }
        return now.startTicks == reading.stat.startTicks && now.layout == reading.stat.layout && now.hasMemory
    }

    /// What /proc/PID/stat says; nil where it cannot be read.
    func stat(_ pid: UInt32) -> ProcFSFormat.Stat? {
        bytes(pid, "stat", limit: 4096).flatMap(ProcFSFormat.stat)
    }

    private func bytes(_ pid: UInt32, _ name: String, limit: Int) -> [UInt8]? {
        try? SystemCalls.read("\(root)/\(pid)/\(name)", limit: limit).bytes
    }

    private func collect(_ pid: UInt32, key: ProcessKey, stat: ProcFSFormat.Stat, opensImage: Bool) -> Reading {
        var record = ProcessRecord(event: .snapshot, time: .distantPast, process: key)
        var image: RunningImage?
        var file: ImageFile?
        record.name = bytes(pid, "comm", limit: 64).map(ProcFSFormat.name) ?? .empty
        if !stat.isKernelThread {
            if opensImage { image = RunningImage(path: "\(root)/\(pid)/exe") }
            file = image?.file ?? SystemCalls.imageFile("\(root)/\(pid)/exe")
            (record.executable, record.image) = executable(pid)
            // What was opened is what the rest is said of: the process can change where the link leads.
            if let file, file != SystemCalls.imageFile("\(root)/\(pid)/exe") {
                (record.executable, record.image) = (nil, nil)
            }
            if let line = try? SystemCalls.read("\(root)/\(pid)/cmdline", limit: Self.argumentLimit) {
                record.arguments = ProcFSFormat.arguments(line.bytes)
                record.argumentsCut = line.isCut
            }
        }
        let status = bytes(pid, "status", limit: 16_384).map(ProcFSFormat.status)
        record.user = status?.user
        record.group = status?.group
        record.innerPID = status?.innerPID
        let cgroups = bytes(pid, "cgroup", limit: 65_536).map(ProcFSFormat.cgroups)
        record.cgroupPath = cgroups?.naming
        record.sharesAccounts = sharesAccounts(pid)
        // Without a look at the image nothing is said of its contents.
        return Reading(
            record: record, unifiedCgroup: cgroups?.unified, image: record.image == nil ? nil : image, file: file,
            stat: stat)
    }

    /// Whether the process sees the same users as the tool: the same file of them, and numbers that mean the same.
    private func sharesAccounts(_ pid: UInt32) -> Bool? {
        guard home.userNamespace != 0, let user = HomeMachine.namespace("\(root)/\(pid)/ns/user"),
            let mount = HomeMachine.namespace("\(root)/\(pid)/ns/mnt")
        else { return nil }
        guard user == home.userNamespace else { return false }
        if let accounts = SystemCalls.identity("\(root)/\(pid)/root\(HomeMachine.accountFile)") {
            return accounts == home.accounts
        }
        // A daemon in an empty root of its own still is one of this machine's.
        return mount == home.mountNamespace
    }

    /// The child's second look, which must show the same parent, proves that the parent ran all the while.
    private func parent(_ pid: UInt32) -> ProcessKey? {
        guard pid != 0, let ticks = stat(pid)?.startTicks else { return nil }
        return ProcessKey(pid: pid, startTime: ticks.multipliedReportingOverflow(by: tick).partialValue)
    }

    private func executable(_ pid: UInt32) -> (path: String?, image: ImageObservation?) {
        guard let link = try? SystemCalls.linkTarget("\(root)/\(pid)/exe"),
            let executable = ProcFSFormat.executable(link)
        else { return (nil, nil) }
        let running = SystemCalls.identity("\(root)/\(pid)/exe")
        switch executable {
        case .path(let path):
            guard let running else { return (path, nil) }
            // Another file may be mounted over it. The path is one of the whole mount tree's: from a root below that,
            // as a container's may be, it would lead elsewhere.
            let isHere = HomeMachine.namespace("\(root)/\(pid)/ns/mnt") == home.mountNamespace
            let found = isHere ? identity(path, below: "") : nil
            return (path, ImageObservation(state: found == nil || found == running ? nil : .replaced))
        case .suffixed(let path, let whole):
            guard let running else { return (path, nil) }
            if path.hasPrefix("/memfd:"), running.device == SystemCalls.memfdDevice {
                return (path, ImageObservation(state: .memfd))
            }
            // As the process itself sees the path: it may live in a container.
            let own = "\(root)/\(pid)/root"
            if identity(whole, below: own) == running { return (whole, ImageObservation()) }
            return (path, ImageObservation(state: identity(path, below: own) == nil ? .deleted : .replaced))
        }
    }

    private func identity(_ path: String, below folder: String) -> FileIdentity? {
        String(validating: LosslessEscape.bytes(path), as: UTF8.self).flatMap { SystemCalls.identity(folder + $0) }
    }
}
