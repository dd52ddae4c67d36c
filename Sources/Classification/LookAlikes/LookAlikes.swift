internal import Records

/// Formats other than new mail that have 8 bytes of UDP payload, each with its own validator.
///
/// What they say is negative evidence only: an 8-byte datagram that is a well-formed message of another protocol is
/// probably that. Most are rules (``StarterPack``); where a rule cannot say it, it is code (``TextFormats``).
struct LookAlikes: Sendable {
    /// Every format, in the order in which they are tried.
    static let catalogue: [Rule] = StarterPack.rules + TextFormats.allCases.map(\.rule)

    /// All that a rule of the starter pack says, in words that are compared without touching the rule: every 8-byte
    /// datagram is compared with all of them.
    private struct Validator {
        let mask: UInt64
        let value: UInt64
        let ports: ClosedRange<UInt16>

        init(_ rule: Rule) {
            mask = rule.pattern.mask.high
            value = rule.pattern.value.high
            ports = rule.eitherPorts.first ?? 0...UInt16.max
        }
    }

    // Of its own, since what is shared is looked for at each use.
    private let validators = StarterPack.rules.map(Validator.init)

    /// The format that a UDP packet has, by its place in ``catalogue``, if it is one of these.
    ///
    /// Pure: it depends on the packet alone. Nothing is made for a packet.
    func match(_ packet: IPPacket) -> Int? {
        guard packet.transport == .udp, packet.statedPayloadLength == 8, packet.payloadPrefix.count >= 8 else {
            return nil
        }
        let (bytes, source, destination) = (packet.payloadPrefix.high, packet.sourcePort, packet.destinationPort)
        for index in validators.indices where bytes & validators[index].mask == validators[index].value {
            let ports = validators[index].ports
            if ports.contains(destination) || ports.contains(source) { return index }
        }
        guard let format = TextFormats.format(of: packet.payloadPrefix, length: 8) else { return nil }
        return validators.count + format.rawValue
    }

    /// What speaks against new mail, as a sentence, for a place in ``catalogue``.
    static func sentence(_ index: Int) -> String {
        "against it: the payload is a well-formed message of another kind, \(catalogue[index].description)"
    }
}
