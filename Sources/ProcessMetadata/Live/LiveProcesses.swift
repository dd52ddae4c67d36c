public import Records
internal import SystemPackage

/// The processes of this machine while the tool runs: the kernel's records first, procfs where they leave something
/// out, in one ``ProcessTable``.
///
/// The packet path only ever asks the table. What is missing is read by another thread and shows in later answers. An
/// observation of procfs is used once all of the kernel's records up to its moment are in (``drained(until:)``), so
/// that it is never taken for an image that an exec still under way had already replaced.
public struct LiveProcesses {
    /// How often procfs was needed.
    public struct Counts: Hashable, Sendable {
        /// Processes asked for.
        public var requested: UInt64 = 0
        /// Processes not asked for because too many waited or too many came in a second.
        public var refused: UInt64 = 0
        /// Observations that came in.
        public var answered: UInt64 = 0
    }

    /// Of what more is known since the last time.
    public struct Learned {
        /// Processes that were asked for.
        public var processes: Set<ProcessKey> = []
        /// Cgroups whose paths are known now.
        public var cgroups: Set<UInt64> = []
    }

    /// The table, for reading its counts and for what has no need of procfs.
    public private(set) var table: ProcessTable
    /// How often procfs was needed.
    public private(set) var counts = Counts()

    private let host: UInt16
    private let reader: ProcessReader
    private let cgroups: CgroupHierarchy?
    private var held: [ProcessReader.Answer] = []
    private let home: HomeMachine
    private var schedule = LookSchedule()
    private var second: Int64 = 0
    private var askedInSecond = 0
    private var askedCgroups: Set<UInt64> = []
    private var lastCgroup: UInt64 = 0

    /// Reads of single processes a second: some 60 µs each.
    private static let requestsPerSecond = 500
    /// An exec changes the process some microseconds before the kernel tells of it: a look from up to so many
    /// nanoseconds before may have seen the new image.
    private static let execDoubt: Int64 = 1_000_000

    /// The processes of this machine.
    ///
    /// - Parameters:
    ///   - procfs: where to look.
    ///   - cgroups: the v2 hierarchy, nil for none.
    ///   - names: of users and groups.
    ///   - bootID: this boot's; nil to read it from procfs.
    ///   - bootTimeOffset: nanoseconds from the boot clock to the wall clock; nil to measure it now.
    ///   - limits: of the table.
    ///   - host: the number of this machine among the evidence.
    public init(
        procfs: ProcFS = ProcFS(), cgroups: CgroupHierarchy? = .current(), names: any PrincipalNames = PasswordFiles(),
        bootID: String? = nil, bootTimeOffset: Int64? = nil, limits: ProcessTable.Limits = .init(), host: UInt16 = 0
    ) {
        self.host = host
        self.cgroups = cgroups
        home = HomeMachine(procfs: procfs.root)
        reader = ProcessReader(procfs: procfs, cgroups: cgroups, queueLimit: 1024)
        table = ProcessTable(limits: limits, names: names)
        let clocks = SystemCalls.clocks()
        let machine = ProcessTable.Machine(
            bootID: bootID ?? Self.bootID(procfs: procfs.root),
            bootTimeOffset: bootTimeOffset ?? clocks.wall - clocks.boot,
            startTimeTick: procfs.tick)
        table.setMachine(machine, host: host)
    }

    /// This boot's id: 36 characters; nil where procfs does not tell.
    public static func bootID(procfs: String = "/proc") -> String? {
        guard let file = try? SystemCalls.read("\(procfs)/sys/kernel/random/boot_id", limit: 64) else { return nil }
        let text = String(decoding: file.bytes.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.utf8.count == 36 ? text : nil
    }

    /// Begins to read every process and the cgroups; to be called once the kernel's records are on.
    ///
    /// Waits until all are read, at most `milliseconds`; whatever comes later is used all the same. Returns whether
    /// all were read.
    public mutating func takeSnapshot(waitingUpTo milliseconds: Int = 2000) -> Bool {
        reader.requestAll()
        for (id, path) in cgroups?.scan() ?? [] { table.setCgroup(id, path: path, host: host) }
        let deadline = SystemCalls.clocks().boot + Int64(milliseconds) * 1_000_000
        while !reader.isIdle {
            guard SystemCalls.clocks().boot < deadline else { return false }
            SystemCalls.pause(milliseconds: 1)
        }
        return true
    }

    /// Takes in a record of the kernel.
    public mutating func add(_ record: ProcessRecord) {
        var record = record
        let isHome = home.sharesAccounts(mountNamespace: record.mountNamespace, userNamespace: record.userNamespace)
        if isHome { record.sharesAccounts = true }
        table.add(record)
        guard record.event == .exec, record.host == host else { return }
        let isWhole = record.executable?.hasPrefix("/") == true && record.arguments != nil && !record.argumentsCut
        if !isWhole { look(at: record.process, imageVersion: record.imageVersion, time: record.time) }
    }

    /// States that all of the kernel's records up to a moment were added: observations up to then are used now.
    /// Without a source of kernel records: `.distantFuture`.
    ///
    /// Returns what was learned.
    @discardableResult
    public mutating func drained(until moment: Timestamp) -> Learned {
        held.append(contentsOf: reader.takeAnswers())
        var learned = Learned()
        guard !held.isEmpty else { return learned }
        var later: [ProcessReader.Answer] = []
        for answer in held {
            if let time = answer.reading?.record.time, time.advanced(by: Self.execDoubt) > moment {
                later.append(answer)
            } else if let cgroup = answer.namedCgroup {
                table.setCgroup(cgroup.id, path: cgroup.path, host: host)
                learned.cgroups.insert(cgroup.id)
            } else if take(answer), let asked = answer.asked {
                learned.processes.insert(asked)
            }
        }
        held = later
        return learned
    }

    /// Uses what a look brought; returns whether the table knows more now.
    private mutating func take(_ answer: ProcessReader.Answer) -> Bool {
        guard var record = answer.reading?.record else {
            if let asked = answer.asked { schedule.end(asked) }
            return false
        }
        record.host = host
        let doubt = record.time.advanced(by: Self.execDoubt)
        if table.didExec(host: host, process: record.process, after: record.time, until: doubt) {
            if let asked = answer.asked { schedule.forget(asked) }
            return false
        }
        // A process may make its link in procfs lead to another file than it runs (PR_SET_MM_EXE_FILE).
        if let seen = answer.reading?.file,
            let recorded = table.imageFile(host: host, process: record.process, at: record.time),
            !recorded.isSame(as: seen)
        {
            record.executable = nil
            record.image = nil
        }
        if let id = answer.cgroup, let path = answer.reading?.unifiedCgroup {
            record.cgroup = id
            table.setCgroup(id, path: path, host: host)
        }
        table.add(record)
        counts.answered += 1
        if let asked = answer.asked, !answer.isHashing { schedule.end(asked) }
        return true
    }

    /// What the table forgot since the last call; see ``ProcessTable/takeLetGo()``.
    public mutating func takeLetGo() -> [LossInterval] { table.takeLetGo() }

    /// States that process records of the kernel were lost between two moments.
    public mutating func noteLostRecords(from start: Timestamp, to stop: Timestamp) {
        table.noteLostRecords(host: host, from: start, to: stop)
        // What was asked for before the loss may be out of date.
        schedule.removeAll()
    }

    /// What is known of a process by now; see ``ProcessTable/description(host:process:imageVersion:at:user:group:cgroup:)``.
    /// The first question about an image also has procfs read, for what the kernel's records do not hold.
    public mutating func description(
        process: ProcessKey, imageVersion: UInt32, at time: Timestamp, user: UInt32?, group: UInt32?, cgroup: UInt64
    ) -> ProcessDescription? {
        look(at: process, imageVersion: imageVersion, time: time, cgroup: cgroup)
        return table.description(
            host: host, process: process, imageVersion: imageVersion, at: time, user: user, group: group, cgroup: cgroup
        )
    }

    /// Has procfs read for a process that sent a packet at some time, where that was not done within the last second,
    /// and returns whether it was. The cgroup (0 for none) gets its name from the hierarchy where it is younger than
    /// the tool: that works also when nobody is in it any more.
    @discardableResult
    public mutating func look(
        at process: ProcessKey, imageVersion: UInt32, time: Timestamp, cgroup: UInt64 = 0
    ) -> Bool {
        if cgroup != 0 { name(cgroup: cgroup) }
        guard schedule.isDue(process, version: imageVersion, at: time) else { return false }
        guard mayAsk(), reader.request(process) else {
            // To be asked again with a later packet.
            counts.refused += 1
            return false
        }
        schedule.begin(process, version: imageVersion, at: time)
        counts.requested += 1
        return true
    }

    /// When the look at a process that is under way was asked for, by the time of the packet; nil where none is.
    public func lookBegun(_ process: ProcessKey) -> Timestamp? { schedule.begun(process) }

    /// Some process was asked for and not everything about it is in.
    public var isLooking: Bool { schedule.outstanding > 0 }

    /// The name of a thread; see ``ProcessTable/threadName(host:process:thread:at:)``.
    public mutating func threadName(process: ProcessKey, thread: UInt32, at time: Timestamp) -> String? {
        table.threadName(host: host, process: process, thread: thread, at: time)
    }

    private mutating func name(cgroup: UInt64) {
        guard cgroup != lastCgroup else { return }
        lastCgroup = cgroup
        guard !table.isKnown(cgroup: cgroup, host: host), !askedCgroups.contains(cgroup) else { return }
        guard mayAsk(), reader.requestCgroup(cgroup) else {
            lastCgroup = 0
            return
        }
        if askedCgroups.count >= 4096 { askedCgroups.removeAll(keepingCapacity: true) }
        askedCgroups.insert(cgroup)
    }

    private mutating func mayAsk() -> Bool {
        let now = SystemCalls.clocks().boot / 1_000_000_000
        if now != second {
            second = now
            askedInSecond = 0
        }
        askedInSecond += 1
        return askedInSecond <= Self.requestsPerSecond
    }
}
