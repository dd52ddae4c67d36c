internal import Records

/// Exchange's new-mail notification: one datagram of 8 bytes that the client chose, to a port that the client chose,
/// never answered (MS-OXCRPC 3.1.4.5).
///
/// The form alone says little: most 8-byte datagrams are something else. What it takes for more is a burst to several
/// destinations of which none answers; what speaks against it is traffic in the opposite direction before or after, a
/// payload of zeros or of text, one that another protocol has (``LookAlikes``), and a group as the destination.
struct NewMailClassifier: Sendable {
    /// What is known of a datagram of that form.
    enum Finding: Hashable, Sendable {
        /// Nothing but its form.
        case form
        /// There is traffic in the opposite direction.
        case answered
        /// All bytes are zero.
        case zeros
        /// All bytes are printable ASCII.
        case printable
        /// It goes to a multicast group or to everybody.
        case group
        /// It is a well-formed message of another protocol, by its place in ``LookAlikes/catalogue``.
        case lookAlike(Int)
        /// The source has fewer unanswered destinations around it than a burst has.
        case alone(destinations: Int)
        /// One of a burst to this many destinations.
        case burst(destinations: Int)
        /// It goes to a port that the user named.
        case namedPort(UInt16)
    }

    /// What a packet is.
    enum Observation {
        case unrelated
        case decided(Finding)
        case candidate(Candidate)
    }

    /// A datagram whose surroundings must be seen first.
    struct Candidate: Sendable {
        let reverse: TupleFingerprint
        let source: RecencyTable<IPAddress, RecentDestinations>.Reference
    }

    static let payloadLength: UInt32 = 8
    static let lowestPort: UInt16 = 1024

    private let window: Int64
    private let threshold: Int
    private let seed: UInt64
    private let tags: NewMailTags
    private let namedPorts: Set<UInt16>
    private var history: TupleHistory
    private var sources: RecencyTable<IPAddress, RecentDestinations>

    init(configuration: ClassifierConfiguration) {
        window = max(configuration.window, 0)
        threshold = min(max(configuration.burstDestinations, 1), RecentDestinations.capacity)
        seed = configuration.seed
        tags = NewMailTags(threshold: threshold, window: window, namedPorts: configuration.newmailPorts)
        namedPorts = configuration.newmailPorts
        history = TupleHistory(capacity: configuration.tupleLimit)
        sources = RecencyTable(capacity: configuration.sourceLimit)
    }

    /// The tag for a finding.
    func tag(_ finding: Finding) -> Tag { tags[finding] }

    /// Remembers the tuple of a UDP packet, and judges its form.
    mutating func observe(_ packet: IPPacket, at time: Timestamp) -> Observation {
        // Without ports there is no tuple.
        guard packet.fragmentOffset == 0, !packet.isTruncated else { return .unrelated }
        let forward = TupleFingerprint(
            packet.source, packet.sourcePort, packet.destination, packet.destinationPort, seed: seed)
        history.insert(forward)
        guard Self.hasForm(packet) else { return .unrelated }
        let isNamed = namedPorts.contains(packet.destinationPort)
        if !isNamed, let finding = Self.contrary(packet) { return .decided(finding) }
        if !isNamed, let index = LookAlikes.match(packet) { return .decided(.lookAlike(index)) }
        let reverse = TupleFingerprint(
            packet.destination, packet.destinationPort, packet.source, packet.sourcePort, seed: seed)
        guard !history.contains(reverse) else {
            return .decided(isNamed ? .namedPort(packet.destinationPort) : .answered)
        }
        // Any source port: a notifier takes a new one for each datagram.
        let destination = TupleFingerprint(
            packet.destination, packet.destinationPort, packet.destination, 0, seed: seed)
        let source = sources.touch(packet.source, default: RecentDestinations.init) {
            $0.note(destination, reverse: reverse, at: time, history: history)
        }
        if isNamed { return .decided(.namedPort(packet.destinationPort)) }
        return .candidate(Candidate(reverse: reverse, source: source))
    }

    /// Judges a candidate of `time` by what was seen until now, which should be what came until `time` + window.
    func decide(_ candidate: Candidate, at time: Timestamp) -> Finding {
        guard !history.contains(candidate.reverse) else { return .answered }
        guard let recent = sources[candidate.source] else { return .form }
        var around = 0
        var unanswered = 0
        for index in 0..<recent.count {
            let entry = recent[index]
            let distance = entry.time.since(time)
            guard distance <= window, distance >= -window else { continue }
            around += 1
            // Enough is enough: the rest is counted only.
            if unanswered < threshold, !entry.hasAnswered, !history.contains(entry.reverse) { unanswered += 1 }
        }
        return unanswered < threshold ? .alone(destinations: unanswered) : .burst(destinations: around)
    }

    /// By the UDP header's length, which in a first fragment is that of the whole datagram.
    private static func hasForm(_ packet: IPPacket) -> Bool {
        packet.udpLength == 8 + payloadLength && (packet.isFragment || packet.payloadLength == payloadLength)
            && packet.destinationPort >= lowestPort
    }

    /// What speaks against a notification in the packet itself.
    private static func contrary(_ packet: IPPacket) -> Finding? {
        if packet.destination.isMulticast || packet.destination.isLimitedBroadcast { return .group }
        guard packet.payloadPrefix.count >= payloadLength else { return nil }
        let bytes = packet.payloadPrefix.high
        if bytes == 0 { return .zeros }
        for shift in stride(from: 0, to: 64, by: 8) {
            let byte = UInt8(truncatingIfNeeded: bytes >> UInt64(shift))
            guard (0x20...0x7E).contains(byte) else { return nil }
        }
        return .printable
    }
}
