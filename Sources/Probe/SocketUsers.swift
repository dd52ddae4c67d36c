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
        /// The only process that used the socket; less certain where the socket is older than the recording of uses.
        case one(attribution_task, isCertain: Bool)
        /// Several used it, and nothing tells whose packet this is.
        case several([attribution_task])
    }

    private struct User {
        /// As it was when it used the socket last.
        var task: attribution_task
        var first: UInt64
        var usedOneThread = true
        /// It used the socket from more than one image: which of them sent a packet is not known.
        var changedImage = false
    }

    /// All that is known of one socket.
    private struct Uses {
        var users: [User] = []
        /// There were more users than are kept.
        var isOverfull = false
    }

    /// How often the queues are worth a look of their own, for them to be seen empty: nanoseconds from the beginning.
    static let eagerness: UInt64 = 5_000_000_000
    /// A use is recorded when the send returns, which may be after the packet was re-injected. So long is waited.
    static let patience: UInt64 = 100_000_000
    private static let mostUsers = 16

    private var recent: [UInt64: Uses] = [:]
    private var older: [UInt64: Uses] = [:]
    private let half: Int
    /// From this moment on no use was missed; nil before uses are recorded at all.
    private(set) var recordedSince: UInt64?
    /// When every queue was seen empty after that: what is re-injected later was sent while uses were recorded.
    private(set) var emptySince: UInt64?

    init(capacity: Int = 1 << 15) { half = max(capacity / 2, 1) }

    /// Uses are recorded from this moment on, or again: what is known from before is not all.
    mutating func begin(at time: UInt64) {
        recent = [:]
        older = [:]
        recordedSince = time
        emptySince = nil
    }

    /// Packets that were sent before uses were recorded may still wait in a queue.
    var awaitsEmptyQueues: Bool { recordedSince != nil && emptySince == nil }

    /// Every queue was empty at some moment before `time`, after uses were recorded.
    mutating func noteEmptyQueues(at time: UInt64) {
        if awaitsEmptyQueues { emptySince = time }
    }

    mutating func note(_ cookie: UInt64, _ task: attribution_task, time: UInt64) {
        var uses = recent[cookie] ?? older.removeValue(forKey: cookie) ?? Uses()
        if let index = uses.users.firstIndex(where: {
            $0.task.tgid == task.tgid && $0.task.start_time == task.start_time
        }) {
            if uses.users[index].task.tid != task.tid { uses.users[index].usedOneThread = false }
            if uses.users[index].task.image_version != task.image_version { uses.users[index].changedImage = true }
            uses.users[index].task = task
        } else if uses.users.count == Self.mostUsers {
            uses.isOverfull = true
        } else {
            uses.users.append(User(task: task, first: time))
        }
        if recent[cookie] == nil, recent.count >= half {
            // Whoever used a socket that is forgotten here could be taken for somebody who never did.
            if !older.isEmpty {
                recordedSince = recordedSince.map { max($0, time) }
                emptySince = nil
            }
            older = recent
            recent = [:]
        }
        recent[cookie] = uses
    }

    /// Who can have sent a packet that was re-injected.
    ///
    /// A packet can be held for as long as its daemon likes, so that no user is too old to be the sender.
    ///
    /// - Parameters:
    ///   - created: when the packet's socket was made, where that is known. All uses of a socket that is younger than
    ///     the recording are known; of an older one those since every queue was seen empty.
    ///   - seesEveryUse: uses of every kind are recorded; else only those of unconnected UDP.
    func answer(_ packet: attribution_send, created: UInt64?, seesEveryUse: Bool) -> Answer {
        let state = UInt32(packet.socket)
        let isUDP = state & ATTRIBUTION_SOCKET_UDP.rawValue != 0
        guard let recordedSince, state & ATTRIBUTION_SOCKET_ENCAPSULATES.rawValue == 0,
            seesEveryUse || isUDP && state & ATTRIBUTION_SOCKET_CONNECTED.rawValue == 0
        else { return .nobody }
        let isWhole = created.map { $0 >= recordedSince } ?? false
        guard isWhole || emptySince.map({ packet.time >= $0 }) ?? false else { return .nobody }
        let uses = recent[packet.socket_cookie] ?? older[packet.socket_cookie] ?? Uses()
        let users = uses.users.filter { $0.first <= packet.time + Self.patience }
        // A kernel thread that sends on a user's socket (NFS, a tunnel) carries it for somebody.
        guard !users.isEmpty, !uses.isOverfull,
            !users.contains(where: { $0.changedImage || $0.task.flags & Self.kernelThread != 0 })
        else { return .nobody }
        guard users.count == 1, let user = users.first else { return .several(users.map(Self.task)) }
        return .one(Self.task(user), isCertain: isWhole && seesEveryUse)
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
