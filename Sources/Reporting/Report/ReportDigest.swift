internal import Correlation
public import Records
public import TextEscaping

/// Collects what a report says, in bounded memory: groups of packets, each with bounded lists.
///
/// It is a format of the commands, which appends nothing to their output; lines of an earlier run's NDJSON can be added
/// instead.
public final class ReportDigest: ReportFormat {
    /// The most groups that are told apart; packets beyond them are joined by verdict and confidence, so that every count
    /// is whole and what is unknown stays in sight.
    public static let groupLimit = 10_000
    /// The most destinations that are kept by name, in a group and over all groups.
    static let destinationLimits = (group: 64, report: 65_536)
    /// The most destinations that are told apart by fingerprint, over all groups.
    private static let distinctLimit = 262_144
    /// The most reasons that a group keeps; one that joins others has more of them.
    private static let reasonLimits = (group: 8, overflow: 64)
    /// The most frames that a group names.
    private static let frameLimit = 3

    private var groups: [Group] = []
    private var indices: [GroupIdentity: Int] = [:]
    private var overflowIndices: [OverflowIdentity: Int] = [:]
    private var last: (identity: GroupIdentity, index: Int)?
    private var timeline = Timeline()
    private var leftOut = IncidentReport.LeftOut()
    private var keptDestinations = 0
    private var distinct = FingerprintSet()
    private var figures = ReportFigures()
    private let groupLimit: Int
    private let withoutArguments: Bool

    private struct OverflowIdentity: Hashable {
        var kind: Verdict.Kind
        var confidence: Verdict.Confidence
    }

    private struct Group {
        var row: SenderGroup
        var destinations: [String: UInt64] = [:]
        var reasons: [String: Int] = [:]
        /// Packets by place on the timeline's grid.
        var places: [Int64: UInt64] = [:]
    }

    /// Nothing yet.
    ///
    /// - Parameter withoutArguments: leave command lines, which may hold secrets, out.
    public init(groupLimit: Int = ReportDigest.groupLimit, withoutArguments: Bool = false) {
        self.groupLimit = groupLimit
        self.withoutArguments = withoutArguments
        leftOut.groupLimit = groupLimit
    }

    // MARK: As a format

    /// Nothing.
    public func begin(into output: inout [UInt8]) {}

    /// Takes in one packet.
    public func count(_ reported: ReportedPacket) {
        guard reported.packet.ip.isReported else { return }
        add(packet: JudgedPacket(reported))
    }

    /// Nothing: packets are counted.
    public func packet(_ reported: ReportedPacket, into output: inout [UInt8]) {}

    /// Takes in the run's counts.
    public func summary(_ summary: RunSummary, into output: inout [UInt8]) { figures.add(ReportFigures(summary)) }

    // MARK: From NDJSON

    /// What a line of NDJSON was.
    public enum LineKind: Equatable, Sendable {
        /// A packet's.
        case packet
        /// The last one, and how many packets were judged by its count.
        case summary(packets: UInt64)
        /// None of the tool's; nothing was taken from it.
        case foreign
    }

    /// Takes in a line of NDJSON.
    public func add(_ line: JSONValue) -> LineKind {
        if let packet = JudgedPacket(line: line) {
            add(packet: packet)
            return .packet
        }
        guard let figures = ReportFigures(line: line) else { return .foreign }
        self.figures.add(figures)
        return .summary(packets: figures.packets)
    }

    /// Notes that results hold packets that no summary counts, as a run leaves them that was cut short.
    ///
    /// - Parameter packets: how many.
    public func noteMissingSummary(of input: String, packets: UInt64) {
        var missing = ReportFigures()
        missing.packets = packets
        missing.inputsWithoutSummary = [input]
        figures.add(missing)
    }

    /// Notes damage of an input.
    public func note(_ damage: Damage) { figures.note(damage) }

    // MARK: The result

    /// The report.
    public func report(on question: IncidentReport.Question) -> IncidentReport {
        IncidentReport(
            question: question, groups: groups.map(finished).sorted(by: SenderGroup.comesFirst), leftOut: leftOut,
            timeline: timeline, figures: figures)
    }

    private func finished(_ group: Group) -> SenderGroup {
        var row = group.row
        row.destinations = group.destinations.map { CountedText(text: $0.key, packets: $0.value) }
            .sorted { ($1.packets, $0.text) < ($0.packets, $1.text) }
        for (place, count) in group.places { row.steps[timeline.index(of: place)] = count }
        // Where there is one machine, packets do not repeat its name.
        if row.host == nil, row.kind == .process, !row.isOverflow, figures.coverage.count == 1 {
            row.host = figures.coverage[0].host
        }
        return row
    }

    // MARK: Collecting

    private func add(packet: JudgedPacket) {
        var packet = packet
        if withoutArguments { packet.removeArguments() }
        let index = index(of: packet)
        let (place, doublings) = timeline.take(packet.time)
        if doublings > 0 { makeCoarser(by: doublings) }
        groups[index].places[place, default: 0] += 1
        groups[index].row.take(packet, frameLimit: Self.frameLimit)
        countReason(packet.reason, in: index)
        if let destination = packet.destination { countDestination(destination, in: index) }
    }

    private func index(of packet: JudgedPacket) -> Int {
        if let last, last.identity == packet.identity { return last.index }
        if let known = indices[packet.identity] {
            last = (packet.identity, known)
            return known
        }
        guard indices.count < groupLimit else { return overflowIndex(of: packet) }
        groups.append(Group(row: SenderGroup(packet)))
        indices[packet.identity] = groups.count - 1
        last = (packet.identity, groups.count - 1)
        return groups.count - 1
    }

    private func overflowIndex(of packet: JudgedPacket) -> Int {
        leftOut.packets += 1
        let identity = OverflowIdentity(kind: packet.identity.kind, confidence: packet.identity.confidence)
        if let known = overflowIndices[identity] { return known }
        groups.append(Group(row: SenderGroup(overflowOf: packet)))
        overflowIndices[identity] = groups.count - 1
        return groups.count - 1
    }

    private func makeCoarser(by doublings: Int) {
        for index in groups.indices {
            var places: [Int64: UInt64] = [:]
            for (place, count) in groups[index].places {
                places[Timeline.coarser(place, by: doublings), default: 0] += count
            }
            groups[index].places = places
        }
    }

    private func countReason(_ reason: String, in index: Int) {
        let form = ReasonForm.of(reason)
        if let known = groups[index].reasons[form] {
            groups[index].row.reasons[known].packets += 1
            return
        }
        let limits = Self.reasonLimits
        if groups[index].row.reasons.count < (groups[index].row.isOverflow ? limits.overflow : limits.group) {
            groups[index].reasons[form] = groups[index].row.reasons.count
            groups[index].row.reasons.append(CountedText(text: reason, packets: 1))
        }
    }

    private func countDestination(_ destination: String, in index: Int) {
        if let count = groups[index].destinations[destination] {
            groups[index].destinations[destination] = count + 1
            return
        }
        let limits = Self.destinationLimits
        if groups[index].destinations.count < limits.group, keptDestinations < limits.report {
            groups[index].destinations[destination] = 1
            groups[index].row.destinationCount += 1
            keptDestinations += 1
            return
        }
        leftOut.destinationPackets += 1
        let fingerprint = Self.fingerprint(destination, index)
        if distinct.count >= Self.distinctLimit {
            if !distinct.contains(fingerprint) {
                groups[index].row.hasMoreDestinations = true
                leftOut.destinationsNotCounted = true
            }
        } else if distinct.insert(fingerprint) {
            groups[index].row.destinationCount += 1
        }
    }

    /// FNV-1a, mixed at the end; never 0.
    private static func fingerprint(_ destination: String, _ group: Int) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: group) &* 0x9E37_79B9_7F4A_7C15
        for byte in destination.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        hash ^= hash >> 32
        return hash == 0 ? 1 : hash
    }
}

extension SenderGroup {
    /// A group without a packet yet.
    init(_ packet: JudgedPacket) {
        let identity = packet.identity
        self.init(kind: identity.kind, confidence: identity.confidence, first: packet.time, last: packet.time)
        process = identity.process
        host = identity.host
        candidates = identity.candidates
        origin = identity.origin
        onBehalfOf = identity.onBehalfOf
        tunnelOwner = identity.tunnelOwner
        tag = identity.tag
        tagConfidence = identity.tagConfidence
        tagReasons = packet.tagReasons
    }

    /// A group without a packet yet, for those that are joined with this one.
    init(overflowOf packet: JudgedPacket) {
        self.init(
            kind: packet.identity.kind, confidence: packet.identity.confidence, isOverflow: true, first: packet.time,
            last: packet.time)
    }

    /// The most hashes that a group keeps.
    private static let hashLimit = 4

    mutating func take(_ packet: JudgedPacket, frameLimit: Int) {
        packets += 1
        bytes &+= UInt64(packet.bytes)
        first = min(first, packet.time)
        last = max(last, packet.time)
        methods[packet.method, default: 0] += 1
        protocols[packet.protocolName, default: 0] += 1
        payload.add(packet.payloadPrefix, length: packet.payloadLength)
        if frames.count < frameLimit { frames.append(packet.place) }
        // What is of one process says nothing of several.
        if isOverflow { return }
        if let hash = packet.hash, !hashes.contains(hash), hashes.count < Self.hashLimit { hashes.append(hash) }
        if packet.parents.count > process?.parents.count ?? 0 { process?.parents = packet.parents }
    }

    /// Named senders before everything else, what is told apart before what is joined, what is tagged before what is not, then the largest; the rest only makes
    /// the order a whole one.
    static func comesFirst(_ left: SenderGroup, _ right: SenderGroup) -> Bool {
        if left.rank != right.rank { return left.rank < right.rank }
        if left.isOverflow != right.isOverflow { return right.isOverflow }
        if (left.tag == nil) != (right.tag == nil) { return left.tag != nil }
        if left.packets != right.packets { return left.packets > right.packets }
        if left.confidence != right.confidence { return left.confidence > right.confidence }
        if left.first != right.first { return left.first < right.first }
        return left.orderText < right.orderText
    }

    private var rank: Int {
        kind == .process && confidence <= .ambiguous ? 1 : kind == .process ? 0 : 2 + Int(kind.rawValue)
    }

    private var orderText: String {
        let place = frames.first.map { "\($0.capture) \($0.frame)" } ?? ""
        return "\(process?.pid ?? 0) \(process?.name ?? "") \(tag ?? "") \(place)"
    }
}
