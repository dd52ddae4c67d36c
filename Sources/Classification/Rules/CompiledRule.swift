internal import Records

/// A rule's form, laid out for comparing: nothing is made while packets are matched.
struct CompiledRule: Sendable {
    private let transports: Rule.Transports
    let payloadLength: ClosedRange<UInt32>
    private let pattern: PayloadPattern
    private let sourcePorts: [ClosedRange<UInt16>]
    private let destinationPorts: [ClosedRange<UInt16>]
    private let eitherPorts: [ClosedRange<UInt16>]
    private let icmpType: UInt8?
    private let icmpCode: UInt8?
    private let direction: Direction?
    private let hopLimit: ClosedRange<UInt8>

    init(_ rule: Rule) {
        transports = rule.transports
        // A payload shorter than the pattern cannot have it.
        payloadLength = rule.payloadLength ?? UInt32(rule.pattern.end)...UInt32.max
        pattern = rule.pattern
        sourcePorts = rule.sourcePorts
        destinationPorts = rule.destinationPorts
        eitherPorts = rule.eitherPorts
        icmpType = rule.icmpType
        icmpCode = rule.icmpCode
        direction = rule.direction
        hopLimit = rule.hopLimit ?? 0...UInt8.max
    }

    /// Whether it is about packets of this protocol.
    func concerns(_ transport: Rule.Transports) -> Bool { !transports.isDisjoint(with: transport) }

    /// Whether a packet of a protocol that the rule is about has the form.
    ///
    /// - Parameter length: the payload's length by ``IPPacket/statedPayloadLength``.
    func matches(_ packet: IPPacket, length: UInt32, direction: Direction) -> Bool {
        guard payloadLength.contains(length), pattern.matches(packet.payloadPrefix) else { return false }
        if packet.transport == .udp {
            let (source, destination) = (packet.sourcePort, packet.destinationPort)
            guard Self.contains(sourcePorts, source), Self.contains(destinationPorts, destination),
                Self.contains(eitherPorts, source) || Self.contains(eitherPorts, destination)
            else { return false }
        } else {
            if let icmpType, icmpType != packet.icmpType { return false }
            if let icmpCode, icmpCode != packet.icmpCode { return false }
        }
        if let wanted = self.direction, wanted != direction { return false }
        return hopLimit.contains(packet.hopLimit)
    }

    private static func contains(_ ranges: [ClosedRange<UInt16>], _ port: UInt16) -> Bool {
        if ranges.isEmpty { return true }
        for range in ranges where range.contains(port) { return true }
        return false
    }
}

extension IPPacket {
    /// The payload's length by the headers, of a first UDP fragment that of the whole datagram; nil where the headers
    /// were not captured or the packet is a fragment that does not say.
    var statedPayloadLength: UInt32? {
        if isTruncated { return nil }
        guard isFragment else { return payloadLength }
        return transport == .udp && fragmentOffset == 0 && udpLength >= 8 ? UInt32(udpLength) - 8 : nil
    }
}
