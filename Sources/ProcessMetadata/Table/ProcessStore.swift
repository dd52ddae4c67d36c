internal import Records

/// The entries of the table: found by key or by process id, bounded in number and bytes.
struct ProcessStore: Sendable {
    /// A key as the dictionary has it.
    struct Index: Hashable, Sendable {
        var key: ProcessKey
        var host: UInt16

        /// Which of 256 places it has among the latest answers.
        fileprivate var place: Int {
            let mixed = (UInt64(key.pid) ^ key.startTime &* 31 ^ UInt64(host)) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: mixed >> 56)
        }
    }

    /// A process id of one machine.
    struct HostPID: Hashable, Sendable {
        var pid: UInt32
        var host: UInt16
    }

    var entries: [ProcessEntry] = []
    var images = ImageStore()
    private var free: [Int] = []
    private var slots: [Index: Int] = [:]
    private var incarnations: [HostPID: [Int]] = [:]
    private var queues = [EntryQueue](repeating: EntryQueue(), count: 3)
    /// The latest answers, by a few bits of what was asked for: few processes send most packets.
    private var recent = [(index: Index, slot: Int)?](repeating: nil, count: 256)

    /// How many processes stand in a queue.
    func count(_ queue: EntryQueue.Name) -> Int { queues[queue.rawValue].count }

    /// The entry with exactly this key.
    mutating func slot(host: UInt16, key: ProcessKey) -> Int? {
        let index = Index(key: key, host: host)
        if let known = recent[index.place], known.index == index { return known.slot }
        guard let slot = slots[index] else { return nil }
        recent[index.place] = (index, slot)
        return slot
    }

    /// The entries of a process id, the earliest first.
    func slots(host: UInt16, pid: UInt32) -> [Int] { incarnations[HostPID(pid: pid, host: host)] ?? [] }

    /// The one entry of a process id that ran at a moment; nil for none and for several.
    func slot(host: UInt16, pid: UInt32, at time: Timestamp) -> Int? {
        var found: Int?
        for slot in slots(host: host, pid: pid) where ran(slot, at: time) {
            guard found == nil else { return nil }
            found = slot
        }
        return found
    }

    private func ran(_ slot: Int, at time: Timestamp) -> Bool {
        (entries[slot].begin ?? .distantPast) <= time && time <= (entries[slot].end ?? .distantFuture)
    }

    /// Adds a process that runs, so far as is known.
    mutating func insert(_ entry: ProcessEntry) -> Int {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            entries[slot] = entry
        } else {
            slot = entries.count
            entries.append(entry)
        }
        if entry.key.startTime != 0 { slots[Index(key: entry.key, host: entry.host)] = slot }
        incarnations[HostPID(pid: entry.key.pid, host: entry.host), default: []].append(slot)
        append(slot, to: .live)
        adjustChildren(of: entry.parent, host: entry.host, by: 1)
        return slot
    }

    private mutating func forgetAnswer(of slot: Int) {
        recent[Index(key: entries[slot].key, host: entries[slot].host).place] = nil
    }

    /// Gives an entry the exact start time that only an approximation was known of.
    mutating func rekey(_ slot: Int, to key: ProcessKey) {
        forgetAnswer(of: slot)
        slots[Index(key: entries[slot].key, host: entries[slot].host)] = nil
        entries[slot].key = key
        slots[Index(key: key, host: entries[slot].host)] = slot
        entries[slot].descriptions.removeAll(keepingCapacity: true)
    }

    /// Names an entry's parent.
    mutating func setParent(_ parent: ProcessKey, of slot: Int) {
        adjustChildren(of: entries[slot].parent, host: entries[slot].host, by: -1)
        entries[slot].parent = parent
        adjustChildren(of: parent, host: entries[slot].host, by: 1)
    }

    /// Ends a process, or corrects when it ended.
    mutating func end(_ slot: Int, at time: Timestamp) {
        entries[slot].end = min(entries[slot].end ?? .distantFuture, time)
        for image in entries[slot].timeline.dropObservations(after: time) { images.release(image) }
        entries[slot].descriptions.removeAll(keepingCapacity: true)
        if entries[slot].queue == .live {
            remove(slot)
            append(slot, to: entries[slot].children > 0 ? .ancestors : .exited)
        }
    }

    private mutating func adjustChildren(of parent: ProcessKey?, host: UInt16, by change: Int) {
        guard let parent, let slot = slots[Index(key: parent, host: host)] else { return }
        entries[slot].children = max(0, entries[slot].children + change)
        let queue = entries[slot].queue
        guard queue == .exited || queue == .ancestors else { return }
        let wanted: EntryQueue.Name = entries[slot].children > 0 ? .ancestors : .exited
        guard queue != wanted else { return }
        remove(slot)
        append(slot, to: wanted)
    }

    // MARK: - Eviction

    /// The next of a queue to go: the longest unused, which has one more chance for being asked for.
    mutating func oldest(of queue: EntryQueue.Name) -> Int? {
        for _ in 0..<count(queue) {
            let slot = Int(queues[queue.rawValue].head)
            guard entries[slot].isRecentlyUsed else { return slot }
            entries[slot].isRecentlyUsed = false
            remove(slot)
            append(slot, to: queue)
        }
        return queues[queue.rawValue].head < 0 ? nil : Int(queues[queue.rawValue].head)
    }

    /// Forgets a process.
    mutating func evict(_ slot: Int) {
        forgetAnswer(of: slot)
        let entry = entries[slot]
        remove(slot)
        if entry.key.startTime != 0 { slots[Index(key: entry.key, host: entry.host)] = nil }
        let pid = HostPID(pid: entry.key.pid, host: entry.host)
        incarnations[pid]?.removeAll { $0 == slot }
        if incarnations[pid]?.isEmpty == true { incarnations[pid] = nil }
        for image in entry.timeline.moments.compactMap(\.image) { images.release(image) }
        entries[slot] = ProcessEntry(host: 0, key: ProcessKey(pid: 0, startTime: 0))
        free.append(slot)
        adjustChildren(of: entry.parent, host: entry.host, by: -1)
    }

    private mutating func append(_ slot: Int, to queue: EntryQueue.Name) {
        let tail = queues[queue.rawValue].tail
        entries[slot].queue = queue
        entries[slot].previous = tail
        entries[slot].next = -1
        if tail < 0 {
            queues[queue.rawValue].head = Int32(slot)
        } else {
            entries[Int(tail)].next = Int32(slot)
        }
        queues[queue.rawValue].tail = Int32(slot)
        queues[queue.rawValue].count += 1
    }

    private mutating func remove(_ slot: Int) {
        let entry = (entries[slot].queue, entries[slot].previous, entries[slot].next)
        guard entry.0 != .none else { return }
        if entry.1 < 0 { queues[entry.0.rawValue].head = entry.2 } else { entries[Int(entry.1)].next = entry.2 }
        if entry.2 < 0 { queues[entry.0.rawValue].tail = entry.1 } else { entries[Int(entry.2)].previous = entry.1 }
        queues[entry.0.rawValue].count -= 1
        entries[slot].queue = .none
    }
}
