internal import CAttributionEvents

/// Which processes used a socket since uses are recorded: what is known of the sender of a packet that was held in a
/// netfilter queue and re-injected by its daemon.
///
/// Times are nanoseconds of the boot clock.
struct SocketUsers {
    /// What can be said of the sender of one re-injected packet.
    enum Answer {
        /// Nobody can be named.
        case nobody
        /// The only process that used the socket, ever or, less certain, about that time.
        case one(attribution_task, isCertain: Bool)
        /// Several used it, and nothing tells whose packet this is.
        case several([attribution_task])
    }

    private struct User {
        /// As it was when it used the socket last.
        var task: attribution_task
        var first: UInt64
        var last: UInt64
        var usedOneThread = true
    }

    /// Another process's use this long before the packet was re-injected makes it a candidate.
    static let window: UInt64 = 5_000_000_000
    /// A use is recorded when the send returns, which may be after the packet was re-injected. So long is waited.
    static let patience: UInt64 = 100_000_000
    private static let mostUsers = 16

    private var recent: [UInt64: [User]] = [:]
    private var older: [UInt64: [User]] = [:]
    private let half: Int
    /// Packets re-injected before this may have been sent when uses were not recorded yet, or were lost; nil while that
    /// is not known.
    private(set) var knownSince: UInt64?

    init(capacity: Int = 1 << 15) { half = max(capacity / 2, 1) }

    /// From this moment on every packet that is re-injected was sent while uses were recorded.
    mutating func setKnown(since time: UInt64) { knownSince = time }

    /// Uses were missed until `time`: what is known is not all.
    mutating func forget(at time: UInt64) {
        recent = [:]
        older = [:]
        knownSince = time + Self.window
    }

    mutating func note(_ cookie: UInt64, _ task: attribution_task, time: UInt64) {
        var users = recent[cookie] ?? older.removeValue(forKey: cookie) ?? []
        if let index = users.firstIndex(where: { $0.task.tgid == task.tgid && $0.task.start_time == task.start_time }) {
            if users[index].task.tid != task.tid { users[index].usedOneThread = false }
            users[index].task = task
            users[index].last = max(users[index].last, time)
        } else {
            if users.count == Self.mostUsers, let oldest = users.indices.min(by: { users[$0].last < users[$1].last }) {
                users.remove(at: oldest)
            }
            users.append(User(task: task, first: time, last: time))
        }
        if recent[cookie] == nil, recent.count >= half {
            // Whoever used a socket that is forgotten here could be taken for somebody who never did.
            if !older.isEmpty { knownSince = knownSince.map { max($0, time + Self.window) } }
            older = recent
            recent = [:]
        }
        recent[cookie] = users
    }

    /// Who can have sent a packet that was re-injected at `time`.
    ///
    /// - Parameter seesEveryUse: uses of every kind are recorded; else only those of unconnected UDP.
    func answer(_ packet: attribution_send, seesEveryUse: Bool) -> Answer {
        let state = UInt32(packet.socket)
        let isUDP = state & ATTRIBUTION_SOCKET_UDP.rawValue != 0
        guard let knownSince, packet.time >= knownSince, state & ATTRIBUTION_SOCKET_ENCAPSULATES.rawValue == 0,
            seesEveryUse || isUDP && state & ATTRIBUTION_SOCKET_CONNECTED.rawValue == 0
        else { return .nobody }
        let users = (recent[packet.socket_cookie] ?? older[packet.socket_cookie] ?? []).filter {
            $0.first <= packet.time + Self.patience
        }
        // A kernel thread that sends on a user's socket (NFS, a tunnel) carries it for somebody.
        guard !users.isEmpty, !users.contains(where: { $0.task.flags & Self.kernelThread != 0 }) else { return .nobody }
        let current = users.filter { $0.last + Self.window >= packet.time }
        let candidates = current.isEmpty ? users : current
        guard candidates.count == 1, let user = candidates.first else { return .several(candidates.map(Self.task)) }
        return .one(Self.task(user), isCertain: users.count == 1 && seesEveryUse)
    }

    /// Of several threads it is not known which.
    private static func task(_ user: User) -> attribution_task {
        var task = user.task
        if !user.usedOneThread {
            task.tid = 0
            task.comm = (0, 0)
        }
        return task
    }

    /// PF_KTHREAD of linux/sched.h.
    private static let kernelThread: UInt32 = 0x0020_0000
}
