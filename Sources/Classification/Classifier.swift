internal import DequeModule
public import PacketDecoding
public import Records

/// What is known of a packet's tag when the packet was seen.
public enum TagDecision: Sendable {
    /// No tag, and none will come.
    case none
    /// A tag that no later packet changes.
    case final(Tag)
    /// A tag that packets up to one second later may still raise or lower: to be asked for with
    /// ``Classifier/resolve(_:)``.
    case pending(PendingTag)
}

/// A tag that is not decided yet.
public struct PendingTag: Hashable, Sendable {
    /// The classifier that has to decide; names the tag.
    enum Pattern: UInt8, Sendable {
        case newmail
        case dsaccessPing
    }

    /// The last moment of capture time that has a say. Once a later packet was observed, or the capture has ended, the
    /// tag is decided.
    public let deadline: Timestamp
    let sequence: UInt64
    let pattern: Pattern
    /// The rule that the packet matches besides.
    var rule: RuleSet.Match?
}

/// The bounds of a classifier, and what the user told it.
public struct ClassifierConfiguration: Sendable {
    /// UDP ports that clients are known to have registered for new-mail notifications.
    public var newmailPorts: Set<UInt16>
    /// The user's rules, at most ``Rule/countLimit``, in the order in which they are tried.
    public var rules: [Rule] = []
    /// How long after a packet others may still change its tag, and how far around it a burst reaches, in nanoseconds
    /// of capture time.
    public var window: Int64 = 1_000_000_000
    /// From how many unanswered destinations of one source within the window on a burst is one.
    public var burstDestinations = 5
    /// The most sources of 8-byte datagrams that are followed at once; the one that was silent longest is forgotten.
    /// About 500 bytes each.
    public var sourceLimit = 16_384
    /// The most pairs of client and directory server that are remembered; the one that was silent longest is
    /// forgotten. About 120 bytes each.
    public var directoryPairLimit = 65_536
    /// The most flows (rule, source, destination) whose behaviour is followed for rules; the one that was silent longest
    /// is forgotten. About 200 bytes each, and none where no rule is about behaviour.
    public var ruleFlowLimit = 16_384
    /// The most packets that wait for their tag or for being asked; while there are so many, further ones are decided
    /// at once by what came before them. About 150 bytes each.
    public var pendingLimit = 131_072
    /// How many UDP tuples are remembered to tell answers from unasked datagrams, rounded up to a power of two; 8 bytes
    /// each. Where many are alive at once, those that were silent longest are forgotten first.
    public var tupleLimit = 524_288
    /// The most TCP connections that are followed for Exchange's control channel, and as many that have begun and not
    /// shown yet what they are. About 500 bytes each, and up to 8 KiB for one that sends half units.
    public var connectionLimit = 2048
    /// The most bytes of TCP segments that wait for those before them, all connections together.
    public var reassemblyLimit = 4 << 20
    /// The most registrations that are remembered; then the older half is let go of. About 300 bytes each.
    public var registrationLimit = 16_384
    /// The most servers and clients of Exchange's that are remembered, each.
    public var mailHostLimit = 16_384
    /// The most ports whose latest 8-byte datagram is remembered to know its repeat. About 80 bytes each.
    public var repeatLimit = 32_768
    /// The captures' names by their number, for reasons that point into another capture.
    public var captureNames: [String] = []
    /// Mixed into the hashes. Fixed by default, so that a replay comes to the same result also where tables overflow.
    public var seed: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The default bounds, with ports that the user named.
    public init(newmailPorts: Set<UInt16> = []) { self.newmailPorts = newmailPorts }
}

/// Tags packets by their form and by what surrounds them.
///
/// Every decoded packet goes through ``observe(_:)`` in capture order. All windows run on capture time, so that a replay
/// comes to the same tags as the live run. Memory is bounded by the configuration, whatever the traffic.
///
/// A packet that lies further back than the window before the latest one begins a new timeline (a second capture file,
/// a clock that was set): what was pending is decided with what is known.
public struct Classifier: Sendable {
    private let window: Int64
    private let pendingLimit: Int
    private var newmail: NewMailClassifier
    private var pings: DSAccessPingClassifier
    private var rules: RuleSet
    /// Packets without a decision or whose decision nobody asked for yet, in capture order, behind a first one of that
    /// kind. The first has the sequence number `firstSequence`, those before `decided` are decided.
    private var waiting: Deque<Waiting> = []
    private var firstSequence: UInt64 = 0
    private var decided = 0
    private var latest = Timestamp.distantPast
    private var nextDeadline = Timestamp.distantFuture
    /// The tuples of the frames that are expected, by their place.
    private var expected: [TupleFingerprint] = []

    // Small and without references: many come and go.
    private struct Waiting {
        var time: Timestamp
        var state: State

        enum State {
            case newmail(NewMailClassifier.Candidate)
            case decidedNewmail(NewMailClassifier.Finding)
            /// Its tag is among ``Classifier/judged``.
            case judgedNewmail
            /// What was found is among ``Classifier/findings``.
            case ping
            case decidedPing
            case asked
        }
    }

    /// What earlier packets say for candidates, by their sequence number.
    private var claims: [UInt64: NewMailClaim] = [:]
    /// The tags of those for which something was said, by the same.
    private var judged: [UInt64: Tag] = [:]
    /// What was found of pings, by the same.
    private var findings: [UInt64: DSAccessPingClassifier.Finding] = [:]

    /// A classifier that has seen nothing.
    public init(configuration: ClassifierConfiguration) {
        window = max(configuration.window, 0)
        pendingLimit = max(configuration.pendingLimit, 1)
        newmail = NewMailClassifier(configuration: configuration)
        pings = DSAccessPingClassifier(configuration: configuration)
        rules = RuleSet(configuration.rules, flowLimit: configuration.ruleFlowLimit)
    }

    /// What clients registered for notifications, in the order of their requests, as far as is known by now.
    public var registrations: [PushRegistration] { newmail.registrations.entries }
    /// How many registrations were let go of for want of room.
    public var droppedRegistrations: UInt64 { newmail.registrations.dropped }

    /// What the bounded tables let go since the last call, while it may have been needed: a notification of a
    /// registration that was let go is not proven.
    public mutating func takeLetGo() -> LossInterval? { newmail.takeLetGo() }

    /// Takes the next packet of the capture and says what is known of its tag.
    public mutating func observe(_ packet: PacketRecord) -> TagDecision { observe(packet, transport: RawSpan()) }

    /// Takes the next packet of the capture and says what is known of its tag.
    ///
    /// - Parameter transport: of a TCP packet, the captured bytes from the TCP header on: the control channel that
    ///   proves notifications is read there. They are not kept, unless they belong to it.
    public mutating func observe(_ packet: PacketRecord, transport: RawSpan) -> TagDecision {
        guard !rules.isEmpty, let match = rules.observe(packet) else { return observeBuiltIn(packet, transport) }
        switch observeBuiltIn(packet, transport) {
        case .none: return .final(rules.tag(match))
        case .final(let tag): return .final(rules.stronger(tag, match))
        case .pending(var pending):
            pending.rule = match
            return .pending(pending)
        }
    }

    /// Makes ready for frames that are to be observed now: what is known of them comes from memory at once, which takes a
    /// fraction of the time that it takes in turn. Then all of them are given to ``pass(_:in:until:)`` or are observed.
    public mutating func expect(_ frames: Swift.Span<GlancedFrame>) {
        if expected.count < frames.count { expected = Array(repeating: TupleFingerprint(), count: frames.count) }
        Self.expect(frames, &newmail, &expected)
    }

    private static func expect(
        _ frames: Swift.Span<GlancedFrame>, _ newmail: inout NewMailClassifier, _ expected: inout [TupleFingerprint]
    ) {
        var expected = expected.mutableSpan
        for index in frames.indices {
            guard let glance = frames[index].glance, glance.transport == .udp else { continue }
            expected[index] = newmail.expect(glance)
        }
    }

    /// Takes frames of the capture as long as a glance is enough and the decision is ``TagDecision/none``: so it is for
    /// most packets.
    ///
    /// - Parameters:
    ///   - frames: what ``expect(_:)`` was given.
    ///   - range: those that come next.
    ///   - time: the first one later than this is the last one.
    /// - Returns: the end of those that were taken; nothing was done with the others.
    public mutating func pass(_ frames: Swift.Span<GlancedFrame>, in range: Range<Int>, until time: Timestamp) -> Int {
        var index = range.lowerBound
        while index < range.upperBound, let glance = frames[index].glance, mayPass(glance) {
            advance(to: frames[index].time)
            if glance.transport == .udp { newmail.remember(expected[index]) }
            index += 1
            if frames[index - 1].time > time { break }
        }
        return index
    }

    @inline(__always)
    private func mayPass(_ glance: PacketGlance) -> Bool {
        switch glance.transport {
        case .tcp: !DSAccessPingClassifier.concerns(glance) && !newmail.concerns(glance)
        case .udp: !NewMailClassifier.hasForm(glance) && !newmail.concerns(glance) && rules.pass(glance)
        case .icmp, .icmpv6: !DSAccessPingClassifier.concerns(glance) && rules.pass(glance)
        case .other: false
        }
    }

    /// Takes the next packet of the capture by a glance at it, where that is enough.
    ///
    /// - Parameter seen: where it is.
    /// - Returns: nil where the whole packet is needed: nothing was done with it.
    public mutating func observe(_ glance: PacketGlance, at seen: Sighting) -> TagDecision? {
        guard NewMailClassifier.hasForm(glance), rules.pass(glance) else { return nil }
        advance(to: seen.time)
        return observeUDP(IPPacket(glance), seen)
    }

    /// The tag of a pending packet: to be asked once, when a packet later than its deadline was observed or the capture
    /// has ended. Asked earlier, it decides with what is known.
    public mutating func resolve(_ pending: PendingTag) -> Tag {
        let tag = resolveBuiltIn(pending)
        guard let match = pending.rule else { return tag }
        return rules.stronger(tag, match)
    }

    private mutating func observeBuiltIn(_ packet: PacketRecord, _ transport: RawSpan) -> TagDecision {
        advance(to: packet.time)
        switch packet.ip.transport {
        case .tcp:
            pings.observeTCP(packet.ip)
            newmail.observeTCP(packet, transport)
            return .none
        case .udp: return observeUDP(packet.ip, Sighting(packet))
        case .icmp, .icmpv6:
            switch pings.observePing(packet) {
            case .unrelated: return .none
            case .decided(let finding): return .final(finding.tag)
            case .candidate(let finding):
                guard waiting.count < pendingLimit else { return .final(pings.decide(finding).tag) }
                let pending = wait(Waiting(time: packet.time, state: .ping), .dsaccessPing)
                findings[pending.sequence] = finding
                return .pending(pending)
            }
        case .other: return .none
        }
    }

    private mutating func observeUDP(_ packet: IPPacket, _ seen: Sighting) -> TagDecision {
        switch newmail.observe(packet, seen) {
        case .unrelated: return .none
        case .decided(let finding): return .final(newmail.tag(finding))
        case .candidate(let candidate, let claim):
            guard waiting.count < pendingLimit else {
                return .final(newmail.tag(newmail.decide(candidate, claim, at: seen.time)))
            }
            let pending = wait(Waiting(time: seen.time, state: .newmail(candidate)), .newmail)
            if let claim { claims[pending.sequence] = claim }
            return .pending(pending)
        }
    }

    private mutating func resolveBuiltIn(_ pending: PendingTag) -> Tag {
        let index = pending.sequence &- firstSequence
        guard pending.sequence >= firstSequence, index < UInt64(waiting.count) else { return floor(pending.pattern) }
        let position = Int(index)
        decide(position)
        let state = waiting[position].state
        waiting[position].state = .asked
        while case .asked = waiting.first?.state {
            waiting.removeFirst()
            firstSequence += 1
            decided = max(decided - 1, 0)
        }
        switch state {
        case .decidedNewmail(let finding): return newmail.tag(finding)
        case .judgedNewmail: return judged.removeValue(forKey: pending.sequence) ?? floor(pending.pattern)
        case .decidedPing:
            return findings.removeValue(forKey: pending.sequence)?.tag ?? floor(pending.pattern)
        case .newmail, .ping, .asked: return floor(pending.pattern)
        }
    }

    /// The least that is true of a packet that is asked for twice: its form.
    private func floor(_ pattern: PendingTag.Pattern) -> Tag {
        pattern == .newmail ? newmail.tag(.form) : DSAccessPingClassifier.formTag
    }

    private mutating func wait(_ packet: Waiting, _ pattern: PendingTag.Pattern) -> PendingTag {
        waiting.append(packet)
        if decided == waiting.count - 1 { nextDeadline = packet.time.advanced(by: window) }
        return PendingTag(
            deadline: packet.time.advanced(by: window), sequence: firstSequence + UInt64(waiting.count - 1),
            pattern: pattern)
    }

    /// Decides what no packet from `time` on may change any more, before that packet is looked at.
    @inline(__always)
    private mutating func advance(to time: Timestamp) {
        if time >= latest, time <= nextDeadline {
            latest = time
        } else {
            decide(before: time)
        }
    }

    private mutating func decide(before time: Timestamp) {
        if time < latest {
            guard latest.since(time) > window else { return }
            // A new timeline.
            latest = time
            while decided < waiting.count { decideNext() }
            scheduleNext()
            return
        }
        latest = time
        while decided < waiting.count, waiting[decided].time.advanced(by: window) < time { decideNext() }
        scheduleNext()
    }

    private mutating func scheduleNext() {
        nextDeadline = decided < waiting.count ? waiting[decided].time.advanced(by: window) : .distantFuture
    }

    private mutating func decideNext() {
        decide(decided)
        decided += 1
    }

    private mutating func decide(_ position: Int) {
        switch waiting[position].state {
        case .newmail(let candidate):
            let sequence = firstSequence + UInt64(position)
            let claim = claims.isEmpty ? nil : claims.removeValue(forKey: sequence)
            switch newmail.decide(candidate, claim, at: waiting[position].time) {
            case .found(let finding): waiting[position].state = .decidedNewmail(finding)
            case .judged(let tag):
                waiting[position].state = .judgedNewmail
                judged[sequence] = tag
            }
        case .ping:
            let sequence = firstSequence + UInt64(position)
            findings[sequence] = findings[sequence].map(pings.decide)
            waiting[position].state = .decidedPing
        case .decidedNewmail, .judgedNewmail, .decidedPing, .asked: break
        }
    }
}
