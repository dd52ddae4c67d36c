internal import Records

/// Which entry a record or a question is about.
extension ProcessTable {
    /// The entry of a process; by process id and time where the start time is 0.
    mutating func find(host: UInt16, process: ProcessKey, at time: Timestamp) -> Int? {
        guard process.startTime != 0 else { return store.slot(host: host, pid: process.pid, at: time) }
        if let slot = store.slot(host: host, key: process) { return slot }
        return findByTick(host: host, process: process, at: time)
    }

    /// Procfs rounds start times down to a tick, the kernel's records do not: within one tick a process id stands
    /// for one process, or else for none.
    private mutating func findByTick(host: UInt16, process: ProcessKey, at time: Timestamp) -> Int? {
        guard let tick = machines[host]?.startTimeTick, tick > 1 else { return nil }
        let rounded = process.startTime - process.startTime % tick
        let isRounded = rounded == process.startTime
        // Within the first tick after boot (init, most kernel threads) procfs says 0.
        if rounded == 0, let slot = store.slots(host: host, pid: process.pid).first,
            store.entries[slot].key.startTime == 0
        {
            store.rekey(slot, to: process)
            return slot
        }
        if !isRounded, let slot = store.slot(host: host, key: ProcessKey(pid: process.pid, startTime: rounded)) {
            store.rekey(slot, to: process)
            return slot
        }
        guard isRounded else { return nil }
        var found: Int?
        for slot in store.slots(host: host, pid: process.pid) {
            let entry = store.entries[slot]
            guard entry.key.startTime != 0, entry.key.startTime - entry.key.startTime % tick == rounded,
                time <= entry.end ?? .distantFuture
            else { continue }
            guard found == nil else { return nil }
            found = slot
        }
        return found
    }

    /// The entry that a record is about, made where there is none; nil where that is in doubt.
    mutating func slot(for record: ProcessRecord) -> Int? {
        if record.process.startTime == 0 { return slotWithoutStartTime(for: record) }
        if let slot = find(host: record.host, process: record.process, at: record.time) { return slot }
        return insert(record, begin: begin(of: record))
    }

    private func begin(of record: ProcessRecord) -> Timestamp? {
        if record.event == .fork { return record.time }
        guard record.process.startTime != 0, let offset = machines[record.host]?.bootTimeOffset else { return nil }
        return Timestamp(nanoseconds: Int64(clamping: record.process.startTime)).advanced(by: offset)
    }

    private mutating func slotWithoutStartTime(for record: ProcessRecord) -> Int? {
        let pid = record.process.pid
        if record.event == .fork {
            let slots = store.slots(host: record.host, pid: pid)
            if let twin = slots.first(where: { store.entries[$0].begin == record.time }) { return twin }
            // Its exec or exit was told before its birth, a moment ago.
            if let early = slots.first(where: { isEarly(store.entries[$0], before: record.time) }) { return early }
            return insert(record, begin: record.time)
        }
        let slots = store.slots(host: record.host, pid: pid).filter {
            (store.entries[$0].begin ?? .distantPast) <= record.time
                && record.time <= (store.entries[$0].end ?? .distantFuture)
        }
        if slots.count > 1 { return nil }
        return slots.first ?? insert(record, begin: record.event == .exec ? record.time : nil)
    }

    private func isEarly(_ entry: ProcessEntry, before birth: Timestamp) -> Bool {
        guard entry.key.startTime == 0, let first = entry.timeline.moments.first, !first.isObservation,
            first.event != .fork, entry.end.map({ $0 >= birth }) ?? true
        else { return false }
        return first.since >= birth && first.since.since(birth) < 1_000_000_000
    }

    /// Adds a process. Of one process id at most one runs: where an exit was missed, the successor's birth ends it.
    private mutating func insert(_ record: ProcessRecord, begin: Timestamp?) -> Int {
        let host = record.host
        let pid = record.process.pid
        var entry = ProcessEntry(host: host, key: record.process)
        entry.begin = begin
        let others = store.slots(host: host, pid: pid)
        let slot = store.insert(entry)
        let index = ProcessStore.Index(key: record.process, host: host)
        if missingParents.remove(index) != nil { revision += 1 }
        for other in others {
            let isOlder = comesBefore(other, slot)
            let (older, younger) = isOlder ? (other, slot) : (slot, other)
            // Without a birth to go by, the elder is known to have run only as long as something was heard of it.
            let lastSign = store.entries[older].timeline.moments.last?.since ?? record.time
            let birth = store.entries[younger].begin ?? min(lastSign, record.time)
            if (store.entries[older].end ?? .distantFuture) > birth { store.end(older, at: birth) }
        }
        return slot
    }

    private func comesBefore(_ one: Int, _ other: Int) -> Bool {
        let (left, right) = (store.entries[one], store.entries[other])
        if left.key.startTime != 0, right.key.startTime != 0 { return left.key.startTime < right.key.startTime }
        if let first = left.begin, let second = right.begin { return first < second }
        return left.begin == nil
    }
}
