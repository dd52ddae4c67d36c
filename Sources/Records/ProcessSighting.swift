/// What evidence of other tools says of a process at one moment: an event of its life, or a line of a listing.
///
/// There is no start time and no image count as in ``ProcessRecord``; a pid that is used again is told by its start and
/// end events alone. Texts are in the lossless escape already.
public struct ProcessSighting: Hashable, Sendable {
    /// How the process came to be mentioned.
    public enum Occasion: String, Hashable, Sendable, CaseIterable {
        /// It started at this moment.
        case started
        /// It ended at this moment.
        case ended
        /// It was there when the trace began.
        case atBegin
        /// It was there when the trace ended.
        case atEnd
        /// It stands in a listing.
        case listed
        /// A packet's record names it.
        case named
    }

    /// How it came to be mentioned.
    public var occasion: Occasion
    /// When; nil for a listing that does not say when it was taken.
    public var time: Timestamp?
    /// The process id.
    public var pid: UInt32
    /// The parent's process id, where known.
    public var parent: UInt32?
    /// The image's name: `store.exe`. Nil where only other facts are known (a service's name in a netstat listing).
    public var imageName: String?
    /// The name may have been cut by the listing's column.
    public var isNameCut: Bool
    /// The image's path, where known.
    public var executable: String?
    /// The command line as one text, where known: how it splits into arguments is the program's own affair.
    public var commandLine: String?
    /// The user: a name or a security identifier, where known.
    public var user: String?
    /// The services that the process houses, where known.
    public var services: [String]
    /// The listing that it stands in.
    public var listing: Listing?
    /// Where it stands in the file, from 1: the line of a text, the packet's number in a pcapng.
    public var position: UInt64
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A sighting.
    public init(
        occasion: Occasion, time: Timestamp?, pid: UInt32, parent: UInt32? = nil, imageName: String? = nil,
        isNameCut: Bool = false, executable: String? = nil, commandLine: String? = nil, user: String? = nil,
        services: [String] = [], listing: Listing? = nil, position: UInt64, host: UInt16 = 0
    ) {
        self.occasion = occasion
        self.time = time
        self.pid = pid
        self.parent = parent
        self.imageName = imageName
        self.isNameCut = isNameCut
        self.executable = executable
        self.commandLine = commandLine
        self.user = user
        self.services = services
        self.listing = listing
        self.position = position
        self.host = host
    }
}

/// A listing of what was there at one moment. A file may hold several, one after another.
public struct Listing: Hashable, Sendable {
    /// What it lists.
    public enum Subject: String, Hashable, Sendable, CaseIterable {
        /// All processes: one that is not in it did not run (tasklist).
        case processes
        /// Sockets and who owns them (netstat).
        case sockets
    }

    /// What it lists.
    public var subject: Subject
    /// Its number in the file, from 1.
    public var number: UInt32
    /// The line at which it begins, from 1.
    public var line: UInt64
    /// When it was taken; nil where the file does not say.
    public var taken: Timestamp?

    /// A listing.
    public init(subject: Subject, number: UInt32, line: UInt64, taken: Timestamp?) {
        self.subject = subject
        self.number = number
        self.line = line
        self.taken = taken
    }
}

/// A socket of a listing, and the process that owned it then.
public struct SocketSighting: Hashable, Sendable {
    /// UDP or TCP.
    public var transport: IPPacket.Transport
    /// The local address; unspecified for a socket that takes any.
    public var localAddress: IPAddress
    /// The local port.
    public var localPort: UInt16
    /// The other side of a connection; nil where there is none.
    public var remoteAddress: IPAddress?
    /// The other side's port; nil where there is none.
    public var remotePort: UInt16?
    /// The connection's state as it was printed, which may be in any language; nil for UDP.
    public var state: String?
    /// The process that owned it; nil where the listing does not know it (a connection in TIME_WAIT is owned by 0).
    public var pid: UInt32?
    /// The listing that it stands in.
    public var listing: Listing
    /// The line, from 1.
    public var position: UInt64
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A sighting.
    public init(
        transport: IPPacket.Transport, localAddress: IPAddress, localPort: UInt16, remoteAddress: IPAddress? = nil,
        remotePort: UInt16? = nil, state: String? = nil, pid: UInt32?, listing: Listing, position: UInt64,
        host: UInt16 = 0
    ) {
        self.transport = transport
        self.localAddress = localAddress
        self.localPort = localPort
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
        self.state = state
        self.pid = pid
        self.listing = listing
        self.position = position
        self.host = host
    }
}
