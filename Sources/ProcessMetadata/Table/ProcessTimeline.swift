internal import Records

/// What is known of a process from one moment on.
struct ProcessMoment: Sendable {
    var since: Timestamp
    /// The kernel's `self_exec_id`, 0 where the source has none (procfs, foreign evidence).
    var version: UInt32
    var name: TaskName
    /// What made it known.
    var event: ProcessRecord.Event
    /// Into the table's ``ImageStore``.
    var image: Int?
    var user: UInt32?
    var group: UInt32?
    var cgroup: UInt64
    var cgroupPath: String?
    var sharesAccounts: Bool?
    /// When it was last seen to be so, where somebody looked again.
    var seenAgain: Timestamp?
    /// Stands for names that were let go: until then, not including, nothing is known of the name.
    var namelessUntil: Timestamp?

    /// A new image begins here.
    var isExec: Bool { event == .exec }
    /// Somebody looked at the process, rather than the kernel telling of an event.
    var isObservation: Bool { event == .snapshot }
}

/// The moments of one process in the order of time.
struct ProcessTimeline: Sendable {
    var moments: [ProcessMoment] = []
    /// The oldest moments had to go.
    var isTrimmed = false

    /// What an insertion did.
    struct Outcome {
        /// The moment is not the latest: what was concluded from the order before may be wrong now.
        var rewritesPast = false
        /// Images that nothing here refers to any more.
        var released: [Int] = []
        /// Until when each name held that had to be let go.
        var forgotten: [Timestamp] = []
    }

    mutating func insert(_ moment: ProcessMoment) -> Outcome {
        var outcome = Outcome()
        var index = moments.count
        while index > 0, moments[index - 1].since > moment.since { index -= 1 }
        if let twin = twin(of: moment, before: index) {
            outcome.rewritesPast = merge(moment, into: twin, released: &outcome.released)
            return outcome
        }
        outcome.rewritesPast = index < moments.count
        moments.insert(moment, at: index)
        // Names that came after it are gone: how long its own held is not known.
        if index > 0, let until = moments[index - 1].namelessUntil, moment.since < until, !moment.isExec {
            moments[index].name = .empty
            moments[index].namelessUntil = until
        }
        trim(&outcome)
        return outcome
    }

    /// Drops what was observed after the process's end: it was another process's.
    mutating func dropObservations(after end: Timestamp) -> [Int] {
        let released = moments.filter { $0.isObservation && $0.since > end }.compactMap(\.image)
        moments.removeAll { $0.isObservation && $0.since > end }
        return released
    }

    /// The moments that belong to one image: version `version` (0: whatever ran) as it ran at `time`.
    ///
    /// `isGap` tells whether process records were lost between two moments, so that an exec between them may be
    /// unknown. Nil where nothing is known for certain about that image.
    func span(version: UInt32, at time: Timestamp, isGap: (Timestamp, Timestamp) -> Bool) -> Range<Int>? {
        guard let base = base(version: version, at: time, isGap: isGap) else { return nil }
        var first = base
        var last = base
        var known = moments[base].version
        while last + 1 < moments.count, !moments[last + 1].isExec || continues(last + 1, known),
            accepts(moments[last + 1].version, &known), !isGap(moments[last].since, moments[last + 1].since)
        {
            last += 1
        }
        while first > 0, !moments[first].isExec || continues(first - 1, known),
            accepts(moments[first - 1].version, &known), !isGap(moments[first - 1].since, moments[first].since)
        {
            first -= 1
        }
        return first..<(last + 1)
    }

    private func continues(_ index: Int, _ known: UInt32) -> Bool { known != 0 && moments[index].version == known }

    private func accepts(_ version: UInt32, _ known: inout UInt32) -> Bool {
        if version == 0 || version == known { return true }
        guard known == 0 else { return false }
        known = version
        return true
    }

    private func base(version: UInt32, at time: Timestamp, isGap: (Timestamp, Timestamp) -> Bool) -> Int? {
        if version != 0 {
            if let index = moments.lastIndex(where: { $0.version == version && $0.since <= time })
                ?? moments.firstIndex(where: { $0.version == version })
            {
                return index
            }
            return unversioned(at: time, isGap: isGap)
        }
        guard let index = moments.lastIndex(where: { $0.since <= time }) else { return beforeFirst(time, isGap) }
        return isGap(moments[index].since, time) ? nil : index
    }

    /// What was observed without a version stands for a version only while no exec can lie between: no other
    /// version is known before it, none between it and the moment asked for, and no record was lost there.
    private func unversioned(at time: Timestamp, isGap: (Timestamp, Timestamp) -> Bool) -> Int? {
        guard let index = moments.lastIndex(where: { $0.since <= time }) else { return beforeFirst(time, isGap) }
        guard moments[...index].allSatisfy({ $0.version == 0 }), !isGap(moments[index].since, time) else { return nil }
        return index
    }

    private func beforeFirst(_ time: Timestamp, _ isGap: (Timestamp, Timestamp) -> Bool) -> Int? {
        guard !isTrimmed, let first = moments.first, !first.isExec, first.isObservation || first.version == 0,
            !isGap(time, first.since)
        else { return nil }
        return 0
    }

    /// The same event told twice.
    private func twin(of moment: ProcessMoment, before index: Int) -> Int? {
        var candidate = index - 1
        while candidate >= 0, moments[candidate].since == moment.since {
            let other = moments[candidate]
            if other.version == moment.version, other.event == moment.event,
                other.name == moment.name || other.name == .empty || moment.name == .empty
            {
                return candidate
            }
            candidate -= 1
        }
        return nil
    }

    /// Fills what was missing; returns whether anything was. Of an observation the later telling knows more: the hash
    /// comes after the look, and evidence repeats a description that grew.
    private mutating func merge(_ moment: ProcessMoment, into index: Int, released: inout [Int]) -> Bool {
        var changed = false
        if moments[index].name == .empty, moment.name != .empty {
            moments[index].name = moment.name
            changed = true
        }
        if let image = moment.image {
            if moments[index].image == nil {
                moments[index].image = image
                changed = true
            } else if moment.isObservation, let known = moments[index].image {
                moments[index].image = image
                released.append(known)
            } else {
                released.append(image)
            }
        }
        if moments[index].user == nil, moment.user != nil {
            moments[index].user = moment.user
            moments[index].group = moment.group
            changed = true
        }
        if moments[index].cgroupPath == nil, moment.cgroupPath != nil {
            moments[index].cgroupPath = moment.cgroupPath
            changed = true
        }
        return changed
    }

    /// Notes that another look showed what the latest moment is about.
    mutating func seeAgain(at time: Timestamp) { moments[moments.count - 1].seenAgain = time }

    /// Takes the image of a moment that had none yet.
    mutating func setImage(_ image: Int, at index: Int) { moments[index].image = image }
}
