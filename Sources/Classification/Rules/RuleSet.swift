internal import PacketDecoding
internal import Records

/// The user's rules, compiled once, with what has to be remembered of packets for those about behaviour.
struct RuleSet: Sendable {
    /// The rule that a packet is tagged with.
    struct Match: Hashable, Sendable {
        let rule: Int32
        /// The behaviour was seen too.
        let behaves: Bool
    }

    /// Who sends packets of a rule to whom; the source port may be a new one for each.
    private struct Flow: TableKey {
        let rule: Int32
        let source: IPAddress
        let destination: IPAddress
        let port: UInt16

        var mixed: UInt64 {
            folded(source.mixed ^ UInt64(UInt32(bitPattern: rule)) << 16, destination.mixed &+ UInt64(port))
        }
    }

    /// The rules about one protocol, and which payload lengths any of them is about: bit 63 stands for 63 and more.
    private struct Candidates: Sendable {
        var rules: [Int32] = []
        var lengths: UInt64 = 0
    }

    private let rules: [CompiledRule]
    private let behaviours: [RuleBehaviour]
    private let tags: RuleTags
    private var udp = Candidates()
    private var icmp = Candidates()
    private var icmpv6 = Candidates()
    private var flows: RecencyTable<Flow, RuleBehaviour.History>

    init(_ rules: [Rule], flowLimit: Int) {
        self.rules = rules.map(CompiledRule.init)
        behaviours = rules.map(RuleBehaviour.init)
        tags = RuleTags(rules)
        flows = RecencyTable(capacity: flowLimit)
        if rules.contains(where: \.hasBehaviour) { flows.reserveCapacity() }
        for (index, rule) in self.rules.enumerated() {
            if rule.concerns(.udp) { Self.add(index, rule, to: &udp) }
            if rule.concerns(.icmp) { Self.add(index, rule, to: &icmp) }
            if rule.concerns(.icmpv6) { Self.add(index, rule, to: &icmpv6) }
        }
    }

    private static func add(_ index: Int, _ rule: CompiledRule, to candidates: inout Candidates) {
        candidates.rules.append(Int32(index))
        for length in min(rule.payloadLength.lowerBound, 63)...min(rule.payloadLength.upperBound, 63) {
            candidates.lengths |= 1 << UInt64(length)
        }
    }

    /// No packet can match.
    var isEmpty: Bool { rules.isEmpty }

    /// No rule is about packets of its protocol and length.
    @inline(__always)
    func pass(_ glance: PacketGlance) -> Bool { rules.isEmpty || !mayMatch(glance) }

    private func mayMatch(_ glance: PacketGlance) -> Bool {
        let lengths: UInt64 =
            switch glance.transport {
            case .udp: udp.lengths
            case .icmp: icmp.lengths
            case .icmpv6: icmpv6.lengths
            case .tcp, .other: 0
            }
        return lengths >> UInt64(min(glance.payloadLength, 63)) & 1 == 1
    }

    /// The tag for a match.
    func tag(_ match: Match) -> Tag { tags[match] }

    /// Which of two tags a packet gets: a built-in classifier's, unless that rests on the form alone. Of two that rest on
    /// the form, the rule says more: somebody wrote it for these packets.
    func stronger(_ builtIn: Tag, _ match: Match) -> Tag { builtIn.confidence > .shape ? builtIn : tags[match] }

    /// Matches a packet with every rule: the first whose behaviour was seen, else the first whose form it has.
    ///
    /// Rules about behaviour see all their packets, also those that another rule names.
    mutating func observe(_ packet: PacketRecord) -> Match? {
        switch packet.ip.transport {
        case .udp: observe(packet, udp)
        case .icmp: observe(packet, icmp)
        case .icmpv6: observe(packet, icmpv6)
        case .tcp, .other: nil
        }
    }

    private mutating func observe(_ packet: PacketRecord, _ candidates: Candidates) -> Match? {
        guard candidates.lengths != 0, let length = packet.ip.statedPayloadLength,
            candidates.lengths >> UInt64(min(length, 63)) & 1 == 1
        else { return nil }
        var found: Match?
        for rule in candidates.rules {
            guard rules[Int(rule)].matches(packet.ip, length: length, direction: packet.direction) else { continue }
            let behaves = behaviours[Int(rule)].isSet && note(packet, rule)
            if behaves, found?.behaves != true {
                found = Match(rule: rule, behaves: true)
            } else if found == nil {
                found = Match(rule: rule, behaves: false)
            }
        }
        return found
    }

    private mutating func note(_ packet: PacketRecord, _ rule: Int32) -> Bool {
        let isUDP = packet.ip.transport == .udp
        let flow = Flow(
            rule: rule, source: packet.ip.source, destination: packet.ip.destination,
            port: isUDP ? packet.ip.destinationPort : 0)
        let behaviour = behaviours[Int(rule)]
        var behaves = false
        flows.touch(flow, default: RuleBehaviour.History.init) { history in
            behaves = behaviour.note(packet.time, in: &history)
        }
        return behaves
    }
}
