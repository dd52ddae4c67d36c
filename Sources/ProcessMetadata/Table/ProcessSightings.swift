public import Records

/// Who had a process id when, by what evidence of other tools says: the events of process lives first, and where they say
/// nothing, the listing that was taken nearest.
///
/// A process id that is used again is two processes: what was seen of one on the other side of a start or an end is
/// never said of the other. Sightings may come in any order. What is kept is bounded; beyond the bound new ids are not
/// remembered, so that an answer is missing, never wrong.
public struct ProcessSightings: Sendable {
    /// How an answer is known.
    public enum Basis: Hashable, Sendable {
        /// By the events of the process's life, or a packet's record of that very time.
        case events
        /// By a listing, taken this many nanoseconds from the time that was asked for; nil where it is not known when it
        /// was taken, or when the packet was sent.
        case listing(Listing, distance: Int64?)
    }

    /// A process that may have had the id.
    public struct Answer: Hashable, Sendable {
        /// What was seen of it: the sighting that names it.
        public var sighting: ProcessSighting
        /// How it is known.
        public var basis: Basis
        /// When it started, where that was seen.
        public var started: Timestamp?
        /// When it ended, where that was seen.
        public var ended: Timestamp?
    }

    private struct Key: Hashable {
        var host: UInt16
        var pid: UInt32
    }

    /// How many sightings are kept, and how many of one process id.
    private let limit: Int
    private static let limitPerID = 4096
    private var sightings: [Key: [ProcessSighting]] = [:]
    /// Ids whose sightings are not all in the order of time.
    private var unsorted: Set<Key> = []
    private var count = 0

    /// Sightings that were not kept, for want of room.
    public private(set) var droppedCount: UInt64 = 0

    /// Nothing seen yet; `limit` sightings are kept.
    public init(limit: Int = 200_000) { self.limit = limit }

    /// Adds what was seen.
    public mutating func add(_ sighting: ProcessSighting) {
        let key = Key(host: sighting.host, pid: sighting.pid)
        var known = sightings[key] ?? []
        guard count < limit, known.count < Self.limitPerID else {
            droppedCount += 1
            // What was left out may have been an end or a start: nothing is certain of this id any more.
            if sighting.occasion == .started || sighting.occasion == .ended, !known.isEmpty {
                count -= known.count
                sightings[key] = []
            }
            return
        }
        known.append(sighting)
        count += 1
        sightings[key] = known
        unsorted.insert(key)
    }

    /// The processes that may have had an id at a time: one, or several where a clock that is too coarse cannot tell
    /// them apart; none where nothing is known.
    ///
    /// - Parameters:
    ///   - time: on the clock of the sightings; nil where it is not known.
    ///   - tolerance: how far times may be off, in nanoseconds, at least 0: the clock's resolution.
    public mutating func processes(
        _ pid: UInt32, at time: Timestamp?, tolerance: Int64 = 0, host: UInt16
    ) -> [Answer] {
        let key = Key(host: host, pid: pid)
        sort(key)
        guard let known = sightings[key] else { return [] }
        let lives = Self.lives(known)
        let byEvents = lives.filter { $0.namer?.imageName != nil && $0.includes(time, tolerance) }
        // Before the first event that was seen, or where only nameless events are, listings may still know it.
        if !byEvents.isEmpty {
            return byEvents.compactMap { life in
                life.namer.map { Answer(sighting: $0, basis: .events, started: life.started, ended: life.ended) }
            }
        }
        return Self.listed(known, lives, at: time, tolerance)
    }

    private mutating func sort(_ key: Key) {
        guard unsorted.remove(key) != nil, let known = sightings[key] else { return }
        // A start after the end of the same moment: the old process ended before the id was given again.
        sightings[key] = known.enumerated().sorted { left, right in
            let times = (left.element.time ?? .distantPast, right.element.time ?? .distantPast)
            return times.0 == times.1 ? left.offset < right.offset : times.0 < times.1
        }.map(\.element)
    }
}

/// A span in which an id belonged to one process.
private struct Life {
    var started: Timestamp?
    var ended: Timestamp?
    /// The first event that names the process.
    var namer: ProcessSighting?
    /// Listings that lie in it.
    var listed: [ProcessSighting] = []

    func includes(_ time: Timestamp?, _ tolerance: Int64) -> Bool {
        // Without a time every life may be meant.
        guard let time else { return true }
        if let started, started > time.advanced(by: tolerance) { return false }
        if let ended, ended < time.advanced(by: -tolerance) { return false }
        return true
    }
}

extension ProcessSightings {
    /// The lives of an id, from sightings in the order of time.
    private static func lives(_ known: [ProcessSighting]) -> [Life] {
        var lives: [Life] = []
        var current = Life()
        var isEmpty = true
        func close() {
            if !isEmpty { lives.append(current) }
            current = Life()
            isEmpty = true
        }
        for sighting in known {
            switch sighting.occasion {
            case .started:
                close()
                current.started = sighting.time
                current.namer = sighting
                isEmpty = false
            case .ended:
                current.ended = sighting.time
                if current.namer?.imageName == nil { current.namer = sighting }
                isEmpty = false
                close()
            case .atBegin, .atEnd, .named:
                // Another name without an end before it: an event is missing, and where it belongs is not known.
                if let name = current.namer?.imageName, let other = sighting.imageName, name != other {
                    close()
                }
                if current.namer?.imageName == nil { current.namer = sighting }
                isEmpty = false
            case .listed:
                guard sighting.time != nil else { continue }
                current.listed.append(sighting)
                isEmpty = false
            }
        }
        close()
        return lives
    }

    /// By listings: the nearest one that lies in a life which includes the time, or one without a time where the id had
    /// one life only.
    private static func listed(
        _ known: [ProcessSighting], _ lives: [Life], at time: Timestamp?, _ tolerance: Int64
    ) -> [Answer] {
        let possible = lives.filter { $0.includes(time, tolerance) }
        let dated = possible.flatMap { life in life.listed.map { (sighting: $0, life: life) } }
            .filter { $0.sighting.imageName != nil }
        if let time {
            let nearest = dated.min { distance($0.sighting, time) < distance($1.sighting, time) }
            if let nearest, let listing = nearest.sighting.listing {
                return [
                    Answer(
                        sighting: nearest.sighting,
                        basis: .listing(listing, distance: distance(nearest.sighting, time)),
                        started: nearest.life.started, ended: nearest.life.ended)
                ]
            }
        } else if !dated.isEmpty {
            return unique(dated.map(\.sighting))
        }
        guard lives.allSatisfy({ $0.started == nil && $0.ended == nil }) else { return [] }
        return unique(known.filter { $0.occasion == .listed && $0.time == nil && $0.imageName != nil })
    }

    /// One answer a name.
    private static func unique(_ sightings: [ProcessSighting]) -> [Answer] {
        var answers: [Answer] = []
        for sighting in sightings {
            guard let listing = sighting.listing,
                !answers.contains(where: { $0.sighting.imageName == sighting.imageName })
            else { continue }
            answers.append(Answer(sighting: sighting, basis: .listing(listing, distance: nil)))
        }
        return answers
    }

    private static func distance(_ sighting: ProcessSighting, _ time: Timestamp) -> Int64 {
        guard let taken = sighting.time else { return .max }
        return taken < time ? time.since(taken) : taken.since(time)
    }
}
