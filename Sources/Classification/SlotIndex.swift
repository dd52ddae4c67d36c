internal import Records

/// A key of a ``RecencyTable``.
protocol TableKey: Hashable, Sendable {
    /// 64 bits that depend on every bit of the key, and on a secret of this run: who sends packets cannot make keys fall
    /// on the same place. What a table does must not depend on it, so that a replay does the same.
    var mixed: UInt64 { get }
}

/// Drawn anew for every run.
private let secret = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

/// Folded multiplication (wyhash): every bit of the product depends on every bit of both.
@inline(__always)
func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
}

extension IPAddress: TableKey {
    var mixed: UInt64 { folded(low ^ secret.0, high ^ secret.1 ^ UInt64(version.rawValue) << 32) }
}

extension TupleFingerprint: TableKey {
    var mixed: UInt64 { folded(bits ^ secret.0, secret.1) }
}

/// Places in a list by their keys' mixed bits: open addressing with linear probing, at most half full.
struct SlotIndex: Sendable {
    private struct Cell {
        var mixed: UInt64 = 0
        /// -1 for none.
        var slot: Int32 = -1
    }

    private var cells = [Cell](repeating: Cell(), count: 16)
    private var count = 0

    /// Makes room for `count` keys.
    mutating func reserve(_ count: Int) { while cells.count < 2 * count { grow() } }

    /// The slot of a key, told from others with the same bits by `isSame`.
    @inline(__always)
    func find(_ mixed: UInt64, _ isSame: (Int32) -> Bool) -> Int32? {
        let mask = cells.count - 1
        var place = Int(truncatingIfNeeded: mixed) & mask
        while cells[place].slot >= 0 {
            if cells[place].mixed == mixed, isSame(cells[place].slot) { return cells[place].slot }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Adds a key that is not there.
    mutating func insert(_ mixed: UInt64, _ slot: Int32) {
        if 2 * (count + 1) > cells.count { grow() }
        count += 1
        put(Cell(mixed: mixed, slot: slot))
    }

    /// Takes a key out, and moves those up that lie behind it off their places.
    mutating func remove(_ mixed: UInt64, _ slot: Int32) {
        let mask = cells.count - 1
        var hole = Int(truncatingIfNeeded: mixed) & mask
        while cells[hole].slot != slot {
            guard cells[hole].slot >= 0 else { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        var next = (hole + 1) & mask
        while cells[next].slot >= 0 {
            let home = Int(truncatingIfNeeded: cells[next].mixed) & mask
            if (next - home) & mask >= (next - hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = Cell()
    }

    private mutating func put(_ cell: Cell) {
        let mask = cells.count - 1
        var place = Int(truncatingIfNeeded: cell.mixed) & mask
        while cells[place].slot >= 0 { place = (place + 1) & mask }
        cells[place] = cell
    }

    private mutating func grow() {
        let old = cells
        cells = [Cell](repeating: Cell(), count: 2 * old.count)
        for cell in old where cell.slot >= 0 { put(cell) }
    }
}
