public import Records

/// What is known of the processes of one or several machines, from their records alone: who ran under which id when,
/// what it was called, what it executed, and who started it.
///
/// A process is its id together with its start time, and its image is the version that exec counts, so that a reused
/// id or a later image never lends its name. Records may come slightly out of order, and twice. What is kept is bounded:
/// ended processes are forgotten before any that runs. Nothing here looks at this machine.
public struct ProcessTable: Sendable {
    /// How much is kept.
    public struct Limits: Sendable {
        /// Processes that run. Beyond, the longest unused is forgotten.
        public var live: Int
        /// Processes that ended and have no child in the table.
        public var exited: Int
        /// Processes that ended and are still somebody's parent.
        public var ancestors: Int
        /// Bytes of paths and arguments, roughly.
        public var textBytes: Int
        /// Names of threads, a process.
        public var threads: Int

        /// The limits that go with a number of running processes: so many that it takes 1.3 KiB for each of them.
        public static func scaled(toLive live: Int) -> Limits {
            Limits(live: live, exited: live / 4, ancestors: live / 8, textBytes: live * 384)
        }

        /// Limits; what is given by default takes some 80 MiB when all are reached.
        public init(
            live: Int = 65_536, exited: Int = 16_384, ancestors: Int = 8_192, textBytes: Int = 24 << 20,
            threads: Int = 64
        ) {
            self.live = max(1, live)
            self.exited = max(1, exited)
            self.ancestors = max(1, ancestors)
            self.textBytes = max(1 << 16, textBytes)
            self.threads = max(1, threads)
        }
    }

    /// What is known of a machine.
    public struct Machine: Sendable {
        /// Its boot id; without it processes have no ``ProcessDescription/entityID``.
        public var bootID: String?
        /// Nanoseconds to add to the boot clock to get the wall clock (since 1970), where known. Keep the first value
        /// of a run: a process's start time should not follow later corrections of the clock.
        public var bootTimeOffset: Int64?
        /// Some of its records have start times rounded down to this many nanoseconds (procfs: 10 ms); 0 where all
        /// are exact.
        public var startTimeTick: UInt64

        /// A machine.
        public init(bootID: String? = nil, bootTimeOffset: Int64? = nil, startTimeTick: UInt64 = 0) {
            self.bootID = bootID
            self.bootTimeOffset = bootTimeOffset
            self.startTimeTick = startTimeTick
        }
    }

    /// What the table holds and what it had to let go.
    public struct Counts: Hashable, Sendable {
        /// Processes that run, so far as is known.
        public var live = 0
        /// Processes that ended.
        public var exited = 0
        /// Ended processes that were forgotten.
        public var evictedExited: UInt64 = 0
        /// Running processes that were forgotten.
        public var evictedLive: UInt64 = 0
        /// Records that fitted no process without doubt and were not used.
        public var rejectedRecords: UInt64 = 0
    }

    let limits: Limits
    let names: any PrincipalNames
    var machines: [UInt16: Machine] = [:]
    var store = ProcessStore()
    /// Grows when something is learned that may change a description already made.
    var revision: UInt64 = 0
    /// Parents that a description wanted to name and that were not there.
    var missingParents: Set<ProcessStore.Index> = []
    var gaps: [UInt16: [ClosedRange<Timestamp>]] = [:]
    var cgroupPaths: [CgroupIndex: String] = [:]
    var taskNames: [TaskName: String] = [:]
    /// The newest time of a record.
    private var newest = Timestamp.distantPast
    private var letGo = LossHistory(capacity: 256)
    private var evictedExited: UInt64 = 0
    private var evictedLive: UInt64 = 0
    private var rejectedRecords: UInt64 = 0

    struct CgroupIndex: Hashable, Sendable {
        var id: UInt64
        var host: UInt16
    }

    /// An empty table. `names` gives users and groups their names; by default they stay numbers, as they must for
    /// evidence of another machine.
    public init(limits: Limits = Limits(), names: any PrincipalNames = NoPrincipalNames()) {
        self.limits = limits
        self.names = names
    }

    /// What the table holds and what it had to let go.
    public var counts: Counts {
        Counts(
            live: store.count(.live), exited: store.count(.exited) + store.count(.ancestors),
            evictedExited: evictedExited, evictedLive: evictedLive, rejectedRecords: rejectedRecords)
    }

    /// States what is known of a machine; to be called before its records are added.
    public mutating func setMachine(_ machine: Machine, host: UInt16) {
        machines[host] = machine
        revision += 1
    }

    /// Names a cgroup by its path (v2, from the hierarchy's root, in the lossless escape).
    public mutating func setCgroup(_ id: UInt64, path: String, host: UInt16) {
        let index = CgroupIndex(id: id, host: host)
        guard cgroupPaths[index] != path else { return }
        if cgroupPaths.count >= 65_536 { cgroupPaths.removeAll(keepingCapacity: true) }
        cgroupPaths[index] = path
        revision += 1
    }

    /// Whether a cgroup's path is known.
    func isKnown(cgroup id: UInt64, host: UInt16) -> Bool { cgroupPaths[CgroupIndex(id: id, host: host)] != nil }

    /// States that process records were lost: what was seen before is no longer taken to hold after.
    public mutating func noteLostRecords(host: UInt16, from start: Timestamp, to stop: Timestamp) {
        guard start <= stop else { return }
        var list = gaps[host] ?? []
        list.append(start...stop)
        // Sorted and joined; beyond a bound neighbours become one, which only makes the table more careful.
        list.sort { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<Timestamp>] = []
        for range in list {
            if let last = joined.last, last.upperBound >= range.lowerBound {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        while joined.count > 64 {
            joined.replaceSubrange(0...1, with: [joined[0].lowerBound...joined[1].upperBound])
        }
        gaps[host] = joined
        revision += 1
    }

    func isGap(_ host: UInt16, _ one: Timestamp, _ other: Timestamp) -> Bool {
        guard let list = gaps[host] else { return false }
        return list.contains { $0.overlaps(min(one, other)...max(one, other)) }
    }

    // MARK: - Records

    /// Takes in what a record says.
    public mutating func add(_ record: ProcessRecord) {
        newest = max(newest, record.time)
        if record.thread != record.process.pid, record.event != .exec {
            addThread(record)
            return
        }
        guard let slot = slot(for: record) else {
            rejectedRecords += 1
            return
        }
        if let parent = record.parent, parent.pid != 0 { adopt(parent, for: slot, event: record.event) }
        if let innerPID = record.innerPID { store.entries[slot].innerPID = innerPID }
        if record.event == .fork {
            store.entries[slot].begin = min(store.entries[slot].begin ?? .distantFuture, record.time)
        }
        if record.event != .exit || store.entries[slot].timeline.moments.isEmpty { addMoment(record, to: slot) }
        store.entries[slot].descriptions.removeAll(keepingCapacity: true)
        if record.event == .exit { store.end(slot, at: record.time) }
        enforceLimits(sparing: slot)
    }

    private mutating func adopt(_ parent: ProcessKey, for slot: Int, event: ProcessRecord.Event) {
        let known = store.entries[slot].parent
        // The parent at birth stays the parent: after its death procfs shows init or a subreaper instead.
        guard known == nil || event == .fork || (known?.startTime == 0 && known?.pid == parent.pid) else { return }
        if known != parent { store.setParent(parent, of: slot) }
    }

    private mutating func addMoment(_ record: ProcessRecord, to slot: Int) {
        if isRepeated(record, slot: slot) {
            store.entries[slot].timeline.seeAgain(at: record.time)
            return
        }
        var image = ProcessImage(record).map { store.images.insert($0) }
        if record.event == .fork, image == nil {
            store.entries[slot].origin = record.origin
            image = inheritedImage(of: record.origin ?? record.parent, record: record)
            store.entries[slot].awaitsInheritance = image == nil && record.parent != nil
        }
        let event: ProcessRecord.Event = record.event == .exit ? .snapshot : record.event
        let outcome = store.entries[slot].timeline.insert(
            ProcessMoment(
                since: record.time, version: record.imageVersion, name: record.name, event: event, image: image,
                user: record.user, group: record.group, cgroup: record.cgroup, cgroupPath: record.cgroupPath,
                sharesAccounts: record.sharesAccounts))
        for released in outcome.released { store.images.release(released) }
        for end in outcome.forgotten { noteLetGo(end) }
        // Its own descriptions go in any case; others name it only as a parent, by its image. A process that renames
        // itself all the time must not make everybody's answers expensive.
        if outcome.rewritesPast, event != .rename { revision += 1 }
        if let end = store.entries[slot].end {
            for released in store.entries[slot].timeline.dropObservations(after: end) { store.images.release(released) }
        }
    }

    /// A look that showed what the last one did; a process is looked at again and again.
    private func isRepeated(_ record: ProcessRecord, slot: Int) -> Bool {
        guard record.event == .snapshot, record.description == nil, record.image != nil,
            let last = store.entries[slot].timeline.moments.last, last.event == .snapshot, last.since < record.time,
            !isGap(record.host, last.since, record.time)
        else { return false }
        return last.version == record.imageVersion && last.name == record.name && last.user == record.user
            && last.group == record.group && last.cgroup == record.cgroup && last.cgroupPath == record.cgroupPath
            && last.sharesAccounts == record.sharesAccounts
            && last.image.map { store.images[$0] } == ProcessImage(record)
    }

    /// What the process that forked ran then, with a reference of its own.
    private mutating func inheritedImage(of origin: ProcessKey?, record: ProcessRecord) -> Int? {
        guard let origin, let slot = find(host: record.host, process: origin, at: record.time) else { return nil }
        return shareImage(of: slot, version: record.imageVersion, at: record.time)
    }

    /// A reference to what a process ran, for a child.
    mutating func shareImage(of slot: Int, version: UInt32, at time: Timestamp) -> Int? {
        let facts = facts(slot: slot, version: version, at: time, depth: 0)
        guard facts.executable != nil || facts.arguments != nil else { return nil }
        if let image = facts.soleImage {
            store.images.retain(image)
            return image
        }
        return store.images.insert(
            ProcessImage(
                executable: facts.executable, arguments: facts.arguments, argumentsCut: facts.argumentsCut,
                observation: facts.observation, file: facts.file))
    }

    private mutating func addThread(_ record: ProcessRecord) {
        guard record.event != .exit, record.name != .empty,
            let slot = find(host: record.host, process: record.process, at: record.time)
        else { return }
        var threads = store.entries[slot].threads
        store.entries[slot].threads = []
        var index = threads.count
        while index > 0, threads[index - 1].since > record.time { index -= 1 }
        threads.insert(.init(thread: record.thread, since: record.time, name: record.name), at: index)
        if threads.count > limits.threads { threads.removeFirst() }
        store.entries[slot].threads = threads
    }

    /// Whether an image began after one moment and not after another.
    mutating func didExec(host: UInt16, process: ProcessKey, after start: Timestamp, until stop: Timestamp) -> Bool {
        guard let slot = find(host: host, process: process, at: stop) else { return false }
        return store.entries[slot].timeline.moments.contains { $0.isExec && start < $0.since && $0.since <= stop }
    }

    /// The file that the kernel says a process ran at a moment; nil where its exec was not recorded.
    mutating func imageFile(host: UInt16, process: ProcessKey, at time: Timestamp) -> ImageFile? {
        find(host: host, process: process, at: time).flatMap { facts(slot: $0, version: 0, at: time, depth: 0).file }
    }

    // MARK: - Bounds

    /// For so many nanoseconds a packet of a process that ended may still come.
    private static let mournedFor: Int64 = 5_000_000_000

    /// Something was forgotten since that was last asked for.
    public var hasLetGo: Bool { !letGo.isEmpty }

    /// What was forgotten since the last call while its packets may still have been to come.
    public mutating func takeLetGo() -> [LossInterval] { letGo.isEmpty ? [] : letGo.removeAll() }

    private mutating func noteLetGo(_ end: Timestamp?) {
        guard end.map({ $0.advanced(by: Self.mournedFor) >= newest }) ?? true else { return }
        letGo.add(LossInterval(kind: .processTable, count: 1, start: newest, stop: newest))
    }

    private mutating func enforceLimits(sparing slot: Int) {
        while store.count(.ancestors) > limits.ancestors, evict(.ancestors, sparing: slot) {}
        while store.count(.exited) > limits.exited, evict(.exited, sparing: slot) {}
        while store.count(.live) > limits.live, evict(.live, sparing: slot) {}
        while store.images.byteCount > limits.textBytes {
            guard
                evict(.exited, sparing: slot) || evict(.ancestors, sparing: slot) || evict(.live, sparing: slot)
            else { return }
        }
    }

    private mutating func evict(_ queue: EntryQueue.Name, sparing spared: Int) -> Bool {
        guard let slot = store.oldest(of: queue), slot != spared else { return false }
        noteLetGo(store.entries[slot].end)
        store.evict(slot)
        if queue == .live { evictedLive += 1 } else { evictedExited += 1 }
        return true
    }
}
