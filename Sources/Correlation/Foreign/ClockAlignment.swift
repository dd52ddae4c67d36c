public import Records

/// How far an evidence's clock is from the capture's.
public struct ClockOffset: Hashable, Sendable {
    /// The capture's clock less the evidence's, in nanoseconds.
    public var nanoseconds: Int64
    /// The farthest that a match lies from it, in nanoseconds; nil where there is one match, or where it was given.
    public var spread: Int64?
    /// From how many matches it comes; 0 where it was given.
    public var matches: UInt64

    /// It was given, not found.
    public var isGiven: Bool { matches == 0 }

    /// An offset.
    public init(nanoseconds: Int64, spread: Int64?, matches: UInt64) {
        self.nanoseconds = nanoseconds
        self.spread = spread
        self.matches = matches
    }

    /// Clocks differ by time zones, which are multiples of this, and by how badly they are set.
    private static let zoneStep: Int64 = 900_000_000_000

    /// The part that a time zone explains, in nanoseconds: a multiple of 15 minutes.
    public var zone: Int64 {
        let half = nanoseconds < 0 ? -Self.zoneStep / 2 : Self.zoneStep / 2
        return (nanoseconds / Self.zoneStep) * Self.zoneStep
            + ((nanoseconds % Self.zoneStep + half) / Self.zoneStep) * Self.zoneStep
    }

    /// The part that is left: how badly the clocks are set.
    public var residual: Int64 { nanoseconds - zone }

    /// One match is credible between clocks that somebody has set: half a day east to half a day west, and minutes.
    var isPlausible: Bool {
        zone.magnitude <= 26 * 3_600_000_000_000 && residual.magnitude <= 300_000_000_000
    }
}

/// What the matches between a capture and an evidence say of their clocks.
public enum ClockEstimate: Hashable, Sendable {
    /// They agree.
    case aligned(ClockOffset)
    /// There is none.
    case noMatch
    /// They contradict each other: so many were found.
    case contradictory(Int)
}

/// A sample of a capture's packets, by which the clocks of other tools' evidence are compared with the capture's.
///
/// Which packets are in it depends on their identity alone, so that their records are found whatever the clocks say.
/// Memory is bounded: of a longer capture a smaller part is kept.
public struct PacketSample: Sendable {
    /// Sightings of one identity.
    struct Sightings {
        static let limit = 8
        var count = 0
        var times: [Int64] = []
        /// Of the last one, to tell a packet that is seen again elsewhere from an equal one.
        var mark: UInt64 = 0
    }

    /// The same packet at another interface follows within this, in nanoseconds.
    private static let copyWindow: Int64 = 100_000_000

    private let limit: Int
    private var mask: UInt64 = 0
    private(set) var sightings: [UInt64: Sightings] = [:]

    /// An empty sample that holds up to `limit` identities.
    public init(limit: Int = 1 << 15) { self.limit = max(limit, 16) }

    /// Adds a packet: UDP, ICMP, or TCP with a payload.
    public mutating func add(_ packet: IPPacket, at time: Timestamp) {
        guard packet.transport != .other, packet.transport != .tcp || packet.payloadLength > 0,
            let key = TrafficIdentity(packet)?.fingerprint
        else { return }
        add(key, at: time, mark: TrafficIdentity.mix(UInt64(packet.identification) | 1, packet.payloadPrefix.high | 1))
    }

    /// Adds a record of the packet; see ``ClockVotes``.
    mutating func add(_ key: UInt64, at time: Timestamp, mark: UInt64) {
        guard key & mask == 0 else { return }
        var known = sightings[key] ?? Sightings()
        if let last = known.times.last, known.mark == mark, mark != 0,
            time.nanoseconds.subtractingReportingOverflow(last).partialValue.magnitude < UInt64(Self.copyWindow)
        {
            return
        }
        known.count += 1
        known.mark = mark
        if known.times.count < Sightings.limit { known.times.append(time.nanoseconds) }
        sightings[key] = known
        while sightings.count > limit {
            mask = mask << 1 | 1
            sightings = sightings.filter { [mask] entry in entry.key & mask == 0 }
        }
    }

    func contains(_ key: UInt64) -> Bool { sightings[key] != nil }
}

/// What the records of one evidence say of its clock, compared with a sample of the capture's packets.
public struct ClockVotes: Sendable {
    /// How far matches of well set clocks may lie from each other, and a packet from its record, in nanoseconds: clocks
    /// are corrected in steps of some seconds while both run.
    public static let tolerance: Int64 = 5_000_000_000

    private var records = PacketSample(limit: .max)

    /// Nothing compared yet.
    public init() {}

    /// Adds a record; those of packets that are not in the sample are passed over.
    public mutating func add(_ record: TrafficRecord, sample: PacketSample) {
        guard let time = record.time, record.transport != .tcp || record.payloadLength ?? 0 > 0,
            let identity = TrafficIdentity(record), sample.contains(identity.fingerprint)
        else { return }
        records.add(identity.fingerprint, at: time, mark: record.packetID.map { $0 &+ 1 } ?? 0)
    }

    /// What the matches say.
    public func estimate(sample: PacketSample) -> ClockEstimate {
        var unique: [Int64] = []
        var repeated: [Int64] = []
        for (key, seen) in records.sightings {
            guard let packets = sample.sightings[key] else { continue }
            let isUnique = seen.count == 1 && packets.count == 1
            guard packets.count <= PacketSample.Sightings.limit, seen.count <= PacketSample.Sightings.limit else {
                continue
            }
            for packet in packets.times {
                for record in seen.times {
                    let (offset, overflow) = packet.subtractingReportingOverflow(record)
                    guard !overflow else { continue }
                    if isUnique { unique.append(offset) } else { repeated.append(offset) }
                }
            }
        }
        return unique.isEmpty ? Self.byRepetition(repeated) : Self.byUniqueness(unique)
    }

    /// Packets that occur once on both sides: nearly all of them have to agree.
    private static func byUniqueness(_ offsets: [Int64]) -> ClockEstimate {
        let sorted = offsets.sorted()
        let densest = densest(sorted)
        guard densest.count * 3 >= sorted.count * 2 else { return .contradictory(sorted.count) }
        let offset = offset(of: sorted[densest])
        return densest.count > 2 || offset.isPlausible ? .aligned(offset) : .noMatch
    }

    /// Packets that repeat: every pair is a vote, and only one offset may have many.
    private static func byRepetition(_ offsets: [Int64]) -> ClockEstimate {
        guard !offsets.isEmpty else { return .noMatch }
        let sorted = offsets.sorted()
        let best = densest(sorted)
        let below = densest(Array(sorted[..<best.lowerBound]))
        let above = densest(Array(sorted[best.upperBound...]))
        guard best.count >= 3, max(below.count, above.count) * 2 <= best.count else {
            return .contradictory(sorted.count)
        }
        return .aligned(offset(of: sorted[best]))
    }

    /// The span of twice the tolerance with the most offsets in it; the first of several.
    private static func densest(_ sorted: [Int64]) -> Range<Int> {
        var best = 0..<0
        var low = 0
        for high in sorted.indices {
            while sorted[high].subtractingReportingOverflow(sorted[low]).partialValue > 2 * tolerance { low += 1 }
            if high + 1 - low > best.count { best = low..<high + 1 }
        }
        return best
    }

    private static func offset(of sorted: ArraySlice<Int64>) -> ClockOffset {
        guard let first = sorted.first, let last = sorted.last else {
            return ClockOffset(nanoseconds: 0, spread: nil, matches: 0)
        }
        let median = sorted[sorted.startIndex + (sorted.count - 1) / 2]
        return ClockOffset(
            nanoseconds: median, spread: sorted.count == 1 ? nil : max(median - first, last - median),
            matches: UInt64(sorted.count))
    }
}
