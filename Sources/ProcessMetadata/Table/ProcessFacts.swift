internal import Records

/// What the moments of one image say together, at one time.
struct ProcessFacts {
    var name: TaskName = .empty
    var executable: String?
    var arguments: [String]?
    var argumentsCut = false
    var observation: ImageObservation?
    /// The file that exec put there, by the kernel's record.
    var file: ImageFile?
    var user: UInt32?
    var group: UInt32?
    var cgroup: UInt64 = 0
    var cgroupPath: String?
    var sharesAccounts: Bool?
    var finished: ProcessDescription?
    /// The one stored image that all of it came from.
    var soleImage: Int?
    /// The answer holds from this moment...
    var from = Timestamp.distantPast
    /// ...up to, not including, this one.
    var until = Timestamp.distantFuture
}

extension ProcessTable {
    /// A chain of forks without exec longer than this stays without an image where the records came out of order.
    private static let inheritanceDepth = 16

    /// What is known of a process's image `version` (0: whatever ran) at a moment.
    mutating func facts(slot: Int, version: UInt32, at time: Timestamp, depth: Int) -> ProcessFacts {
        resolveInheritance(slot: slot, depth: depth)
        var facts = ProcessFacts()
        let entry = store.entries[slot]
        let moments = entry.timeline.moments
        if let index = moments.lastIndex(where: { $0.since <= time }) { facts.from = moments[index].since }
        if let index = moments.firstIndex(where: { $0.since > time }) { facts.until = moments[index].since }
        // A loss between two moments changes the answer at its ends, and so does a look at the image after it.
        let edges = (gaps[entry.host] ?? []).flatMap { [$0.lowerBound, $0.upperBound.advanced(by: 1)] }
        for edge in edges + moments.compactMap(endOfLook) {
            if edge <= time { facts.from = max(facts.from, edge) } else { facts.until = min(facts.until, edge) }
        }
        let span = entry.timeline.span(version: version, at: time) { isGap(entry.host, $0, $1) }
        guard let span else { return facts }
        collectImage(moments[span], at: time, into: &facts)
        collectIdentity(moments[span], at: time, into: &facts)
        facts.name = name(
            moments[span], at: time, sinceTrim: span.lowerBound == 0 && entry.timeline.isTrimmed, facts: &facts)
        return facts
    }

    /// When a look at the image no longer says how it was, but the next one does.
    private func endOfLook(_ moment: ProcessMoment) -> Timestamp? {
        guard let image = moment.image, store.images[image].observation != nil else { return nil }
        return (moment.seenAgain ?? moment.since).advanced(by: 1)
    }

    private func collectImage(_ moments: ArraySlice<ProcessMoment>, at time: Timestamp, into facts: inout ProcessFacts)
    {
        var executableFrom: Int?
        var argumentsFrom: Int?
        // What was seen of the process itself comes before what it inherited.
        for moment in moments.filter({ $0.event != .fork }) + moments.filter({ $0.event == .fork }) {
            guard let index = moment.image else { continue }
            let image = store.images[index]
            // Exec tells the path as it was given, which may be relative; procfs tells where the file is.
            if let path = image.executable, facts.executable?.hasPrefix("/") != true {
                if facts.executable == nil || path.hasPrefix("/") {
                    facts.executable = path
                    executableFrom = index
                }
            }
            if let arguments = image.arguments, facts.arguments == nil || (facts.argumentsCut && !image.argumentsCut) {
                facts.arguments = arguments
                facts.argumentsCut = image.argumentsCut
                argumentsFrom = index
            }
            if let finished = image.finished, facts.finished == nil || moment.since <= time {
                facts.finished = finished
            }
        }
        facts.file = file(moments)
        let observed = observation(moments, at: time)
        facts.observation = observed?.observation
        let sources = Set([executableFrom, argumentsFrom, observed?.image].compactMap { $0 })
        facts.soleImage = sources.first {
            let image = store.images[$0]
            return image.executable == facts.executable && image.arguments == facts.arguments
                && image.argumentsCut == facts.argumentsCut && image.observation == facts.observation
                && image.file == facts.file
        }
    }

    /// What exec put there, or what a fork copied of that. Only where neither is known the list of tasks counts: the
    /// process may have changed what that says.
    private func file(_ moments: ArraySlice<ProcessMoment>) -> ImageFile? {
        let events: [ProcessRecord.Event] = [.exec, .fork, .rename, .snapshot]
        for event in events {
            for moment in moments where moment.event == event {
                if let file = moment.image.flatMap({ store.images[$0].file }) { return file }
            }
        }
        return nil
    }

    /// How the image compared with its file: the first look from then on, which the packet itself brought about, or
    /// else the last one before. What runs stays the same all the while, and so does its hash.
    private func observation(_ moments: ArraySlice<ProcessMoment>, at time: Timestamp)
        -> (observation: ImageObservation, image: Int)?
    {
        let looks = moments.compactMap { moment in
            moment.image.flatMap { index in
                store.images[index].observation.map {
                    (last: moment.seenAgain ?? moment.since, observation: $0, image: index)
                }
            }
        }
        guard let look = looks.first(where: { $0.last >= time }) ?? looks.last else { return nil }
        var observation = look.observation
        observation.sha256 = observation.sha256 ?? looks.lazy.compactMap(\.observation.sha256).first
        return (observation, look.image)
    }

    private func collectIdentity(
        _ moments: ArraySlice<ProcessMoment>, at time: Timestamp, into facts: inout ProcessFacts
    ) {
        for moment in moments {
            if let user = moment.user, facts.user == nil || moment.since <= time {
                facts.user = user
                facts.group = moment.group
            }
            if moment.cgroup != 0, facts.cgroup == 0 || moment.since <= time { facts.cgroup = moment.cgroup }
            if let path = moment.cgroupPath, facts.cgroupPath == nil || moment.since <= time { facts.cgroupPath = path }
            // A doubt that came later counts for before: a wrong name is worse than none.
            if let shares = moment.sharesAccounts, facts.sharesAccounts != false { facts.sharesAccounts = shares }
        }
    }

    /// The task name at a moment. What a rename set does not hold before it; what exec or an observer saw holds for
    /// the image until something else is told.
    private func name(
        _ moments: ArraySlice<ProcessMoment>, at time: Timestamp, sinceTrim: Bool, facts: inout ProcessFacts
    ) -> TaskName {
        if let moment = moments.last(where: { $0.since <= time && isAboutName($0) }) {
            guard moment.namelessUntil == nil else { return .empty }
            if hasFinished(moment), let finished = moment.image.flatMap({ store.images[$0].finished?.name }) {
                facts.finished?.name = finished
            } else if moment.event == .rename {
                facts.finished?.name = text(of: moment.name)
            }
            return moment.name
        }
        guard !sinceTrim, let first = moments.first(where: { $0.name != .empty || $0.namelessUntil != nil }),
            first.event != .rename
        else {
            return .empty
        }
        return first.name
    }

    private func isAboutName(_ moment: ProcessMoment) -> Bool {
        moment.name != .empty || moment.namelessUntil != nil || hasFinished(moment)
    }

    private func hasFinished(_ moment: ProcessMoment) -> Bool {
        moment.image.map { store.images[$0].finished != nil } ?? false
    }

    /// Looks once more for what a forked process was copied from, where that was not known at the fork.
    private mutating func resolveInheritance(slot: Int, depth: Int) {
        guard store.entries[slot].awaitsInheritance, depth < Self.inheritanceDepth,
            let origin = store.entries[slot].origin ?? store.entries[slot].parent,
            let index = store.entries[slot].timeline.moments.firstIndex(where: { $0.event == .fork })
        else { return }
        let fork = store.entries[slot].timeline.moments[index]
        guard let copied = find(host: store.entries[slot].host, process: origin, at: fork.since), copied != slot
        else { return }
        resolveInheritance(slot: copied, depth: depth + 1)
        guard let image = shareImage(of: copied, version: fork.version, at: fork.since) else { return }
        store.entries[slot].timeline.setImage(image, at: index)
        store.entries[slot].awaitsInheritance = false
    }
}
