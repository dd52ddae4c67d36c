import Records

/// The coverage of a file while it is read: what is damaged or missing becomes a loss interval.
struct CoveredSpans {
    /// Records stand in the order in which the kernel's buffers were emptied, which is not quite that of time. A loss at
    /// a place in the file is widened by this much on both sides.
    private static let disorder: Int64 = 1_000_000_000
    /// From here on a new loss widens the last one of its kind: a hostile file must not fill the memory.
    private static let lossLimit = 10_000

    private(set) var coverage: Coverage
    /// The time of the last record.
    private(set) var lastTime: Timestamp?
    private var damageCount = 0
    private var isDamageOpen = false

    init(_ coverage: Coverage, kind: EvidenceKind) {
        self.coverage = coverage
        // An annotated capture holds what one interface saw. That a packet is not in it proves nothing about any other
        // capture, so it covers no time at all.
        if kind == .annotatedCapture {
            self.coverage.stop = coverage.start
            self.coverage.includesWire = false
        }
    }

    /// Notes that the block reader left something out before the current block.
    mutating func note(damageCount count: Int) {
        if count > damageCount { isDamageOpen = true }
        damageCount = count
    }

    /// A record or counters of this time were reached: a damaged place before it ends here.
    mutating func reached(_ time: Timestamp) -> LossInterval? {
        let before = lastTime ?? coverage.start
        lastTime = time
        guard isDamageOpen else { return nil }
        isDamageOpen = false
        let loss = LossInterval(
            kind: .send, count: 1, start: min(before, time).advanced(by: -Self.disorder),
            stop: max(before, time).advanced(by: Self.disorder))
        add(loss)
        return loss
    }

    /// Notes records that cannot be used; without a time they may have been of any moment.
    mutating func lose(_ count: UInt64, at time: Timestamp?) -> LossInterval {
        let loss = LossInterval(
            kind: .send, count: count, start: time ?? coverage.start, stop: time ?? coverage.stop ?? .distantFuture)
        add(loss)
        return loss
    }

    mutating func add(_ loss: LossInterval) {
        guard coverage.losses.count >= Self.lossLimit,
            let index = coverage.losses.lastIndex(where: { $0.kind == loss.kind })
        else {
            coverage.losses.append(loss)
            return
        }
        coverage.losses[index].count &+= loss.count
        coverage.losses[index].start = min(coverage.losses[index].start, loss.start)
        coverage.losses[index].stop = max(coverage.losses[index].stop, loss.stop)
    }

    /// Adds interfaces, and to known ones their new addresses: one that was ours for a while stays ours.
    mutating func add(_ interfaces: [HostInterface]) {
        for interface in interfaces {
            guard
                let index = coverage.interfaces.lastIndex(where: {
                    $0.index == interface.index && $0.namespace == interface.namespace && $0.name == interface.name
                })
            else {
                coverage.interfaces.append(interface)
                continue
            }
            let known = coverage.interfaces[index].addresses
            coverage.interfaces[index].addresses += interface.addresses.filter { !known.contains($0) }
            coverage.interfaces[index].mac = interface.mac ?? coverage.interfaces[index].mac
            if interface.isTunnel { coverage.interfaces[index].isTunnel = true }
            if interface.isVirtual { coverage.interfaces[index].isVirtual = true }
        }
    }

    /// The recording's own summary says until when it covers.
    mutating func close(_ stop: Timestamp) { coverage.stop = stop }

    /// There is no summary: nothing is covered after the last record.
    mutating func breakOff() -> Timestamp {
        let stop = lastTime ?? coverage.start
        coverage.stop = stop
        return stop
    }
}
