import Correlation
import ProcessMetadata
import Records

/// Who the processes are that other tools' evidence names: by the events of their lives, then by the listing that was
/// taken nearest.
struct ForeignProcesses {
    /// A complete listing: who is not in it did not run.
    private struct Census {
        var machine: UInt16
        var taken: Timestamp
        var pids: Set<UInt32> = []
    }

    private static let censusLimit = 64
    private static let listingLimit = 1 << 16

    private var sightings = ProcessSightings()
    /// The files of the listings, which are numbered over all files here.
    private var files: [String] = []
    private var current: [UInt16: UInt32] = [:]
    private var censuses: [UInt32: Census] = [:]

    /// A listing begins in a file.
    mutating func begin(_ listing: Listing, evidence: UInt16, machine: UInt16, file: String) {
        guard files.count < Self.listingLimit else { return }
        files.append(file)
        let number = UInt32(files.count)
        current[evidence] = number
        if listing.subject == .processes, let taken = listing.taken, censuses.count < Self.censusLimit {
            censuses[number] = Census(machine: machine, taken: taken)
        }
    }

    mutating func add(_ sighting: ProcessSighting, evidence: UInt16, machine: UInt16) {
        var sighting = sighting
        sighting.host = machine
        if sighting.listing != nil, let number = current[evidence] {
            sighting.listing?.number = number
            censuses[number]?.pids.insert(sighting.pid)
        }
        sightings.add(sighting)
    }

    /// What is known of the lives of a process id.
    mutating func lives(machine: UInt16, pid: UInt32) -> [ProcessLife] {
        let known = sightings.processes(pid, at: nil, host: machine)
        let vanishing = vanishing(machine: machine, pid: pid)
        var lives: [ProcessLife] = []
        for answer in known {
            var life = ProcessLife(pid: pid, started: answer.started, ended: answer.ended)
            if life.ended == nil { life.vanished = vanishing }
            if !lives.contains(life) { lives.append(life) }
        }
        return lives
    }

    /// Between which listings a process id went; nil where it came back, or is in the last one.
    private func vanishing(machine: UInt16, pid: UInt32) -> ProcessLife.Vanishing? {
        let taken = censuses.values.filter { $0.machine == machine }.sorted { $0.taken < $1.taken }
        guard let last = taken.lastIndex(where: { $0.pids.contains(pid) }), last + 1 < taken.count else { return nil }
        return ProcessLife.Vanishing(listed: taken[last].taken, missing: taken[last + 1].taken)
    }

    // MARK: Names

    /// Completes a verdict by who had the process ids at that time. A time at which several had one names nobody.
    mutating func name(_ verdict: Verdict, tolerance: Int64) -> Verdict {
        var verdict = verdict
        for index in verdict.candidates.indices {
            let sender = verdict.candidates[index].sender
            guard let answer = answers(sender, tolerance).single else { continue }
            verdict.candidates[index].sender.process.startTime = Self.startTime(answer, 0)
            verdict.candidates[index].reason = reason(verdict.candidates[index].reason, answer)
        }
        guard let sender = verdict.sender else { return verdict }
        let answers = answers(sender, tolerance)
        if let answer = answers.single {
            verdict.sender?.process.startTime = Self.startTime(answer, 0)
            verdict.reason = reason(verdict.reason, answer)
        } else if answers.count > 1 {
            verdict.candidates = answers.enumerated().map { index, answer in
                var candidate = Candidate(sender: sender, reason: reason(verdict.reason, answer))
                candidate.sender.process.startTime = Self.startTime(answer, index + 1)
                return candidate
            }
            verdict.sender = nil
            verdict.confidence = .ambiguous
            verdict.reason = .foreign(.severalLives(pid: sender.process.pid))
        }
        return verdict
    }

    /// What is known of a sender that ``name(_:tolerance:)`` completed.
    mutating func description(of sender: Sender, tolerance: Int64) -> ProcessDescription {
        let answers = answers(sender, tolerance)
        let answer =
            answers.single
            ?? answers.enumerated().first { Self.startTime($1, $0 + 1) == sender.process.startTime }?.element
        var description = ProcessDescription(pid: sender.process.pid, name: answer?.sighting.imageName)
        guard let answer else { return description }
        description.executable = answer.sighting.executable
        description.start = answer.started
        if answer.sighting.services.count == 1 { description.serviceName = answer.sighting.services[0] }
        if let parent = answer.sighting.parent, parent != 0 { description.parents = [ProcessDescription(pid: parent)] }
        return description
    }

    private mutating func answers(_ sender: Sender, _ tolerance: Int64) -> [ProcessSightings.Answer] {
        sightings.processes(sender.process.pid, at: sender.time, tolerance: tolerance, host: sender.host)
    }

    /// Tells the processes of one id apart.
    private static func startTime(_ answer: ProcessSightings.Answer, _ ordinal: Int) -> UInt64 {
        answer.started.map { UInt64(max($0.nanoseconds, 1)) } ?? UInt64(ordinal)
    }

    private func reason(_ reason: Reason, _ answer: ProcessSightings.Answer) -> Reason {
        guard case .foreign(let found) = reason, case .listing(let listing, let distance) = answer.basis else {
            return reason
        }
        let number = Int(listing.number) - 1
        let place = ForeignReason.Place(
            file: files.indices.contains(number) ? files[number] : "a listing", position: answer.sighting.position,
            isText: true)
        return .foreign(.named(found, listing: place, taken: listing.taken, distance: distance))
    }
}

extension [ProcessSightings.Answer] {
    fileprivate var single: ProcessSightings.Answer? { count == 1 ? first : nil }
}
