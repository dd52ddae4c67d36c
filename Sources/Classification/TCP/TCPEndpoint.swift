internal import Records

/// One end of a connection.
struct TCPEndpoint: Hashable, Sendable {
    let address: IPAddress
    let port: UInt16
}
