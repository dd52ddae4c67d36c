/// A packet that the lab sent, as its sender tells it.
struct SentPacket: Decodable, Sendable {
    var row: String
    var mode: String
    var pid: Int
    var tid: Int
    var ppid: Int
    var name: String
    var threadName: String
    var executable: String
    var args: [String]
    var transport: String
    var source: String
    var destination: String
    var sourcePort: Int?
    var destinationPort: Int?
    var icmpType: Int?
    var icmpSequence: Int?
    /// The payload's length in bytes, of the whole datagram where it leaves in fragments.
    var length: Int
    /// How many packets it is on the wire.
    var packets: Int
    /// The first 16 bytes of the payload in hex.
    var prefix: String
    /// The addresses that translation gives it on its way, where it gives any.
    var seenSource: String?
    var seenDestination: String?

    enum CodingKeys: String, CodingKey {
        case row, mode, pid, tid, ppid, name, executable, args, source, destination, length, packets, prefix
        case threadName = "thread_name"
        case transport = "protocol"
        case sourcePort = "source_port"
        case destinationPort = "destination_port"
        case icmpType = "icmp_type"
        case icmpSequence = "icmp_seq"
        case seenSource = "seen_source"
        case seenDestination = "seen_destination"
    }

    var family: Family { source.contains(":") ? .ipv6 : .ipv4 }

    /// Whether these are its addresses, before or after translation.
    func hasAddresses(_ from: String, _ to: String) -> Bool {
        from == source && to == destination || isTranslated && from == translated.source && to == translated.destination
    }

    var isTranslated: Bool { seenSource != nil || seenDestination != nil }

    private var translated: (source: String, destination: String) {
        (seenSource ?? source, seenDestination ?? destination)
    }

    /// What tells the packet from every other one of the run.
    var identity: PacketIdentity {
        PacketIdentity(
            prefix: prefix, source: source, destination: destination, sourcePort: sourcePort,
            destinationPort: destinationPort, icmpSequence: icmpSequence)
    }
}

enum Family: String, CaseIterable, Codable, Sendable {
    case ipv4, ipv6
}

/// A packet's identity in the lab: its mark, or what the headers say where the payload has no room for one.
enum PacketIdentity: Hashable {
    case mark(String)
    case headers(source: String, destination: String, ports: [Int?], sequence: Int?)

    init(
        prefix: String, source: String, destination: String, sourcePort: Int?, destinationPort: Int?, icmpSequence: Int?
    ) {
        if prefix.count >= 16 {
            self = .mark(String(prefix.prefix(16)))
        } else {
            self = .headers(
                source: source, destination: destination, ports: [sourcePort, destinationPort], sequence: icmpSequence)
        }
    }
}
