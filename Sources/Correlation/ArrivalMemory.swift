import Records

/// What the machine's interfaces said lately of packets that came in: they go to few addresses, and each question is put to
/// every interface. Direct-mapped; to be begun anew where the interfaces change.
struct ArrivalMemory: Sendable {
    /// Where a packet came in.
    enum Arrival: UInt8, Sendable {
        /// On a device that no process of this machine sends on unseen, as far as is known.
        case outside
        /// On one on which it may, or that is not known.
        case here
        /// Out of a TUN or TAP device.
        case tunnel
    }

    /// All that the answer depends on.
    struct Question: Equatable, Sendable {
        private let destination: IPAddress
        private let mac: MACAddress?
        private let index: UInt32
        private let namespace: UInt32

        init(_ packet: PacketRecord) {
            destination = packet.ip.destination
            mac = packet.destinationMAC
            index = packet.ingressIndex
            namespace = packet.namespace
        }

        fileprivate var place: Int {
            let mixed = (destination.low ^ destination.high &* 31 ^ UInt64(index) << 32) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: mixed >> 56)
        }
    }

    private struct Entry: Sendable {
        let question: Question
        let arrival: Arrival
    }

    private var entries = [Entry?](repeating: nil, count: 256)

    subscript(question: Question) -> Arrival? {
        get {
            guard let entry = entries[question.place], entry.question == question else { return nil }
            return entry.arrival
        }
        set { entries[question.place] = newValue.map { Entry(question: question, arrival: $0) } }
    }
}
