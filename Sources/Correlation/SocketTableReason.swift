/// What the readings of the socket tables say about a packet's sender, each with how far from the packet they were made.
public enum SocketTableReason: Hashable, Sendable, CustomStringConvertible {
    /// One process alone held the sockets that could have sent it.
    case onlyHolder(SocketTie, SocketReadingSpan, isHidden: Bool)
    /// Several processes held sockets that could have sent it.
    case severalHolders(count: Int, SocketReadingSpan)
    /// One of those processes.
    case holder(SocketReadingSpan)
    /// No readings before and after it.
    case notRead
    /// It came in: socket tables tell only who may send.
    case cameIn
    /// Its source is not an address of the capture's namespace.
    case sourceNotOwn
    /// A later fragment, which has no ports to look a socket up by.
    case fragmentWithoutPorts
    /// ICMP that the kernel makes too, and that raw sockets may make.
    case kernelOrRawSocket
    /// No socket is bound to its source.
    case noSocket(SocketReadingSpan)
    /// A socket was bound to its source at one of the readings alone.
    case cameOrWent(SocketReadingSpan)
    /// Nothing but raw sockets could have sent the echo request.
    case rawSocketsOnly(count: Int, SocketReadingSpan)
    /// A socket that could have sent it is held by nobody who can be seen.
    case holderNotSeen(SocketReadingSpan)
    /// The socket's holder runs another program at the second reading.
    case imageChanged(SocketReadingSpan)
    /// A socket of the kernel's own is bound to its source port.
    case kernelSocket
    /// A socket of the kernel's own listens on its destination port: it may be a tunnel's.
    case kernelTunnelPort(UInt16)
    /// The connection tracker says that its source was another before.
    case translatedSource
    /// Its source may have been another before.
    case translationHidden

    /// The sentence.
    public var description: String {
        switch self {
        case .onlyHolder(let tie, let reading, let isHidden):
            let what =
                tie == .bound
                ? "the only process that held a socket it could have left by"
                : "the only process that held a raw socket it could have left by, and its id is the echo's identifier,"
            let doubt = isHidden ? "; there are processes that could not be looked at" : ""
            return "\(what) when the socket tables were read, \(reading)\(doubt); the send itself was not recorded"
        case .severalHolders(let count, let reading):
            return "\(count) processes held sockets it could have left by when the socket tables were read, \(reading)"
        case .holder(let reading):
            return "held a socket it could have left by when the socket tables were read, \(reading)"
        case .notRead: return "the socket tables were not read both shortly before and shortly after this packet"
        case .cameIn: return "came in: socket tables tell who may send from here, not what arrives"
        case .sourceNotOwn:
            return
                "its source is no address of this network namespace, and only this namespace's socket tables are read"
        case .fragmentWithoutPorts: return "a later fragment has no ports to look a socket up by"
        case .kernelOrRawSocket:
            return "the kernel sends such messages itself, and a socket table cannot tell them from a raw socket's"
        case .noSocket(let reading):
            return "no socket was bound to its source when the socket tables were read, \(reading)"
        case .cameOrWent(let reading):
            return "a socket with its source was there only at one of the readings of the socket tables, \(reading): "
                + "another may have had the port between them"
        case .rawSocketsOnly(let count, let reading):
            return
                "no ping socket had its identifier when the socket tables were read, \(reading), and raw sockets have "
                + "none to tell by (there were \(count) that could have sent it)"
        case .holderNotSeen(let reading):
            return
                "a socket it could have left by was held by no process that could be looked at when the socket tables "
                + "were read, \(reading)"
        case .imageChanged(let reading):
            return "the process that held the socket ran another program at the second reading of the socket tables, "
                + "\(reading)"
        case .kernelSocket: return "a socket of the kernel's own is bound to its source port"
        case .kernelTunnelPort(let port):
            return "a socket of the kernel's own has port \(port): it may be a tunnel's packet, which no process sent"
        case .translatedSource:
            return "the connection table says that its source was translated: its sender's socket has another one"
        case .translationHidden:
            return
                "this machine passes packets on and its connection table cannot be read: the source may be translated"
        }
    }

    /// The same without the figures of its packet: for counting packets of one kind together.
    public var withoutTimes: SocketTableReason {
        let none = SocketReadingSpan(before: 0, after: 0)
        return switch self {
        case .onlyHolder(let tie, _, let isHidden): .onlyHolder(tie, none, isHidden: isHidden)
        case .severalHolders(let count, _): .severalHolders(count: count, none)
        case .holder: .holder(none)
        case .noSocket: .noSocket(none)
        case .cameOrWent: .cameOrWent(none)
        case .rawSocketsOnly: .rawSocketsOnly(count: 0, none)
        case .holderNotSeen: .holderNotSeen(none)
        case .imageChanged: .imageChanged(none)
        case .notRead, .cameIn, .sourceNotOwn, .fragmentWithoutPorts, .kernelOrRawSocket, .kernelSocket,
            .kernelTunnelPort, .translatedSource, .translationHidden:
            self
        }
    }
}

extension Reason {
    /// The same without figures that differ from packet to packet, for what each packet would otherwise have a row of its own.
    public var withoutTimes: Reason {
        switch self {
        case .socketTables(let reason): .socketTables(reason.withoutTimes)
        case .resemblesEarlier: .resemblesEarlier(delay: 0)
        default: self
        }
    }
}

/// How far the readings of the socket tables were from a packet, in nanoseconds.
public struct SocketReadingSpan: Hashable, Sendable {
    /// From the end of the reading before it.
    public var before: Int64
    /// To the begin of the reading after it.
    public var after: Int64

    /// A span.
    public init(before: Int64, after: Int64) {
        self.before = before
        self.after = after
    }
}

/// What joins a packet with a socket.
public enum SocketTie: Hashable, Sendable {
    /// The socket is bound to its source port or identifier.
    case bound
    /// A raw socket whose holder's process id is the echo's identifier.
    case identifier
}

extension SocketReadingSpan: CustomStringConvertible {
    /// `0.120 s before and 0.131 s after this packet`
    public var description: String { "\(Self.seconds(before)) s before and \(Self.seconds(after)) s after this packet" }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let millis = (max(nanoseconds, 0) + 500_000) / 1_000_000
        let digits = String(millis % 1000)
        return "\(millis / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
