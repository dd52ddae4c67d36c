internal import Records

/// A client and a directory server it speaks LDAP with.
struct DirectoryPair: Hashable, Sendable {
    let client: IPAddress
    let server: IPAddress
}

/// Exchange's DSAccess pings every directory server it uses with one byte, 0x3F (KB 270836).
struct DSAccessPingClassifier: Sendable {
    /// What is known of an echo request of that form.
    enum Finding: Hashable, Sendable {
        /// Nothing but its form.
        case form
        /// TCP from the same source to this LDAP port of the same server.
        case directory(port: UInt16)
    }

    /// What a packet is.
    enum Observation {
        case unrelated
        case decided(Finding)
        case candidate(DirectoryPair)
    }

    static let payloadByte: UInt8 = 0x3F
    /// LDAP, LDAPS, and the global catalog without and with TLS (IANA).
    static let directoryPorts: [UInt16] = [389, 636, 3268, 3269]

    private var pairs: RecencyTable<DirectoryPair, UInt16>
    private let formTag: Tag
    private let directoryTags: [UInt16: Tag]

    init(configuration: ClassifierConfiguration) {
        pairs = RecencyTable(capacity: configuration.directoryPairLimit)
        let form = "an echo request with 1 payload byte, 0x3F, as DSAccess sends it to its directory servers"
        formTag = Tag(name: "dsaccess-ping", confidence: .possible, reasons: [form])
        directoryTags = Dictionary(
            uniqueKeysWithValues: Self.directoryPorts.map { port in
                let seen = "TCP from the same source to port \(port) of the same server is in the capture"
                return (port, Tag(name: "dsaccess-ping", confidence: .probable, reasons: [form, seen]))
            })
    }

    /// Remembers who speaks with which directory server.
    mutating func observeTCP(_ packet: IPPacket) {
        switch packet.destinationPort {
        case 389, 636, 3268, 3269:
            pairs.touch(
                DirectoryPair(client: packet.source, server: packet.destination), default: { packet.destinationPort })
        default: break
        }
    }

    /// Judges an ICMP packet.
    func observePing(_ packet: IPPacket) -> Observation {
        guard packet.payloadLength == 1, packet.isEchoRequest, packet.icmpCode == 0, !packet.isFragment,
            !packet.isTruncated, packet.payloadPrefix.count > 0, packet.payloadPrefix[0] == Self.payloadByte
        else { return .unrelated }
        let pair = DirectoryPair(client: packet.source, server: packet.destination)
        if let port = pairs[pair] { return .decided(.directory(port: port)) }
        return .candidate(pair)
    }

    /// Judges a candidate by what was seen until now.
    func decide(_ pair: DirectoryPair) -> Finding {
        pairs[pair].map { .directory(port: $0) } ?? .form
    }

    /// The tag for a finding.
    func tag(_ finding: Finding) -> Tag {
        switch finding {
        case .form: formTag
        case .directory(let port): directoryTags[port] ?? formTag
        }
    }
}
