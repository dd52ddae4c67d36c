internal import PacketDecoding
internal import Records

/// Exchange's new-mail notification: one datagram of 8 bytes that the client chose, to a port that the client chose,
/// never answered (MS-OXCRPC 3.1.4.5).
///
/// What proves one is the control channel: a client's registration names the port and the bytes (``MailControl``).
/// Without it the form alone says little: most 8-byte datagrams are something else. What it takes for more is a burst to several
/// destinations of which none answers; what speaks against it is traffic in the opposite direction before or after, a
/// payload of zeros or of text, one that another protocol has (``LookAlikes``), and a group as the destination.
struct NewMailClassifier: Sendable {
    /// What is known of a datagram of that form, but for what earlier packets said: without references, since many wait.
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
        /// The same, each datagram from the next higher source port.
        case risingBurst(destinations: Int)
        /// It goes to a port that the user named.
        case namedPort(UInt16)
    }

    /// What became of a candidate.
    enum Judgement {
        case found(Finding)
        /// What earlier packets said for it, and what followed.
        case judged(Tag)
    }

    /// What a packet is.
    enum Observation {
        case unrelated
        case decided(Finding)
        /// Perhaps with what earlier packets say for it.
        case candidate(Candidate, NewMailClaim?)
    }

    /// A datagram whose surroundings must be seen first. Without references, as a finding.
    struct Candidate: Sendable {
        let reverse: TupleFingerprint
        let source: RecencyTable<IPAddress, RecentDestinations>.Reference
        /// Whose fetch would follow it.
        let client: IPAddress
        /// What the packet itself says against it.
        let contrary: Finding?
        /// The user named this port as a registered one.
        let namedPort: UInt16?
    }

    static let name = "newmail"
    static let payloadLength: UInt32 = 8
    static let lowestPort: UInt16 = 1024

    private let window: Int64
    private let threshold: Int
    private let seed: UInt64
    private let tags: NewMailTags
    private let namedPorts: Set<UInt16>
    private var history: TupleHistory
    private var sources: RecencyTable<IPAddress, RecentDestinations>
    private var repeats: RepeatHistory
    private var channels: ControlChannels
    private var control: MailControl
    private let names: SightingNames
    private let lookAlikes = LookAlikes()

    init(configuration: ClassifierConfiguration) {
        window = max(configuration.window, 0)
        threshold = min(max(configuration.burstDestinations, 1), RecentDestinations.capacity)
        seed = configuration.seed
        tags = NewMailTags(threshold: threshold, window: window, namedPorts: configuration.newmailPorts)
        namedPorts = configuration.newmailPorts
        history = TupleHistory(capacity: configuration.tupleLimit)
        sources = RecencyTable(capacity: configuration.sourceLimit)
        repeats = RepeatHistory(capacity: configuration.repeatLimit)
        channels = ControlChannels(
            seed: configuration.seed, connectionLimit: configuration.connectionLimit,
            heldLimit: configuration.reassemblyLimit)
        control = MailControl(configuration: configuration)
        names = SightingNames(configuration.captureNames)
    }

    /// What clients registered so far.
    var registrations: PushRegistrations { control.registrations }

    /// Registrations that were let go since the last call.
    mutating func takeLetGo() -> LossInterval? { control.takeLetGo() }

    /// Follows Exchange's control channel.
    ///
    /// - Parameter bytes: from the TCP header on.
    @inline(__always)
    mutating func observeTCP(_ packet: PacketRecord, _ bytes: RawSpan) {
        guard channels.concerns(packet.ip) else { return }
        channels.observe(packet, bytes, into: &control)
    }

    /// Whether more of a packet has to be seen than a glance at it.
    @inline(__always)
    func concerns(_ glance: PacketGlance) -> Bool {
        if glance.transport == .tcp { return channels.concerns(glance) }
        // A registration may name any payload that a prefix has room for.
        return !control.isEmpty && glance.payloadLength > 0 && glance.payloadLength <= PayloadPrefix.capacity
    }

    /// The tuple of a UDP packet that is soon to be observed, whose place in the history is made ready.
    @inline(__always)
    mutating func expect(_ glance: PacketGlance) -> TupleFingerprint {
        let tuple = TupleFingerprint(
            glance.source, glance.sourcePort, glance.destination, glance.destinationPort, seed: seed)
        history.fetch(tuple)
        return tuple
    }

    /// Remembers the tuple of a UDP packet that is of no concern.
    @inline(__always)
    mutating func remember(_ tuple: TupleFingerprint) { history.insert(tuple) }

    /// The tag for a finding.
    func tag(_ finding: Finding) -> Tag { tags[finding] }

    /// The tag for a judgement.
    func tag(_ judgement: Judgement) -> Tag {
        switch judgement {
        case .found(let finding): tags[finding]
        case .judged(let tag): tag
        }
    }

    /// Remembers the tuple of a UDP packet, and judges its form.
    mutating func observe(_ packet: IPPacket, _ seen: Sighting) -> Observation {
        // Without ports there is no tuple.
        guard packet.fragmentOffset == 0, !packet.isTruncated else { return .unrelated }
        history.insert(
            TupleFingerprint(
                packet.source, packet.sourcePort, packet.destination, packet.destinationPort, seed: seed))
        let hasForm = Self.hasForm(packet)
        let registered = control.isEmpty ? nil : registeredClaim(packet, at: seen.time)
        guard hasForm || registered != nil else { return .unrelated }
        let namedPort = hasForm && namedPorts.contains(packet.destinationPort) ? packet.destinationPort : nil
        let contrary = hasForm ? contrary(packet) : nil
        let claim = hasForm ? behaviour(packet, seen, addedTo: registered) : registered
        let isFormAlone = claim == nil && namedPort == nil
        if isFormAlone, let contrary { return .decided(contrary) }
        let reverse = TupleFingerprint(
            packet.destination, packet.destinationPort, packet.source, packet.sourcePort, seed: seed)
        if isFormAlone, history.contains(reverse) { return .decided(.answered) }
        // Any source port: a notifier takes a new one for each datagram.
        let destination = TupleFingerprint(
            packet.destination, packet.destinationPort, packet.destination, 0, seed: seed)
        let source = sources.touch(packet.source, default: RecentDestinations.init) {
            $0.note(destination, reverse: reverse, sourcePort: packet.sourcePort, at: seen.time, history: history)
        }
        return .candidate(
            Candidate(
                reverse: reverse, source: source, client: packet.destination, contrary: contrary, namedPort: namedPort),
            claim)
    }

    /// What registrations say, for datagrams of any length that one may have.
    private func registeredClaim(_ packet: IPPacket, at time: Timestamp) -> NewMailClaim? {
        guard (1...UInt32(PayloadPrefix.capacity)).contains(packet.payloadLength), !packet.isFragment,
            UInt32(packet.payloadPrefix.count) == packet.payloadLength, !control.registrations.isEmpty
        else { return nil }
        return RegistrationJudge(control: control, names: names).claim(packet, at: time)
    }

    /// What earlier packets say beside registrations.
    private mutating func behaviour(
        _ packet: IPPacket, _ seen: Sighting, addedTo claim: NewMailClaim?
    ) -> NewMailClaim? {
        var reasons: [String] = []
        if packet.payloadPrefix.count >= Self.payloadLength {
            let flow = TupleFingerprint(
                packet.source, 0, packet.destination, packet.destinationPort, seed: seed)
            if let earlier = repeats.note(flow, payload: packet.payloadPrefix.high, seen) {
                let seconds = (seen.time.since(earlier.time) + 500_000_000) / 1_000_000_000
                reasons.append("the same datagram came \(seconds) s before in \(names.frame(earlier))")
            }
        }
        if let server = control.server(packet.source), server.seen.time <= seen.time {
            let how =
                switch server.source {
                case .bind: "a client bound to it"
                case .endpointMapper: "an endpoint mapper named it"
                case .structure: "a client registered with it"
                }
            reasons.append("the sender serves Exchange's interface emsmdb: \(how) in \(names.frame(server.seen))")
        }
        guard !reasons.isEmpty else { return claim }
        var result = claim ?? NewMailClaim(confidence: .possible, reasons: [])
        result.reasons += reasons
        return result
    }

    /// Judges a candidate of `time` by what was seen until now, which should be what came until `time` + window.
    func decide(_ candidate: Candidate, _ claim: NewMailClaim?, at time: Timestamp) -> Judgement {
        let fetch = control.isEmpty ? nil : control.fetches(of: candidate.client)?.first(after: time)
        let isAnswered = history.contains(candidate.reverse)
        guard claim != nil || fetch != nil else {
            let contrary = isAnswered ? .answered : candidate.contrary
            guard let port = candidate.namedPort else { return .found(contrary ?? surroundings(candidate, at: time)) }
            return contrary.map { .judged(tags.namedPort(port, against: $0)) } ?? .found(.namedPort(port))
        }
        var claim = claim ?? NewMailClaim(confidence: .possible, reasons: [])
        if let port = candidate.namedPort {
            claim.confidence = max(claim.confidence, .probable)
            claim.reasons.append(NewMailTags.sentence(namedPort: port))
        }
        if let fetch {
            let span = (fetch.time.since(time) + 500_000) / 1_000_000
            claim.reasons.append(
                "the destination, silent before, fetched from an Exchange server \(span) ms later in "
                    + names.frame(fetch))
        }
        let around = surroundings(candidate, at: time)
        switch around {
        case .burst, .risingBurst: claim.reasons += tags[around].reasons.dropFirst().prefix(1)
        default: break
        }
        // Bytes that a client registered may be zeros or text as well.
        let contrary = isAnswered ? Finding.answered : claim.hasRegisteredBytes ? nil : candidate.contrary
        guard let contrary else {
            return .judged(Tag(name: Self.name, confidence: claim.confidence, reasons: claim.reasons))
        }
        return .judged(
            Tag(
                name: Self.name, confidence: claim.confidence.lowered,
                reasons: claim.reasons + tags[contrary].reasons.dropFirst(), isContradicted: true))
    }

    /// The burst around a candidate, or how little there is of one.
    private func surroundings(_ candidate: Candidate, at time: Timestamp) -> Finding {
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
        guard unanswered >= threshold else { return .alone(destinations: unanswered) }
        return recent.hasRisingPorts(around: time, within: window)
            ? .risingBurst(destinations: around) : .burst(destinations: around)
    }

    /// By the UDP header's length, which in a first fragment is that of the whole datagram.
    private static func hasForm(_ packet: IPPacket) -> Bool {
        packet.udpLength == 8 + payloadLength && (packet.isFragment || packet.payloadLength == payloadLength)
            && packet.destinationPort >= lowestPort
    }

    /// The same by a glance.
    @inline(__always)
    static func hasForm(_ glance: PacketGlance) -> Bool {
        glance.transport == .udp && glance.payloadLength == payloadLength && glance.udpLength == 8 + payloadLength
            && glance.destinationPort >= lowestPort
    }

    /// What speaks against a notification in the packet itself.
    private func contrary(_ packet: IPPacket) -> Finding? {
        if packet.destination.isMulticast || packet.destination.isLimitedBroadcast { return .group }
        guard packet.payloadPrefix.count >= Self.payloadLength else { return nil }
        let bytes = packet.payloadPrefix.high
        if bytes == 0 { return .zeros }
        if Self.isPrintable(bytes) { return .printable }
        return lookAlikes.match(packet).map { .lookAlike($0) }
    }

    private static func isPrintable(_ bytes: UInt64) -> Bool {
        stride(from: 0, to: 64, by: 8).allSatisfy { (0x20...0x7E).contains(UInt8(truncatingIfNeeded: bytes >> $0)) }
    }
}
