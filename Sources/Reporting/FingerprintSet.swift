/// A set of fingerprints, which are well mixed already and never 0.
struct FingerprintSet: Sendable {
    private var cells = [UInt64](repeating: 0, count: 1 << 10)
    /// How many there are.
    private(set) var count = 0

    /// Whether a fingerprint is in it.
    func contains(_ fingerprint: UInt64) -> Bool { cells[place(of: fingerprint)] == fingerprint }

    /// Adds a fingerprint.
    ///
    /// - Returns: false where it was there.
    mutating func insert(_ fingerprint: UInt64) -> Bool {
        let place = place(of: fingerprint)
        guard cells[place] != fingerprint else { return false }
        cells[place] = fingerprint
        count += 1
        if 2 * count > cells.count { grow() }
        return true
    }

    /// Where a fingerprint is, or would be. The upper bits: the lower ones may lead somebody who sends packets.
    private func place(of fingerprint: UInt64) -> Int {
        let mask = cells.count - 1
        var place = Int(truncatingIfNeeded: (fingerprint ^ Self.secret.0) &* Self.secret.1 >> 24) & mask
        while cells[place] != 0, cells[place] != fingerprint { place = (place + 1) & mask }
        return place
    }

    /// Drawn anew for every run: nobody can make destinations fall on one place.
    private static let secret = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

    private mutating func grow() {
        let old = cells
        cells = [UInt64](repeating: 0, count: 2 * old.count)
        for cell in old where cell != 0 { cells[place(of: cell)] = cell }
    }
}
