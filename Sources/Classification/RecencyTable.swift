/// A table with a fixed capacity that forgets the entry that was not touched for longest.
///
/// What is forgotten depends on the order of calls alone, never on hash values, so that a replay forgets the same.
struct RecencyTable<Key: TableKey, Value: Sendable>: Sendable {
    /// A place in the table that may have been given to another key since.
    struct Reference: Hashable, Sendable {
        fileprivate let slot: Int32
        fileprivate let generation: UInt32
    }

    private struct Entry: RecencyLinked {
        var key: Key
        var value: Value
        var newer: Int32
        var older: Int32
        var generation: UInt32
    }

    private let capacity: Int
    private var slots = SlotIndex()
    private var entries: [Entry] = []
    private var order = RecencyOrder()

    init(capacity: Int) { self.capacity = min(max(capacity, 1), Int(Int32.max)) }

    /// Makes room for all entries now, so that none is made for a packet later.
    mutating func reserveCapacity() {
        slots.reserve(capacity)
        entries.reserveCapacity(capacity)
    }

    /// How many entries there are.
    var count: Int { entries.count }

    /// The value of a key, without touching it.
    subscript(key: Key) -> Value? {
        guard let slot = find(key) else { return nil }
        return entries[Int(slot)].value
    }

    /// The value at a place, unless another key has taken it.
    subscript(reference: Reference) -> Value? {
        let entry = entries[Int(reference.slot)]
        return entry.generation == reference.generation ? entry.value : nil
    }

    /// Touches a key, with a new value where it is not there, and lets `body` change the value.
    @discardableResult
    mutating func touch(_ key: Key, default makeValue: () -> Value, _ body: (inout Value) -> Void = { _ in })
        -> Reference
    {
        let slot: Int32
        if order.newest >= 0, entries[Int(order.newest)].key == key {
            slot = order.newest
        } else if let found = find(key) {
            slot = found
            order.unlink(slot, in: &entries)
            order.linkNewest(slot, in: &entries)
        } else {
            slot = place(key, makeValue())
            order.linkNewest(slot, in: &entries)
        }
        body(&entries[Int(slot)].value)
        return Reference(slot: slot, generation: entries[Int(slot)].generation)
    }

    @inline(__always)
    private func find(_ key: Key) -> Int32? { slots.find(key.mixed) { entries[Int($0)].key == key } }

    private mutating func place(_ key: Key, _ value: Value) -> Int32 {
        if entries.count < capacity {
            let slot = Int32(entries.count)
            entries.append(Entry(key: key, value: value, newer: -1, older: -1, generation: 0))
            slots.insert(key.mixed, slot)
            return slot
        }
        let slot = order.oldest
        order.unlink(slot, in: &entries)
        slots.remove(entries[Int(slot)].key.mixed, slot)
        entries[Int(slot)].key = key
        entries[Int(slot)].value = value
        entries[Int(slot)].generation &+= 1
        slots.insert(key.mixed, slot)
        return slot
    }
}
