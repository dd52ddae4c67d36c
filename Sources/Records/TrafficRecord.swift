/// What evidence of other tools says of one packet, or of one step of a connection, and of the process it belongs to.
///
/// It holds less than a ``SendRecord``: mostly no IP id and no payload, and times of a clock that is not the capture's.
/// How far it may be believed is ``EvidenceTrust`` of the file it stands in.
public struct TrafficRecord: Hashable, Sendable {
    /// What the process did.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// It sent the packet.
        case sent
        /// It received the packet.
        case received
        /// It opened the connection.
        case connected
        /// It took the connection that the other side opened.
        case accepted
        /// The connection ended.
        case disconnected
        /// Something else that names the connection (a retransmission, a copy).
        case other
    }

    /// When; nil where the evidence has no time for it. Of a coarse clock many records share one time: order and time
    /// then decide nothing. See ``EvidenceClock/resolution``.
    public var time: Timestamp?
    /// What the process did.
    public var action: Action
    /// UDP, ICMP or TCP.
    public var transport: IPPacket.Transport
    /// The address on the process's side.
    public var localAddress: IPAddress
    /// The address on the other side.
    public var remoteAddress: IPAddress
    /// The port on the process's side, or the ICMP echo identifier.
    public var localPort: UInt16
    /// The port on the other side, or the ICMP echo sequence number.
    public var remotePort: UInt16
    /// Whether it is known which side is the process's. False where a received packet's two addresses may both be, or
    /// neither: then the sides stand as destination (local) and source (remote).
    public var isOriented: Bool
    /// Payload bytes after the UDP, ICMP or TCP header, where known.
    public var payloadLength: UInt32?
    /// The process; nil where the evidence says that there is none or does not know it.
    public var pid: UInt32?
    /// The thread, where known.
    public var thread: UInt32?
    /// The packet's headers, where the evidence holds the packet itself.
    public var packet: IPPacket?
    /// The number by which the evidence tells appearances of one packet, where it has one.
    public var packetID: UInt64?
    /// Where it stands in the file, from 1: the line of a text, the packet's number in a pcapng.
    public var position: UInt64
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A record.
    public init(
        time: Timestamp?, action: Action, transport: IPPacket.Transport, localAddress: IPAddress,
        remoteAddress: IPAddress, localPort: UInt16, remotePort: UInt16, isOriented: Bool = true,
        payloadLength: UInt32? = nil, pid: UInt32?, thread: UInt32? = nil, packet: IPPacket? = nil,
        packetID: UInt64? = nil, position: UInt64, host: UInt16 = 0
    ) {
        self.time = time
        self.action = action
        self.transport = transport
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
        self.localPort = localPort
        self.remotePort = remotePort
        self.isOriented = isOriented
        self.payloadLength = payloadLength
        self.pid = pid
        self.thread = thread
        self.packet = packet
        self.packetID = packetID
        self.position = position
        self.host = host
    }
}

/// How far a file's word about who sent something may be believed, weakest first.
public enum EvidenceTrust: String, Hashable, Sendable, CaseIterable, Comparable {
    /// It names whichever process was running when the packet passed (etl2pcapng).
    case running
    /// It says what was there at one moment, not what was sent (tasklist, netstat).
    case snapshot
    /// Another tool or the system says who sent each packet, by addresses and lengths (kernel traces, ptcpdump).
    case stated
    /// This tool recorded each send with what identifies it and what proves it.
    case recorded

    /// Orders by trust.
    public static func < (left: EvidenceTrust, right: EvidenceTrust) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .running: 0
        case .snapshot: 1
        case .stated: 2
        case .recorded: 3
        }
    }
}

/// What is known of the clock behind an evidence file's times.
public struct EvidenceClock: Hashable, Sendable {
    /// How it relates to the clock of a capture taken at the same time.
    public enum Relation: String, Hashable, Sendable {
        /// The very clock that captures on that machine have.
        case captures
        /// A clock of its own: captures may be off by a time zone and a skew.
        case foreign
        /// The file has no times.
        case none
    }

    /// How it relates to captures.
    public var relation: Relation
    /// The nanoseconds between two times that it can tell apart, as far as known: stamps nearer than that are one.
    public var resolution: Int64
    /// What it is, as a phrase: `FILETIME, 100 ns, advancing every 15.625 ms`.
    public var description: String

    /// A clock.
    public init(relation: Relation, resolution: Int64, description: String) {
        self.relation = relation
        self.resolution = resolution
        self.description = description
    }
}
