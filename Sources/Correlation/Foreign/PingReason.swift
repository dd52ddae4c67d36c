public import Records

/// Why a one-byte ping is thought to be a process's.
public enum PingReason: Hashable, Sendable {
    /// The process has a connection to the pinged server, and what else speaks for it.
    case owner(port: UInt16, ForeignReason.Place, [Support])
    /// Several processes have one.
    case several(count: Int)

    /// What speaks for a process besides its connection.
    public enum Support: Hashable, Sendable {
        /// It ended, and the pings stopped.
        case ended(Timestamp, lastPing: Timestamp, silentUntil: Timestamp, pingsReturn: Bool)
        /// It stands in one listing and not in a later one, and the pings stopped in between.
        case gone(listed: Timestamp, missing: Timestamp, lastPing: Timestamp)
        /// It started while there were no pings, and then they began.
        case started(Timestamp, firstPing: Timestamp)
    }
}

extension PingReason: CustomStringConvertible {
    /// The sentence.
    public var description: String {
        switch self {
        case .owner(let port, let place, let support):
            return "inferred, since no evidence shows pings: this process owns a TCP connection to the pinged server "
                + "on port \(port) (\(place))" + support.map { "; \($0)" }.joined()
        case .several(let count):
            return "inferred, since no evidence shows pings: \(count) processes own TCP connections to the pinged "
                + "server on LDAP ports"
        }
    }
}

extension PingReason.Support: CustomStringConvertible {
    /// The clause.
    public var description: String {
        switch self {
        case .ended(let end, let lastPing, let until, let pingsReturn):
            return "it ended at \(end) and the pings stopped: the last one was at \(lastPing), and there was none "
                + (pingsReturn ? "before \(until)" : "up to the capture's end at \(until)")
        case .gone(let listed, let missing, let lastPing):
            return "it stands in the listing of \(listed) and not in that of \(missing), and the pings stopped in "
                + "between, at \(lastPing)"
        case .started(let start, let firstPing):
            return "it started at \(start), when there were no pings, and the first one came at \(firstPing)"
        }
    }
}
