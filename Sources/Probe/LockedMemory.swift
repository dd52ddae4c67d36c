internal import Glibc

/// The limit of locked memory (getrlimit(2)), by which Linux counts BPF programs and maps before 5.11.
enum LockedMemory {
    private static let raisesLimit: UInt64 = 24  // CAP_SYS_RESOURCE, linux/capability.h

    /// Whether this kernel counts them by it; later ones count them as the control group's memory.
    static var countsBPF: Bool { HostFacts().kernelVersion.map { $0 < (5, 11) } ?? false }

    /// What refuses to load them: a limit that this process may not raise. In KiB; nil where nothing does.
    static var obstacle: UInt64? {
        var limit = rlimit()
        guard countsBPF, let capabilities = Probe.effectiveCapabilities(), capabilities >> raisesLimit & 1 == 0,
            unsafe getrlimit(CInt(__RLIMIT_MEMLOCK.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max
        else { return nil }
        return UInt64(limit.rlim_cur) / 1024
    }
}
