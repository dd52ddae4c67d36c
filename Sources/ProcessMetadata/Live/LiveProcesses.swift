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

    /// The table, for reading its counts and for what has no need of procfs.
    public private(set) var table: ProcessTable
    /// How often procfs was needed.
    public private(set) var counts = Counts()

    private let host: UInt16
    private let reader: ProcessReader
    private let cgroups: CgroupHierarchy?
    private var held: [ProcessReader.Answer] = []
    private var asked: [ProcessKey: UInt32] = [:]
    private var lastAsked: (key: ProcessKey, version: UInt32)?
    private var second: Int64 = 0
    private var askedInSecond = 0

    /// Reads of single processes a second: some 60 µs each.
    private static let requestsPerSecond = 500
    private static let askedLimit = 16_384

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
        table.add(record)
        guard record.event == .exec, record.host == host else { return }
        let isWhole = record.executable?.hasPrefix("/") == true && record.arguments != nil && !record.argumentsCut
        if !isWhole { request(record.process, version: record.imageVersion) }
    }

    /// States that all of the kernel's records up to a moment were added: observations up to then are used now.
    /// Without a source of kernel records: `.distantFuture`.
    public mutating func drained(until moment: Timestamp) {
        held.append(contentsOf: reader.takeAnswers())
        guard !held.isEmpty else { return }
        var later: [ProcessReader.Answer] = []
        for answer in held {
            guard answer.reading.record.time <= moment else {
                later.append(answer)
                continue
            }
            var record = answer.reading.record
            record.host = host
            if let id = answer.cgroup, let path = answer.reading.unifiedCgroup {
                record.cgroup = id
                table.setCgroup(id, path: path, host: host)
            }
            table.add(record)
            counts.answered += 1
        }
        held = later
    }

    /// States that process records of the kernel were lost between two moments.
    public mutating func noteLostRecords(from start: Timestamp, to stop: Timestamp) {
        table.noteLostRecords(host: host, from: start, to: stop)
        // What was asked for before the loss may be out of date.
        asked.removeAll(keepingCapacity: true)
        lastAsked = nil
    }

    /// What is known of a process by now; see ``ProcessTable/description(host:process:imageVersion:at:user:group:cgroup:)``.
    /// The first question about an image also has procfs read, for what the kernel's records do not hold.
    public mutating func description(
        process: ProcessKey, imageVersion: UInt32, at time: Timestamp, user: UInt32?, group: UInt32?, cgroup: UInt64
    ) -> ProcessDescription? {
        request(process, version: imageVersion)
        return table.description(
            host: host, process: process, imageVersion: imageVersion, at: time, user: user, group: group, cgroup: cgroup
        )
    }

    /// The name of a thread; see ``ProcessTable/threadName(host:process:thread:at:)``.
    public mutating func threadName(process: ProcessKey, thread: UInt32, at time: Timestamp) -> String? {
        table.threadName(host: host, process: process, thread: thread, at: time)
    }

    private mutating func request(_ key: ProcessKey, version: UInt32) {
        if let lastAsked, lastAsked.key == key, lastAsked.version == version { return }
        lastAsked = (key, version)
        guard asked[key] != version else { return }
        guard mayAsk(), reader.request(key) else {
            counts.refused += 1
            // To be asked again with a later packet.
            lastAsked = nil
            return
        }
        if asked.count >= Self.askedLimit { asked.removeAll(keepingCapacity: true) }
        asked[key] = version
        counts.requested += 1
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
