internal import Records

/// Which processes were looked at, and when they are to be looked at again: a file can be removed or replaced while it
/// runs. Asked for every packet, so that a look here costs next to nothing.
struct LookSchedule {
    /// What is known of the looks at a process.
    private struct Look {
        var version: UInt32
        /// The time of the packet that brought it about.
        var requested: Timestamp
        /// What is read is not in yet.
        var isOutstanding: Bool
    }

    private struct Recent {
        var key: ProcessKey
        var version: UInt32
        var due: Timestamp
    }

    /// Nanoseconds of capture time after which a process that still sends is looked at again.
    private static let interval: Int64 = 1_000_000_000
    private static let limit = 16_384

    private var looks: [ProcessKey: Look] = [:]
    private var recent = [Recent?](repeating: nil, count: 64)
    /// Looks of which something is still to come.
    private(set) var outstanding = 0

    /// Whether a process has to be looked at: its image is new, or the last look is too old.
    mutating func isDue(_ key: ProcessKey, version: UInt32, at time: Timestamp) -> Bool {
        let slot = Int(key.pid & 63)
        if let entry = recent[slot], entry.key == key, entry.version == version, time < entry.due { return false }
        guard let look = looks[key], look.version == version else { return true }
        let due = look.requested.advanced(by: Self.interval)
        guard time >= due else {
            recent[slot] = Recent(key: key, version: version, due: due)
            return false
        }
        return true
    }

    /// Notes that a process was asked for.
    mutating func begin(_ key: ProcessKey, version: UInt32, at time: Timestamp) {
        if looks.count >= Self.limit { removeAll() }
        if looks[key]?.isOutstanding != true { outstanding += 1 }
        looks[key] = Look(version: version, requested: time, isOutstanding: true)
    }

    /// Notes that all there is to learn from the look came in.
    mutating func end(_ key: ProcessKey) {
        guard looks[key]?.isOutstanding == true else { return }
        looks[key]?.isOutstanding = false
        outstanding -= 1
    }

    /// Has a process looked at anew with its next packet.
    mutating func forget(_ key: ProcessKey) {
        end(key)
        looks[key] = nil
        recent[Int(key.pid & 63)] = nil
    }

    /// Has every process looked at anew.
    mutating func removeAll() {
        looks.removeAll(keepingCapacity: true)
        for slot in recent.indices { recent[slot] = nil }
        outstanding = 0
    }

    /// When the look that is under way was asked for; nil where none is.
    func begun(_ key: ProcessKey) -> Timestamp? {
        guard outstanding > 0, let look = looks[key], look.isOutstanding else { return nil }
        return look.requested
    }
}
