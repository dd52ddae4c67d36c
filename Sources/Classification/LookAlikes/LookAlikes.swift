internal import Records

/// Formats other than new mail that have 8 bytes of UDP payload, each with its own validator.
///
/// What they say is negative evidence only: an 8-byte datagram that is a well-formed message of another protocol is
/// probably that. Most are rules (``StarterPack``); where a rule cannot say it, it is code (``TextFormats``).
enum LookAlikes {
    /// Every format, in the order in which they are tried.
    static let catalogue: [Rule] = StarterPack.rules + TextFormats.allCases.map(\.rule)

    private static let rules = StarterPack.rules.map(CompiledRule.init)

    /// The format that a UDP packet has, by its place in ``catalogue``, if it is one of these.
    ///
    /// Pure: it depends on the packet alone. Nothing is made for a packet.
    static func match(_ packet: IPPacket) -> Int? {
        guard packet.transport == .udp, let length = packet.statedPayloadLength else { return nil }
        let rules = rules
        for index in rules.indices where rules[index].matches(packet, length: length, direction: .unknown) {
            return index
        }
        guard let format = TextFormats.format(of: packet.payloadPrefix, length: length) else { return nil }
        return rules.count + format.rawValue
    }

    /// What speaks against new mail, as a sentence, for a place in ``catalogue``.
    static func sentence(_ index: Int) -> String {
        "against it: the payload is a well-formed message of another kind, \(catalogue[index].description)"
    }
}
