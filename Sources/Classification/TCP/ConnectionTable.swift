internal import Records

/// Followed connections by their ends, in bounds; the one that was silent longest gives way.
struct ConnectionTable: Sendable {
    private struct Entry: RecencyLinked {
        var key: TupleFingerprint
        var connection: ControlConnection
        var newer: Int32 = -1
        var older: Int32 = -1
    }

    private let capacity: Int
    private var slots: [TupleFingerprint: Int32] = [:]
    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var order = RecencyOrder()

    init(capacity: Int) { self.capacity = min(max(capacity, 1), 1 << 20) }

    var isFull: Bool { slots.count >= capacity }

    /// The place of a connection, which becomes the latest.
    mutating func find(_ key: TupleFingerprint) -> Int? {
        guard let slot = slots[key] else { return nil }
        if slot != order.newest {
            order.unlink(slot, in: &entries)
            order.linkNewest(slot, in: &entries)
        }
        return Int(slot)
    }

    /// The connection at a place that ``find(_:)`` gave.
    subscript(place: Int) -> ControlConnection {
        get { entries[place].connection }
        _modify { yield &entries[place].connection }
    }

    /// Adds a connection; there must be room.
    mutating func insert(_ key: TupleFingerprint, _ connection: ControlConnection) -> Int {
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            entries[Int(slot)] = Entry(key: key, connection: connection)
        } else {
            slot = Int32(entries.count)
            entries.append(Entry(key: key, connection: connection))
        }
        slots[key] = slot
        order.linkNewest(slot, in: &entries)
        return Int(slot)
    }

    /// Takes out the connection that was silent longest.
    mutating func removeOldest() -> (key: TupleFingerprint, connection: ControlConnection)? {
        guard order.oldest >= 0 else { return nil }
        let key = entries[Int(order.oldest)].key
        return remove(key).map { (key, $0) }
    }

    /// Takes a connection out.
    @discardableResult
    mutating func remove(_ key: TupleFingerprint) -> ControlConnection? {
        guard let slot = slots.removeValue(forKey: key) else { return nil }
        order.unlink(slot, in: &entries)
        free.append(slot)
        let connection = entries[Int(slot)].connection
        entries[Int(slot)].connection = .none
        return connection
    }
}
