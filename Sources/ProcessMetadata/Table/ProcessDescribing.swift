public import Records
internal import TextEscaping

extension ProcessTable {
    /// How many ancestors a description names at most.
    static let parentLimit = 16

    /// Counts as a question for ``description(host:process:imageVersion:at:user:group:cgroup:)`` when room is made for others.
    public mutating func use(host: UInt16, process: ProcessKey, at time: Timestamp) {
        if let slot = find(host: host, process: process, at: time) { store.entries[slot].isRecentlyUsed = true }
    }

    /// A process as it was when it ran image `imageVersion`, at a moment; nil where nothing is known of it.
    ///
    /// What is not certain is left out: an image whose exec was not recorded has neither name nor path. A `process`
    /// with start time 0 is found by its id and the time, if exactly one process had that id then. `user`, `group` and
    /// `cgroup` are the sender's at that moment, where the send record has them; else what is known of the process is
    /// taken. Asking again is cheap: the last few answers are kept with each process.
    public mutating func description(
        host: UInt16, process: ProcessKey, imageVersion: UInt32, at time: Timestamp, user: UInt32?, group: UInt32?,
        cgroup: UInt64
    ) -> ProcessDescription? {
        guard let slot = find(host: host, process: process, at: time) else { return nil }
        store.entries[slot].isRecentlyUsed = true
        let count = store.entries[slot].descriptions.count
        for index in 0..<count
        where answers(
            slot: slot, index: index, version: imageVersion, at: time, user: user, group: group, cgroup: cgroup)
        {
            return store.entries[slot].descriptions[index].description
        }
        let facts = facts(slot: slot, version: imageVersion, at: time, depth: 0)
        let description = describe(slot: slot, facts: facts, user: user, group: group, cgroup: cgroup)
        keep(
            CachedDescription(
                version: imageVersion, user: user, group: group, cgroup: cgroup, from: facts.from, until: facts.until,
                revision: revision, description: description),
            slot: slot)
        return description
    }

    /// The name of one of a process's threads at a moment, in the lossless escape; nil where it is not known.
    public mutating func threadName(host: UInt16, process: ProcessKey, thread: UInt32, at time: Timestamp) -> String? {
        guard let slot = find(host: host, process: process, at: time) else { return nil }
        let threads = store.entries[slot].threads
        if let moment = threads.last(where: { $0.thread == thread && $0.since <= time }) {
            return threadText(moment.name)
        }
        guard thread == process.pid else { return nil }
        return threadText(facts(slot: slot, version: 0, at: time, depth: 0).name)
    }

    /// A task name's text in the lossless escape, kept for the next time; nil for the empty name.
    public mutating func threadText(_ name: TaskName) -> String? {
        guard name != .empty else { return nil }
        if let text = taskNames[name] { return text }
        // Names are as many as a hostile process likes to make.
        if taskNames.count >= 4096 { taskNames.removeAll(keepingCapacity: true) }
        let text = name.description
        taskNames[name] = text
        return text
    }

    func text(of name: TaskName) -> String? { name == .empty ? nil : name.description }

    private func answers(
        slot: Int, index: Int, version: UInt32, at time: Timestamp, user: UInt32?, group: UInt32?, cgroup: UInt64
    ) -> Bool {
        let entry = store.entries[slot].descriptions[index]
        return entry.version == version && entry.revision == revision && entry.from <= time && time < entry.until
            && entry.user == user && entry.group == group && entry.cgroup == cgroup
    }

    private mutating func keep(_ made: CachedDescription, slot: Int) {
        store.entries[slot].descriptions.removeAll { $0.revision != revision }
        if store.entries[slot].descriptions.count < ProcessEntry.descriptionLimit {
            store.entries[slot].descriptions.append(made)
        } else {
            let index = store.entries[slot].nextReplaced % ProcessEntry.descriptionLimit
            store.entries[slot].descriptions[index] = made
            store.entries[slot].nextReplaced = index + 1
        }
    }

    // MARK: - Making

    private mutating func describe(slot: Int, facts: ProcessFacts, user: UInt32?, group: UInt32?, cgroup: UInt64)
        -> ProcessDescription
    {
        var description = identity(slot: slot, facts: facts)
        if facts.finished == nil {
            description.arguments = facts.arguments
            // An argument list that goes on must not look whole.
            if facts.argumentsCut { description.arguments?.append("…") }
            describeCgroup(slot: slot, facts: facts, cgroup: cgroup, in: &description)
        }
        // The machine's names are for those that see its files of them: a number in a container is another user.
        let isNamed = description.containerID == nil && facts.sharesAccounts == true
        if let id = user ?? (facts.finished == nil ? facts.user : nil), description.user?.id != String(id) {
            description.user = .init(id: String(id), name: isNamed ? names.userName(id) : nil)
        }
        if let id = group ?? (facts.finished == nil ? facts.group : nil), description.group?.id != String(id) {
            description.group = .init(id: String(id), name: isNamed ? names.groupName(id) : nil)
        }
        if description.parents.isEmpty { description.parents = parents(of: slot) }
        return description
    }

    /// What a description of a process and of a parent have in common.
    private func identity(slot: Int, facts: ProcessFacts) -> ProcessDescription {
        let entry = store.entries[slot]
        var description = facts.finished ?? ProcessDescription(pid: entry.key.pid)
        if facts.finished == nil {
            description.name = text(of: facts.name)
            description.executable = facts.executable
            description.image = facts.observation?.state
            description.sha256 = facts.observation?.sha256
        }
        if description.innerPID == nil, entry.innerPID != entry.key.pid { description.innerPID = entry.innerPID }
        if description.start == nil { description.start = start(of: entry) }
        if description.entityID == nil { description.entityID = entityID(of: entry) }
        return description
    }

    private func start(of entry: ProcessEntry) -> Timestamp? {
        guard entry.key.startTime != 0, let offset = machines[entry.host]?.bootTimeOffset else { return entry.begin }
        return Timestamp(nanoseconds: Int64(clamping: entry.key.startTime)).advanced(by: offset)
    }

    /// Only for an exact start time: a rounded one would give the same process two identities.
    private func entityID(of entry: ProcessEntry) -> String? {
        guard let machine = machines[entry.host], let bootID = machine.bootID, entry.key.startTime != 0,
            machine.startTimeTick <= 1 || entry.key.startTime % machine.startTimeTick != 0
        else { return nil }
        return "\(bootID)-\(entry.key.pid)-\(entry.key.startTime)"
    }

    /// The cgroup that the packet was sent from says it best; on hosts that keep units and containers in another
    /// hierarchy it is the root, and then what procfs told of the process counts.
    private func describeCgroup(
        slot: Int, facts: ProcessFacts, cgroup: UInt64, in description: inout ProcessDescription
    ) {
        let host = store.entries[slot].host
        let id = cgroup != 0 ? cgroup : facts.cgroup
        var identity = CgroupIdentity()
        if id != 0, let path = cgroupPaths[CgroupIndex(id: id, host: host)] { identity = CgroupIdentity(path: path) }
        if identity.containerID == nil, let path = facts.cgroupPath {
            let other = CgroupIdentity(path: path)
            if identity == CgroupIdentity() || other.containerID != nil { identity = other }
        }
        description.containerID = identity.containerID
        description.serviceName = identity.unit
    }

    /// The ancestors, the nearest first, each as it was when it started the next: what it did later does not change
    /// who started whom.
    private mutating func parents(of slot: Int) -> [ProcessDescription] {
        var chain: [ProcessDescription] = []
        var visited: Set<Int> = [slot]
        var child = slot
        while chain.count < Self.parentLimit, let key = store.entries[child].parent, key.pid != 0 {
            let host = store.entries[child].host
            let birth = start(of: store.entries[child]) ?? store.entries[child].timeline.moments.first?.since
            let born = store.entries[child].begin ?? birth ?? .distantPast
            guard let parent = find(host: host, process: key, at: born), visited.insert(parent).inserted else {
                noteMissing(key, host: host)
                if !visited.contains(where: { store.entries[$0].key == key }) {
                    chain.append(ProcessDescription(pid: key.pid))
                }
                break
            }
            guard !startsLater(store.entries[parent], than: store.entries[child]) else { break }
            // The image that was copied: the parent's, unless another process was.
            let birthMoment = store.entries[child].timeline.moments.first { $0.event == .fork }
            let version = store.entries[child].origin == nil ? birthMoment?.version ?? 0 : 0
            let facts = facts(slot: parent, version: version, at: born, depth: 0)
            var description = identity(slot: parent, facts: facts)
            description.parents = []
            chain.append(description)
            child = parent
        }
        return chain
    }

    /// A parent is never younger than its child; only forged or damaged evidence says so.
    private func startsLater(_ parent: ProcessEntry, than child: ProcessEntry) -> Bool {
        let tick = machines[parent.host]?.startTimeTick ?? 0
        return parent.key.startTime != 0 && child.key.startTime != 0
            && parent.key.startTime > child.key.startTime.addingReportingOverflow(tick).partialValue
    }

    private mutating func noteMissing(_ key: ProcessKey, host: UInt16) {
        guard key.startTime != 0, missingParents.count < 1024 else { return }
        missingParents.insert(ProcessStore.Index(key: key, host: host))
    }
}
