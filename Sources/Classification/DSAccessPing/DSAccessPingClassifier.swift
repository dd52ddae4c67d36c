internal import PacketDecoding
internal import Records

/// A client and a directory server it uses.
struct DirectoryPair: TableKey {
    let client: IPAddress
    let server: IPAddress

    var mixed: UInt64 { folded(client.mixed, server.mixed &+ 1) }
}

/// Exchange's DSAccess pings every directory server it uses with one byte, 0x3F (KB 270836).
///
/// Probably it is the Windows LDAP client's own ping (MS-ADTS 7.5), so the tag names the pattern and not Exchange, and
/// there is no protocol state that could prove it: nothing is ever `confirmed` here.
struct DSAccessPingClassifier: Sendable {
    /// What is known of a ping of that form.
    struct Finding: Hashable, Sendable {
        /// Who asks whom.
        var pair: DirectoryPair
        /// An echo reply, which is the requester's doing.
        var isReply: Bool
        /// The ICMP identifier.
        var identifier: UInt16
        /// TCP from the client to this LDAP port of the server was seen.
        var directoryPort: UInt16?
        /// What was seen of the pair's pings, the packet's own time included.
        var pings = PingHistory()
        /// How many clients ping this server so.
        var clients: UInt32 = 1
        /// The request that a reply answers was seen.
        var answersRequest = false
        /// In which frame of the same capture.
        var requestFrame: UInt64?
    }

    /// What is known of one client's pings of one server.
    struct PingHistory: Hashable, Sendable {
        /// Requests of the form.
        var requests: UInt32 = 0
        /// Identifier, sequence number, capture and frame of the latest request.
        var latest = Request()
        /// The client also sends this server pings with one byte of another value, as a tool does.
        var hasOtherByte = false
        /// It also sends pings of 0 or 2048 bytes, as Group Policy does to find out how fast a link is.
        var hasSlowLinkTest = false

        /// An echo request, as far as its reply is told by it.
        struct Request: Hashable, Sendable {
            var identifier: UInt16 = 0
            var sequence: UInt16 = 0
            var capture: UInt16 = 0
            var frame: UInt64 = 0

            /// An echo has the identifier and sequence number of this request.
            func isAnswered(by echo: IPPacket) -> Bool {
                identifier == echo.sourcePort && sequence == echo.destinationPort
            }
        }
    }

    /// What a packet is.
    enum Observation {
        case unrelated
        case decided(Finding)
        case candidate(Finding)
    }

    static let payloadByte: UInt8 = 0x3F
    /// LDAP, LDAPS, and the global catalog without and with TLS (IANA).
    static let directoryPorts: [UInt16] = [389, 636, 3268, 3269]

    /// What Group Policy's test of a link's speed sends, beside empty pings.
    private static let slowLinkTestLength: UInt16 = 2048

    /// What is true of any packet that was a candidate.
    static let formTag = Tag(
        name: "dsaccess-ping", confidence: .shape, reasons: ["an echo with 1 payload byte, 0x3F, as DSAccess sends it"])

    private var pairs: RecencyTable<DirectoryPair, UInt16>
    private var pings: RecencyTable<DirectoryPair, PingHistory>
    private var servers: RecencyTable<IPAddress, UInt32>

    init(configuration: ClassifierConfiguration) {
        pairs = RecencyTable(capacity: configuration.directoryPairLimit)
        pings = RecencyTable(capacity: configuration.directoryPairLimit)
        servers = RecencyTable(capacity: configuration.directoryPairLimit)
    }

    /// Whether more of a packet has to be seen than a glance at it: TCP to a directory's ports, a ping of the form, and
    /// pings of the lengths that speak against it.
    @inline(__always)
    static func concerns(_ glance: PacketGlance) -> Bool {
        switch glance.transport {
        case .tcp: isDirectoryPort(glance.destinationPort)
        case .icmp, .icmpv6: glance.payloadLength <= 1 || glance.payloadLength == slowLinkTestLength
        case .udp, .other: false
        }
    }

    @inline(__always)
    private static func isDirectoryPort(_ port: UInt16) -> Bool {
        switch port {
        case 389, 636, 3268, 3269: true
        default: false
        }
    }

    /// Remembers who speaks with which directory server.
    mutating func observeTCP(_ packet: IPPacket) {
        guard Self.isDirectoryPort(packet.destinationPort) else { return }
        pairs.touch(
            DirectoryPair(client: packet.source, server: packet.destination), default: { packet.destinationPort })
    }

    /// Judges an ICMP packet.
    mutating func observePing(_ packet: PacketRecord) -> Observation {
        let ip = packet.ip
        let isReply = ip.isEchoReply
        guard isReply || ip.isEchoRequest, ip.icmpCode == 0, !ip.isFragment, !ip.isTruncated else { return .unrelated }
        let pair =
            isReply
            ? DirectoryPair(client: ip.destination, server: ip.source)
            : DirectoryPair(client: ip.source, server: ip.destination)
        guard ip.payloadLength == 1, ip.payloadPrefix.count > 0, ip.payloadPrefix[0] == Self.payloadByte else {
            if !isReply { noteOther(ip, pair) }
            return .unrelated
        }
        var finding = Finding(pair: pair, isReply: isReply, identifier: ip.sourcePort)
        if isReply {
            finding.pings = pings[pair] ?? PingHistory()
            let latest = finding.pings.latest
            finding.answersRequest = finding.pings.requests > 0 && latest.isAnswered(by: ip)
            if finding.answersRequest, latest.capture == packet.capture { finding.requestFrame = latest.frame }
        } else {
            note(packet, pair, &finding)
        }
        finding.clients = servers[pair.server] ?? 1
        if let port = pairs[pair] {
            finding.directoryPort = port
            return .decided(finding)
        }
        return .candidate(finding)
    }

    /// Notes a request of the form.
    private mutating func note(_ packet: PacketRecord, _ pair: DirectoryPair, _ finding: inout Finding) {
        if pings[pair] == nil { servers.touch(pair.server, default: { 0 }) { $0 += $0 < .max ? 1 : 0 } }
        var history = PingHistory()
        pings.touch(pair, default: PingHistory.init) { entry in
            // The same request, seen on another interface, is none of its own.
            let isNew = entry.requests == 0 || !entry.latest.isAnswered(by: packet.ip)
            entry.requests += isNew && entry.requests < .max ? 1 : 0
            entry.latest = PingHistory.Request(
                identifier: packet.ip.sourcePort, sequence: packet.ip.destinationPort, capture: packet.capture,
                frame: packet.frame)
            history = entry
        }
        finding.pings = history
    }

    /// Notes another ping of a pair that has pings of the form, which is what makes it worth noting.
    private mutating func noteOther(_ packet: IPPacket, _ pair: DirectoryPair) {
        guard pings.count > 0, pings[pair] != nil else { return }
        switch packet.payloadLength {
        // A byte that was not captured is not known to be another one.
        case 1 where packet.payloadPrefix.count > 0:
            pings.touch(pair, default: PingHistory.init) { $0.hasOtherByte = true }
        case 0, UInt32(Self.slowLinkTestLength):
            pings.touch(pair, default: PingHistory.init) { $0.hasSlowLinkTest = true }
        default: break
        }
    }

    /// Judges a candidate by what was seen until now.
    func decide(_ finding: Finding) -> Finding {
        var decided = finding
        decided.directoryPort = pairs[finding.pair]
        return decided
    }
}
