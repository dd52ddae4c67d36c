internal import CAttributionEvents
internal import Records

/// Who made each socket, by its cookie. Bounded: of two halves the older is let go when the newer is full, and a socket
/// that is forgotten, or older than the tool, has no known creator.
struct SocketCreators {
    /// A socket's beginning.
    struct Creation {
        var creator: SocketCreator
        /// Nanoseconds of the boot clock.
        var time: UInt64
    }

    private var recent: [UInt64: Creation] = [:]
    private var older: [UInt64: Creation] = [:]
    private let half: Int

    /// - Parameter capacity: sockets that are remembered at least half the time.
    init(capacity: Int = 1 << 16) { half = max(capacity / 2, 1) }

    mutating func note(_ cookie: UInt64, _ creator: SocketCreator, time: UInt64) {
        if recent.count >= half {
            older = recent
            recent = [:]
        }
        recent[cookie] = Creation(creator: creator, time: time)
    }

    /// Who made the socket and when, where that is known.
    subscript(cookie: UInt64) -> Creation? { recent[cookie] ?? older[cookie] }
}
