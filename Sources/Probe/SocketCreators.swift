internal import CAttributionEvents
internal import Records

/// Who made each socket, by its cookie. Bounded: of two halves the older is let go when the newer is full, and a socket
/// that is forgotten, or older than the tool, has no known creator.
struct SocketCreators {
    private var recent: [UInt64: SocketCreator] = [:]
    private var older: [UInt64: SocketCreator] = [:]
    private let half: Int

    /// - Parameter capacity: sockets that are remembered at least half the time.
    init(capacity: Int = 1 << 16) { half = max(capacity / 2, 1) }

    mutating func note(_ cookie: UInt64, _ creator: SocketCreator) {
        if recent.count >= half {
            older = recent
            recent = [:]
        }
        recent[cookie] = creator
    }

    /// The creator, where it is known.
    subscript(cookie: UInt64) -> SocketCreator? { recent[cookie] ?? older[cookie] }
}
