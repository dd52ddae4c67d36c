import Records

extension Coverage {
    /// Evidence of other tools covers no time: that a packet is not in it proves nothing.
    static let none = Coverage(start: .distantPast, stop: .distantPast, includesWire: false)

    /// Adds a loss; from `limit` on it widens the last one, a hostile file must not fill the memory.
    mutating func add(_ loss: LossInterval, limit: Int) {
        guard losses.count >= limit, let last = losses.indices.last else {
            losses.append(loss)
            return
        }
        losses[last].count &+= loss.count
        losses[last].start = min(losses[last].start, loss.start)
        losses[last].stop = max(losses[last].stop, loss.stop)
    }
}
