/// An entry of a table that knows its neighbours in the order of use by their slots; -1 for none.
protocol RecencyLinked {
    var newer: Int32 { get set }
    var older: Int32 { get set }
}

/// The order in which a table's entries were used: the ends of a list that runs through the entries themselves, so that
/// using one touches no memory besides.
struct RecencyOrder: Sendable {
    /// The slot that was used last; -1 in an empty table.
    private(set) var newest: Int32 = -1
    /// The slot that was not used for longest; -1 in an empty table.
    private(set) var oldest: Int32 = -1

    /// Takes an entry out of the order.
    @inline(__always)
    mutating func unlink<Entry: RecencyLinked>(_ slot: Int32, in entries: inout [Entry]) {
        let (newer, older) = (entries[Int(slot)].newer, entries[Int(slot)].older)
        if newer >= 0 { entries[Int(newer)].older = older } else { newest = older }
        if older >= 0 { entries[Int(older)].newer = newer } else { oldest = newer }
    }

    /// Puts an entry that is not in the order at its new end.
    @inline(__always)
    mutating func linkNewest<Entry: RecencyLinked>(_ slot: Int32, in entries: inout [Entry]) {
        entries[Int(slot)].newer = -1
        entries[Int(slot)].older = newest
        if newest >= 0 { entries[Int(newest)].newer = slot } else { oldest = slot }
        newest = slot
    }
}
