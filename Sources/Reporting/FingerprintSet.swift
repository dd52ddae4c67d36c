/// A set of fingerprints, which are well mixed already and never 0.
struct FingerprintSet: Sendable {
    private var cells = [UInt64](repeating: 0, count: 1 << 10)
    /// Drawn anew: nobody can make destinations fall on one place.
    private let secret = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)
    /// How many there are.
    private(set) var count = 0

    /// Whether a fingerprint is in it.
    func contains(_ fingerprint: UInt64) -> Bool { cells[place(of: fingerprint)] == fingerprint }

    /// Adds a fingerprint.
    ///
    /// - Returns: false where it was there.
    mutating func insert(_ fingerprint: UInt64) -> Bool { note(fingerprint, limit: .max) == .new }

    /// What became of a fingerprint.
    enum Note {
        case new
        case known
        /// It is not in the set, which has as many as it may have.
        case beyondLimit
    }

    /// Adds a fingerprint if there are fewer than `limit`.
    @inline(__always)
    mutating func note(_ fingerprint: UInt64, limit: Int) -> Note {
        let place = place(of: fingerprint)
        if cells[place] == fingerprint { return .known }
        return add(fingerprint, at: place, limit: limit)
    }

    private mutating func add(_ fingerprint: UInt64, at place: Int, limit: Int) -> Note {
        guard count < limit else { return .beyondLimit }
        cells[place] = fingerprint
        count += 1
        if 2 * count > cells.count { grow() }
        return .new
    }

    /// Where a fingerprint is, or would be. The upper bits: the lower ones may lead somebody who sends packets.
    @inline(__always)
    private func place(of fingerprint: UInt64) -> Int {
        let mask = cells.count - 1
        var place = Int(truncatingIfNeeded: (fingerprint ^ secret.0) &* secret.1 >> 24) & mask
        while cells[place] != 0, cells[place] != fingerprint { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = cells
        cells = [UInt64](repeating: 0, count: 2 * old.count)
        for cell in old where cell != 0 { cells[place(of: cell)] = cell }
    }
}
