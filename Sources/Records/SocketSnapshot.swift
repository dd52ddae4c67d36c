/// What the socket tables of one network namespace said at one reading, and who held the sockets.
///
/// It says nothing of what was sent: only who could have.
public struct SocketSnapshot: Sendable {
    /// When the reading began: sockets that were opened later are not in it.
    public var began: Timestamp
    /// When the reading ended: sockets that were closed earlier may still be in it.
    public var ended: Timestamp
    /// UDP, ping and raw sockets.
    public var sockets: [OpenSocket]
    /// There are processes whose descriptors could not be looked at: any socket may have more holders than are listed.
    public var hidesProcesses: Bool
    /// What the machine's address translation does to sources.
    public var translations: SourceTranslations

    /// A reading.
    public init(
        began: Timestamp, ended: Timestamp, sockets: [OpenSocket], hidesProcesses: Bool = false,
        translations: SourceTranslations = .none
    ) {
        self.began = began
        self.ended = ended
        self.sockets = sockets
        self.hidesProcesses = hidesProcesses
        self.translations = translations
    }
}

/// A socket that can send UDP or ICMP packets.
public struct OpenSocket: Hashable, Sendable {
    /// What it can send.
    public enum Kind: Hashable, Sendable {
        /// Datagrams from its port.
        case udp
        /// Echo requests with its identifier.
        case ping
        /// Packets of one IP protocol, with any header; protocol 255 stands for all.
        case raw(UInt8)
    }

    /// What it can send.
    public var kind: Kind
    /// The local address; unspecified for a socket that takes any.
    public var address: IPAddress
    /// An IPv6 socket that also sends over IPv4.
    public var isDual: Bool
    /// The local port, or the ping socket's identifier; 0 where it has none.
    public var port: UInt16
    /// The socket's inode number; 0 for the kernel's own.
    public var inode: UInt64
    /// The processes that held it, as far as could be seen.
    public var holders: [SocketHolder]
    /// Somebody else held it too, who was gone or changed before he could be told.
    public var hasUnknownHolder: Bool

    /// A socket.
    public init(
        kind: Kind, address: IPAddress, isDual: Bool = false, port: UInt16, inode: UInt64,
        holders: [SocketHolder] = [], hasUnknownHolder: Bool = false
    ) {
        self.kind = kind
        self.address = address
        self.isDual = isDual
        self.port = port
        self.inode = inode
        self.holders = holders
        self.hasUnknownHolder = hasUnknownHolder
    }
}

/// A process that held a socket, and which image it ran.
public struct SocketHolder: Hashable, Sendable {
    /// The process; its start time is rounded to the tick of procfs.
    public var process: ProcessKey
    /// Counts the images that were seen of it, from 1.
    public var imageVersion: UInt32

    /// A holder.
    public init(process: ProcessKey, imageVersion: UInt32) {
        self.process = process
        self.imageVersion = imageVersion
    }
}

/// A source address with the UDP port or echo identifier beside it.
public struct SourceEndpoint: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The UDP source port, or the echo identifier.
    public var port: UInt16

    /// An endpoint.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// What a machine's address translation does to the sources of packets that leave it.
public enum SourceTranslations: Hashable, Sendable {
    /// Nothing is translated.
    case none
    /// These endpoints are what translated sources became; no other was translated.
    case known(Set<SourceEndpoint>)
    /// Packets are passed on and connections tracked, but the table of connections cannot be read.
    case hidden
}
