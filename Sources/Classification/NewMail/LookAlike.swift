internal import Records

/// A format whose datagrams can be taken for notifications, told by a validator of its own.
///
/// A new one is added to ``all``; its sentence then lowers whatever it matches to the form.
struct LookAlike: Sendable {
    /// What it is, for the sentence "against it: this is a valid …".
    let name: String
    /// Whether a datagram is one. Runs on the packet path: no allocation.
    let matches: @Sendable (IPPacket) -> Bool

    /// In the order in which they are asked.
    static let all: [LookAlike] = [
        // 3GPP TS 29.281, 7.2.1 and 7.3.2: version 1, GTP'less, a message length of 0, between the user plane's ports.
        LookAlike(name: "GTP-U echo or end marker") { packet in
            let (kind, length) = (packet.payloadPrefix.high >> 48, packet.payloadPrefix.high >> 32 & 0xFFFF)
            return (kind == 0x3001 || kind == 0x30FE) && length == 0
                && (packet.destinationPort == 2152 || packet.sourcePort == 2152)
        },
        // RFC 3550, 6.4.2 and 6.6: a receiver report without blocks, or a BYE of one source, of one word after the
        // header.
        LookAlike(name: "RTCP packet without report blocks") { packet in
            let head = packet.payloadPrefix.high >> 32
            return head == 0x80C9_0001 || head == 0x81CB_0001
        },
    ]

    /// The first that matches, by its place in ``all``.
    static func index(of packet: IPPacket) -> Int? {
        guard packet.payloadPrefix.count >= 8 else { return nil }
        return all.firstIndex { $0.matches(packet) }
    }
}
