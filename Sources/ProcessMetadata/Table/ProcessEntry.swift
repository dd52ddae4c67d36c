internal import Records

/// One process of the table: its identity, its moments, and what was concluded from them.
struct ProcessEntry: Sendable {
    var host: UInt16
    var key: ProcessKey
    /// When it began, where known. The process id was another's before.
    var begin: Timestamp?
    /// When it ended, where known.
    var end: Timestamp?
    var parent: ProcessKey?
    /// The process it was copied from, where that is not the parent.
    var origin: ProcessKey?
    var innerPID: UInt32?
    var timeline = ProcessTimeline()
    /// The process began as a copy of another, and what that one ran is not known yet.
    var awaitsInheritance = false
    var threads: [ThreadMoment] = []
    var descriptions: [CachedDescription] = []
    var nextReplaced = 0
    /// Processes in the table that name this one as their parent.
    var children = 0

    // The place in one of the store's queues.
    var queue: EntryQueue.Name = .none
    var previous: Int32 = -1
    var next: Int32 = -1
    /// Asked for since it was last considered for eviction.
    var isRecentlyUsed = false

    /// The name of one thread from one moment on.
    struct ThreadMoment: Sendable {
        var thread: UInt32
        var since: Timestamp
        var name: TaskName
    }

    /// How many descriptions of one process (users, cgroups, images) are kept ready.
    static let descriptionLimit = 4
}

/// A finished description and what it is the answer to.
struct CachedDescription: Sendable {
    var version: UInt32
    var user: UInt32?
    var group: UInt32?
    var cgroup: UInt64
    /// It holds from this moment...
    var from: Timestamp
    /// ...up to, not including, this one.
    var until: Timestamp
    /// The table's revision it was made at.
    var revision: UInt64
    var description: ProcessDescription
}

/// A doubly linked list of entries through the store's array, the next to evict first.
struct EntryQueue: Sendable {
    /// Which of the store's queues an entry stands in.
    enum Name: Int, Sendable {
        /// Processes that run.
        case live
        /// Processes that ended.
        case exited
        /// Processes that ended but whose children are still in the table: they are needed to name parents.
        case ancestors
        /// None.
        case none
    }

    var head: Int32 = -1
    var tail: Int32 = -1
    var count = 0
}
