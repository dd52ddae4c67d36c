public import Classification
public import Correlation
public import PacketDecoding
public import Records

/// Packets by sender, verdict and tag, in bounded memory.
///
/// A destination is an address with its port, for ICMP the address alone. Later fragments, which have no port, are
/// counted as packets but not as destinations.
public struct SummaryTable: Sendable {
    /// The most groups; packets beyond them are counted together.
    public let groupLimit: Int
    /// The most destinations that are told apart, over all groups; beyond it a group's figure is a lower bound.
    public let destinationLimit: Int

    /// The most reasons for not knowing that have a row of their own.
    private static let reasonLimit = 16

    private var indices: [Key: Int] = [:]
    private var groups: [Row] = []
    /// What changes with every packet of a group, by its place in ``groups``: small, and beside its neighbours.
    private var tallies: [Tally] = []
    private var overflow: Int?
    private var reasons = 0
    private var tags: [(name: String, confidence: Tag.Confidence)] = []
    private var details: [Detail: Int32] = [:]
    private var lastDetail: (detail: Detail, position: Int32)?
    private var destinations = FingerprintSet()
    /// The groups of packets of which no evidence speaks, by their tag's position + 1; -1 for none yet.
    private var unattributed: [Int] = []
    /// The latest senders of groups whose process's executable is not known, by their group.
    private var unnamed: [Int: Sender] = [:]
    /// The groups of keys that were asked for lately, by a few bits of theirs.
    private var recent = [(key: Key, index: Int)?](repeating: nil, count: 256)

    /// A row of the table.
    public struct Row: Sendable {
        /// The sender; nil for other verdicts and for ambiguous ones.
        public internal(set) var process: ProcessDescription?
        /// `from eth1`, for forwarded packets.
        public internal(set) var origin: String?
        /// The candidates of an ambiguous verdict, or the reason for not knowing.
        public internal(set) var remark: String?
        /// The machine the sender ran on, where there are several.
        public internal(set) var host: String?
        /// The verdict's kind; nil for the row of groups beyond the limit.
        public internal(set) var kind: Verdict.Kind?
        /// The verdict's confidence.
        public internal(set) var confidence: Verdict.Confidence
        /// The tag's name and confidence.
        public internal(set) var tag: (name: String, confidence: Tag.Confidence)?
        /// Packets.
        public internal(set) var packets: UInt64 = 0
        /// Distinct destinations, or as many as were told apart.
        public internal(set) var destinations: UInt64 = 0
        /// There may be more destinations.
        public internal(set) var hasMoreDestinations = false
        /// The earliest packet's time.
        public internal(set) var first: Timestamp
        /// The latest packet's time.
        public internal(set) var last: Timestamp
    }

    /// Small and without references: one is made for every packet.
    private struct Key: Hashable {
        var sender = ProcessKey(pid: 0, startTime: 0)
        var imageVersion: UInt32 = 0
        /// Of a sender's machine, of a tag, and of what else tells groups apart: positions in lists.
        var host: UInt16 = 0
        var tag: Int32 = -1
        var detail: Int32 = -1
        var kind: Verdict.Kind
        var confidence: Verdict.Confidence

        mutating func set(_ sender: Sender) {
            self.sender = sender.process
            imageVersion = sender.imageVersion
            host = sender.host
        }

        /// Where it is looked for first.
        var place: Int {
            let mixed =
                (UInt64(sender.pid) ^ sender.startTime &* 31 ^ UInt64(truncatingIfNeeded: Int(tag &* 8 &+ detail)))
            return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) >> 56) ^ Int(kind.rawValue)
        }
    }

    /// What tells groups of one verdict apart where it is not the process.
    private enum Detail: Hashable {
        case candidates([ProcessKey])
        case ingress(String)
        case reason(Reason)
    }

    private struct Tally {
        var packets: UInt64 = 0
        var first: Timestamp
        var last: Timestamp
        /// The fingerprint of the latest packet's destination.
        var lastDestination: UInt64 = 0
        /// A process whose executable is not known yet.
        var needsProcess: Bool
    }

    /// Where a packet goes, as the table tells destinations apart.
    public struct Destination: Sendable {
        let address: IPAddress
        let port: UInt16?

        /// The destination of a UDP or ICMP packet.
        public init(_ glance: PacketGlance) {
            address = glance.destination
            port = glance.transport == .udp ? glance.destinationPort : nil
        }

        /// A packet's destination; nil for fragments without a port.
        @inline(__always)
        public init?(_ packet: IPPacket) {
            port = packet.knownDestinationPort
            guard packet.fragmentOffset == 0, packet.transport != .udp || port != nil else { return nil }
            address = packet.destination
        }
    }

    /// An empty table.
    public init(groupLimit: Int = 4096, destinationLimit: Int = 262_144) {
        self.groupLimit = max(groupLimit, 1)
        self.destinationLimit = max(destinationLimit, 0)
    }

    /// Counts a packet.
    public mutating func count(_ reported: ReportedPacket) {
        let key = key(reported)
        let index = known(key) ?? index(of: key, reported)
        recent[key.place] = (key, index)
        count(Destination(reported.packet.ip), at: reported.packet.time, in: index)
        // What is known of a process grows while it runs.
        if tallies[index].needsProcess, index != overflow, let process = reported.shownProcess {
            groups[index].process = process
            tallies[index].needsProcess = process.executable == nil
        }
        if tallies[index].needsProcess, index != overflow { unnamed[index] = reported.verdict.sender }
    }

    /// Asks once more about the processes whose executable was not known when their packets were counted: evidence may speak
    /// of them later.
    public mutating func complete(_ describe: (Sender) -> ProcessDescription) {
        for (index, sender) in unnamed where tallies[index].needsProcess {
            let process = describe(sender)
            if process.executable != nil || groups[index].process?.name == nil { groups[index].process = process }
        }
        unnamed = [:]
    }

    /// Counts a packet as ``count(_:)`` would, and asks for its report only where the table shows something of it that it
    /// has not got yet.
    public mutating func count(
        _ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket
    ) {
        guard let key = plainKey(verdict, tag), let index = known(key),
            !tallies[index].needsProcess || index == overflow
        else { return count(report()) }
        count(Destination(packet.ip), at: packet.time, in: index)
    }

    /// A row of the table, for ``count(_:at:in:)``.
    public struct Group: Sendable {
        fileprivate let index: Int
    }

    /// The group of the untagged packets that a process sent for certain; nil where the table has not got all that it shows
    /// of it yet.
    public mutating func group(sentBy sender: Sender) -> Group? {
        var key = Key(kind: .process, confidence: .exact)
        key.set(sender)
        guard let index = known(key), !tallies[index].needsProcess || index == overflow else { return nil }
        return Group(index: index)
    }

    /// The group of the untagged packets that came in; nil where there is none yet.
    public mutating func group(received confidence: Verdict.Confidence) -> Group? {
        known(Key(kind: .received, confidence: confidence)).map(Group.init)
    }

    /// Counts a packet of a group.
    ///
    /// - Parameter index: its place in `packets`; handed over by itself it would be copied.
    public mutating func count(_ packets: Span<PacketRecord>, _ index: Int, in group: Group) {
        count(Destination(packets[index].ip), at: packets[index].time, in: group.index)
    }

    private mutating func known(_ key: Key) -> Int? {
        if let recent = recent[key.place], recent.key == key { return recent.index }
        guard let index = indices[key] else { return nil }
        recent[key.place] = (key, index)
        return index
    }

    @inline(__always)
    private mutating func count(_ destination: Destination?, at time: Timestamp, in index: Int) {
        tallies[index].packets += 1
        if time < tallies[index].first { tallies[index].first = time }
        if time > tallies[index].last { tallies[index].last = time }
        if let destination { countDestination(destination, in: index) }
    }

    /// Counts a packet of which no evidence speaks, as ``count(_:)`` would.
    public mutating func countUnattributed(_ destination: Destination?, at time: Timestamp, tag: Tag?) {
        let place = tag.map { Int(position(of: $0)) + 1 } ?? 0
        if place >= unattributed.count || unattributed[place] < 0 {
            while place >= unattributed.count { unattributed.append(-1) }
            unattributed[place] = unattributedGroup(time, tag)
        }
        count(destination, at: time, in: unattributed[place])
    }

    /// The same for the UDP and ICMP packets among `frames` in `range`, which have a glance each and no tag.
    ///
    /// - Returns: how many there are.
    public mutating func countUnattributed(_ frames: Span<GlancedFrame>, in range: Range<Int>) -> UInt64 {
        var counted: UInt64 = 0
        for index in range {
            guard let glance = frames[index].glance, glance.transport != .tcp else { continue }
            countUnattributed(Destination(glance), at: frames[index].time, tag: nil)
            counted += 1
        }
        return counted
    }

    private mutating func unattributedGroup(_ time: Timestamp, _ tag: Tag?) -> Int {
        let nobody = IPPacket(source: .unspecified(.v4), destination: .unspecified(.v4), transport: .udp)
        let reported = ReportedPacket(
            packet: PacketRecord(time: time, frame: 0, ip: nobody), captureName: "", verdict: .unknown(.noEvidence),
            tag: tag)
        return index(of: key(reported), reported)
    }

    /// The rows in the order in which their first packets came: each keeps its place.
    public var rowsByAge: [Row] {
        zip(groups, tallies).map { row, tally in
            var row = row
            row.packets = tally.packets
            row.first = tally.first
            row.last = tally.last
            return row
        }
    }

    /// The rows: what is tagged first, then by verdict, then the largest first; the rest beyond the limit last.
    public var rows: [Row] {
        rowsByAge.sorted { left, right in
            let (leftRank, rightRank) = (Self.rank(left), Self.rank(right))
            if leftRank != rightRank { return leftRank < rightRank }
            if left.tag?.name != right.tag?.name { return left.tag?.name ?? "" < right.tag?.name ?? "" }
            if left.packets != right.packets { return left.packets > right.packets }
            if left.first != right.first { return left.first < right.first }
            return (left.process?.pid ?? 0) < (right.process?.pid ?? 0)
        }
    }

    /// Not every group has a row of its own.
    public var hasOverflow: Bool { overflow != nil }

    private static func rank(_ row: Row) -> UInt8 {
        row.kind.map { $0.rawValue + (row.tag == nil ? UInt8(Verdict.Kind.allCases.count) : 0) } ?? .max
    }

    /// The key of a packet where the verdict alone tells it: not where it takes a detail or a name.
    private mutating func plainKey(_ verdict: Verdict, _ tag: Tag?) -> Key? {
        var key = Key(kind: verdict.kind, confidence: verdict.confidence)
        switch verdict.kind {
        case .process:
            guard verdict.confidence > .ambiguous, let sender = verdict.sender else { return nil }
            key.set(sender)
        case .kernel, .received: break
        case .forwarded, .unknown: return nil
        }
        if let tag { key.tag = position(of: tag) }
        return key
    }

    private mutating func key(_ reported: ReportedPacket) -> Key {
        var key = Key(kind: reported.verdict.kind, confidence: reported.verdict.confidence)
        if let tag = reported.tag { key.tag = position(of: tag) }
        switch key.kind {
        case .process where key.confidence <= .ambiguous:
            key.detail = position(of: .candidates(reported.verdict.candidates.map(\.sender.process)))
        case .process:
            if let sender = reported.verdict.sender {
                key.set(sender)
            } else {
                key.sender.pid = reported.process?.pid ?? 0
            }
        case .forwarded:
            if let ingress = reported.ingressInterface { key.detail = position(of: .ingress(ingress)) }
        case .unknown: key.detail = position(of: .reason(reported.verdict.reason.withoutTimes))
        case .kernel, .received: break
        }
        return key
    }

    /// There are as many tags as classifiers and rules have, so a list will do.
    private mutating func position(of tag: Tag) -> Int32 {
        if let index = tags.firstIndex(where: { $0.confidence == tag.confidence && $0.name == tag.name }) {
            return Int32(truncatingIfNeeded: index)
        }
        guard tags.count < groupLimit else { return Int32(truncatingIfNeeded: tags.count) }
        tags.append((tag.name, tag.confidence))
        return Int32(truncatingIfNeeded: tags.count - 1)
    }

    /// -1 beyond the limits: a reason may hold figures of its packet, and a row each would bury the others.
    private mutating func position(of detail: Detail) -> Int32 {
        if let lastDetail, lastDetail.detail == detail { return lastDetail.position }
        let position: Int32
        if let known = details[detail] {
            position = known
        } else {
            guard details.count < groupLimit else { return -1 }
            if case .reason = detail {
                guard reasons < Self.reasonLimit else { return -1 }
                reasons += 1
            }
            position = Int32(truncatingIfNeeded: details.count)
            details[detail] = position
        }
        lastDetail = (detail, position)
        return position
    }

    private mutating func index(of key: Key, _ reported: ReportedPacket) -> Int {
        if let index = indices[key] { return index }
        let time = reported.packet.time
        guard indices.count < groupLimit else {
            if let overflow { return overflow }
            overflow = groups.count
            return append(Row(confidence: .none, first: time, last: time))
        }
        var row = Row(confidence: key.confidence, first: time, last: time)
        row.kind = key.kind
        row.process = reported.shownProcess
        row.host = reported.hostName
        row.tag = reported.tag.map { ($0.name, $0.confidence) }
        if key.kind == .forwarded {
            row.origin = reported.ingressInterface.map { "from \(TerminalText.name($0))" }
        }
        row.remark = key.kind == .unknown && key.detail < 0 ? "other reasons" : PacketLine.remark(reported)
        indices[key] = groups.count
        return append(row)
    }

    private mutating func append(_ row: Row) -> Int {
        groups.append(row)
        tallies.append(
            Tally(
                first: row.first, last: row.last, needsProcess: row.kind == .process && row.process?.executable == nil))
        return groups.count - 1
    }

    private mutating func countDestination(_ place: Destination, in index: Int) {
        let destination = Self.fingerprint(place.address, place.port, index)
        guard tallies[index].lastDestination != destination else { return }
        tallies[index].lastDestination = destination
        switch destinations.note(destination, limit: destinationLimit) {
        case .new: groups[index].destinations += 1
        case .known: break
        case .beyondLimit: groups[index].hasMoreDestinations = true
        }
    }

    /// A destination of a group in 64 bits, never 0: two of them are taken for one with a chance of one in 2⁶⁴.
    @inline(__always)
    private static func fingerprint(_ address: IPAddress, _ port: UInt16?, _ group: Int) -> UInt64 {
        func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low
        }
        let place = UInt64(truncatingIfNeeded: group) << 32 | UInt64(port ?? 0) << 8 | UInt64(address.version.rawValue)
        let to = mix(address.low ^ 0xA076_1D64_78BD_642F, address.high ^ 0xE703_7ED1_A0B4_28DB)
        let mixed = mix(to ^ place, 0x8EBC_6AF0_9C88_C6E3 ^ place)
        return mixed == 0 ? 1 : mixed
    }
}
