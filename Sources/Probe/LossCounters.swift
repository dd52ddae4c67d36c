internal import CAttributionEvents
internal import Records
internal import Synchronization

/// The kernel's counts of records that did not fit, by kind.
struct LossCounters: ~Copyable {
    private static let kinds = Int(ATTRIBUTION_KINDS.rawValue)

    private let shared: SharedMemory
    private var counted = [UInt64](repeating: 0, count: kinds)
    private var since: Timestamp

    init(_ object: borrowing AttributionObject, since: Timestamp) throws(ProbeError) {
        shared = try SharedMemory(object)
        self.since = since
    }

    /// What was lost between the last call and this one.
    ///
    /// - Parameter now: asked before and after the counters are read: this program may be stopped in between, and what
    ///   is lost meanwhile belongs to this interval, or to this and the next.
    mutating func update(now: () -> Timestamp, _ report: (LossInterval) -> Void) {
        let before = now()
        var losses: [LossInterval] = []
        for index in counted.indices {
            let total = total(index)
            guard total != counted[index] else { continue }
            losses.append(
                LossInterval(kind: Self.kind(index), count: total &- counted[index], start: since, stop: before))
            counted[index] = total
        }
        if !losses.isEmpty {
            let after = now()
            for index in losses.indices {
                losses[index].stop = after
                report(losses[index])
            }
        }
        since = before
    }

    /// All that was lost so far.
    var totals: [LossInterval.Kind: UInt64] {
        var totals: [LossInterval.Kind: UInt64] = [.send: 0, .wire: 0, .process: 0]
        for index in counted.indices { totals[Self.kind(index), default: 0] += counted[index] }
        return totals
    }

    private func total(_ index: Int) -> UInt64 {
        unsafe withUnsafeMutablePointer(to: &shared.content.pointee.lost_records) { counts in
            unsafe (UnsafeMutableRawPointer(counts) + index * MemoryLayout<UInt64>.size)
                .assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .relaxed)
        }
    }

    private static func kind(_ index: Int) -> LossInterval.Kind {
        switch UInt32(index) {
        case ATTRIBUTION_KIND_SEND.rawValue: .send
        case ATTRIBUTION_KIND_PROCESS.rawValue: .process
        default: .wire
        }
    }
}
