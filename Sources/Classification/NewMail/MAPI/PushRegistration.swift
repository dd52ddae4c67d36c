public import Records

/// A client's wish to be told of new mail by datagram: EcRRegisterPushNotification (MS-OXCRPC 3.1.4.5).
public struct PushRegistration: Hashable, Sendable {
    /// An address and a UDP port.
    public struct Callback: Hashable, Sendable {
        /// Where the client wants the datagrams.
        public let address: IPAddress
        /// The UDP port it listens on.
        public let port: UInt16
    }

    /// Why a registration does not hold any more.
    public enum EndCause: String, Hashable, Sendable {
        /// EcDoDisconnect.
        case disconnected = "the client disconnected"
        /// EcRUnregisterPushNotification.
        case unregistered = "the client took it back"
        /// Another registration on the same session.
        case replaced = "the client registered anew"
        /// FIN or RST.
        case connectionEnded = "the connection ended"
        /// The response's handle was zero.
        case sessionDestroyed = "the server destroyed the session"
        /// The server answered with a fault or with a status other than 0.
        case refused = "the server refused it"
        /// The tables were full.
        case lostTrack = "the connection was not followed any more"
    }

    /// How and where a registration ended.
    public struct End: Hashable, Sendable {
        /// Why.
        public let cause: EndCause
        /// Where.
        public let seen: Sighting
    }

    /// The client's end of the connection.
    public let client: IPAddress
    /// The client's TCP port.
    public let clientPort: UInt16
    /// The server's end of the connection; on a cluster, the virtual server's.
    public let server: IPAddress
    /// The server's TCP port.
    public let serverPort: UInt16
    /// Where the datagrams go; nil where the request is encrypted.
    public let callback: Callback?
    /// What the datagrams hold: 1 to 16 bytes; nil where the request is encrypted.
    public let context: PayloadPrefix?
    /// The security trailer's level (MS-RPCE 2.2.1.1.8), 0 without one; 6 is encrypted.
    public let authLevel: UInt8
    /// A bind of emsmdb was seen; without it the request was recognised by its structure alone.
    public let hasBind: Bool
    /// The request.
    public let requested: Sighting
    /// The response, where it was seen.
    public internal(set) var answered: Sighting?
    /// The response's status; nil where it was not seen or is encrypted.
    public internal(set) var status: UInt32?
    /// How it ended, where it did.
    public internal(set) var end: End?

    /// The session on its connection; nil where it is encrypted.
    let handle: ContextHandle?
    let connection: UInt64
    let callID: UInt32

    /// The request is encrypted: port and context are not known.
    public var isSealed: Bool { callback == nil }

    /// Answered by `time`. An answer that refuses is also an end.
    func isAnswered(by time: Timestamp) -> Bool { answered.map { $0.time <= time } ?? false }
}
