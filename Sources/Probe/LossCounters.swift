internal import CAttributionEvents
internal import CLibBPF
internal import Records

/// The kernel's counts of records that did not fit, by kind and CPU.
struct LossCounters {
    private let descriptor: CInt
    private var perCPU: [UInt64]
    private var counted = [UInt64](repeating: 0, count: Int(ATTRIBUTION_KINDS.rawValue))
    private var since: Timestamp

    init(descriptor: CInt, since: Timestamp) throws(ProbeError) {
        self.descriptor = descriptor
        self.since = since
        let cpus = libbpf_num_possible_cpus()
        try checkedLibbpf("counting the CPUs", cpus)
        perCPU = [UInt64](repeating: 0, count: Int(cpus))
    }

    /// What was lost between the last call and this one.
    ///
    /// - Parameter now: asked before and after the counters are read: this program may be stopped in between, and what
    ///   is lost meanwhile belongs to this interval, or to this and the next.
    mutating func update(now: () -> Timestamp, _ report: (LossInterval) -> Void) throws(ProbeError) {
        let before = now()
        var losses: [LossInterval] = []
        for index in counted.indices {
            var key = UInt32(index)
            try checkedLibbpf(
                "reading the loss counters", unsafe bpf_map_lookup_elem(descriptor, &key, &perCPU))
            let total = perCPU.reduce(0, &+)
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

    private static func kind(_ index: Int) -> LossInterval.Kind {
        switch UInt32(index) {
        case ATTRIBUTION_KIND_SEND.rawValue: .send
        case ATTRIBUTION_KIND_PROCESS.rawValue: .process
        default: .wire
        }
    }
}
