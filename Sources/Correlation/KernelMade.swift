import Records

/// What the correlator keeps of a kernel-made packet's record.
struct KernelOrigin: Equatable, Sendable {
    let host: UInt16
    let hasKernelSocket: Bool
    /// It was seen at a port of a bridge or bond: a packet without a socket may be a process's there.
    let isAtPort: Bool
    /// The index of the interface it left by.
    let interface: UInt32
    /// A packet was wrapped into it.
    let isTunnel: Bool
    /// That packet, as far as its headers were recorded.
    let inner: IPPacket?

    init(_ record: WireRecord) {
        host = record.host
        hasKernelSocket = record.hasKernelSocket
        isAtPort = record.isAtPort
        interface = record.interface
        isTunnel = record.innerOffset > 0
        inner = record.inner
    }

    /// The kernel's own socket, or its own wrapping, leaves no doubt.
    var isCertain: Bool { hasKernelSocket || isTunnel }
    /// A bridge's or bond's clone of anybody's packet.
    var mayBeFlooded: Bool { isAtPort && !isCertain }
}

extension Correlator {
    /// The records of the kernel's packets that agree with a packet.
    mutating func kernelMatches(_ packet: PacketRecord) -> (slots: [PacketIndex<KernelOrigin>.Slot], areAll: Bool) {
        guard !kernel.isEmpty else { return ([], true) }
        var found: [PacketIndex<KernelOrigin>.Slot] = []
        let hashes = key.hashes(packet.ip)
        var areAll = kernelMatches(packet, along: kernel.walk(identity: hashes), into: &found)
        if found.isEmpty, packet.ip.version == .v4, packet.ip.isFragment {
            let walk = kernel.walk(datagram: packet.ip, hashes, key: key)
            areAll = kernelMatches(packet, along: walk, into: &found) && areAll
        }
        return (found, areAll)
    }

    private func kernelMatches(
        _ packet: PacketRecord, along chain: PacketIndex<KernelOrigin>.Walk,
        into found: inout [PacketIndex<KernelOrigin>.Slot]
    ) -> Bool {
        var walk = chain
        while let number = kernel.next(&walk) {
            guard window.holds(kernel[number].first, kernel[number].last, packet),
                compare(packet.ip, with: kernel[number].packet, segmentSize: 0).agrees
            else { continue }
            found.append(kernel[number])
        }
        return !walk.wasCutShort
    }

    mutating func kernelVerdict(_ packet: PacketRecord) -> Verdict? {
        let (matches, areAll) = kernelMatches(packet)
        guard !matches.isEmpty else { return nil }
        if matches.contains(where: \.origin.isTunnel) {
            return tunnelVerdict(matches, mayNameSender: areAll && !mayLackEqualOuter(packet))
        }
        // What the kernel sends through a bridge was recorded at the bridge too; what the bridge itself makes was not.
        if matches.allSatisfy(\.origin.mayBeFlooded), !packet.ip.isListenerQuery { return .unknown(.floodedUnrecorded) }
        let isCertain = isCertainlyKernel(matches)
        return Verdict(
            kind: .kernel, confidence: isCertain ? .exact : .probable, method: .packet,
            reason: isCertain ? .kernelSocket : .noSocketAtTransmit)
    }

    /// Whether records that agree with a packet leave no doubt that the kernel made it.
    func isCertainlyKernel(_ matches: [PacketIndex<KernelOrigin>.Slot]) -> Bool {
        matches.contains(where: \.origin.isTunnel)
            ? matches.allSatisfy(\.origin.isCertain) : matches.contains(where: \.origin.isCertain)
    }

    /// The kernel made it to carry another packet; whose that is, the send record of the packet inside tells.
    private mutating func tunnelVerdict(_ matches: [PacketIndex<KernelOrigin>.Slot], mayNameSender: Bool) -> Verdict {
        var senders: [Sender?] = []
        if mayNameSender { for match in matches { senders.append(innerSender(match)) } }
        let owners = Set(senders.map { $0?.owner })
        // Over IPv6 the outer packets of a flow may be equal while those inside are not.
        let sender = owners.count == 1 ? senders.first ?? nil : nil
        var verdict = Verdict(
            kind: .kernel, confidence: isCertainlyKernel(matches) ? .exact : .probable, method: .packet,
            reason: .wrapped(senderIsKnown: sender != nil))
        verdict.onBehalfOf = sender
        return verdict
    }

    /// The packet's own record may be missing, and an equal outer packet's, with another one inside, stand in its place.
    private func mayLackEqualOuter(_ packet: PacketRecord) -> Bool {
        guard !packet.ip.isDistinctive else { return false }
        let from = packet.time.advanced(by: -window.lookback)
        let lost = losses.count(
            [.wire, .send, .table], from: from, to: packet.time.advanced(by: window.lookahead))
        return lost > 0 || kernel.horizon >= from
    }

    /// The process that sent the packet inside, if that is certain.
    private mutating func innerSender(_ slot: PacketIndex<KernelOrigin>.Slot) -> Sender? {
        guard let inner = slot.origin.inner else { return nil }
        let carriers = carriers.count(
            key.identity(inner), from: slot.last.advanced(by: -window.lookback),
            to: slot.last.advanced(by: window.lookahead))
        var level = [inner]
        for _ in 0...Self.mostTranslations {
            var found: [Verdict] = []
            for ip in level {
                let packet = PacketRecord(time: slot.last, frame: 0, direction: .egress, ip: ip)
                let matches = gather(packet)
                guard carriers <= matches.accepted.reduce(0, { $0 + $1.records }) || matches.accepted.isEmpty else {
                    return nil
                }
                if let verdict = verdict(packet, from: matches) { found.append(verdict) }
            }
            if !found.isEmpty {
                guard found.count == 1, let verdict = found.first, verdict.confidence == .exact else { return nil }
                return verdict.sender
            }
            level = level.flatMap { ip in
                translations.before(ip, at: slot.last, lookahead: window.lookahead).map { ip.translated(back: $0) }
            }
            if level.isEmpty { return nil }
        }
        return nil
    }

    /// The kernel's copy of a packet that a process sent (TEE and the like) has the whole identity of the original.
    /// Which is which, the interfaces tell that the two were recorded at.
    ///
    /// - Parameter slots: the kernel's records that agree with the packet.
    func copyVerdict(
        _ packet: PacketRecord, of matches: SendMatches, _ slots: [PacketIndex<KernelOrigin>.Slot]
    ) -> Verdict? {
        guard !slots.isEmpty, let nearest = matches.nearest, nearest.comparison == .complete else { return nil }
        let copies = slots.filter { !$0.origin.isCertain && !$0.origin.isAtPort }
        guard !copies.isEmpty else { return nil }
        let isOriginal = matches.accepted.contains { sends[$0.slot].origin.interface == packet.egressIndex }
        let isCopy = copies.contains { $0.origin.interface == packet.egressIndex }
        guard packet.egressIndex != 0, isOriginal != isCopy else { return .unknown(.kernelAndProcess) }
        // Below a port that is a VLAN a flooded packet has no socket either.
        if isCopy, slots.contains(where: \.origin.mayBeFlooded) { return .unknown(.kernelAndProcess) }
        return isOriginal
            ? nil : Verdict(kind: .kernel, confidence: .probable, method: .packet, reason: .copiedAtTransmit)
    }
}

extension IPPacket {
    /// A multicast listener query (RFC 3810): the one packet that a bridge makes by itself.
    fileprivate var isListenerQuery: Bool { transport == .icmpv6 && icmpType == 130 && hopLimit == 1 }
}
