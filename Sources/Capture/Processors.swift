internal import CLibPcap

/// How many processors this process may use; 1 where that is not known.
public func processorCount() -> Int {
    // As many as cpu_set_t has room for.
    var set = [UInt64](repeating: 0, count: 1024 / 64)
    let size = unsafe set.withUnsafeMutableBytes { unsafe sched_getaffinity(0, $0.count, $0.baseAddress) }
    return size < 0 ? 1 : set.reduce(0) { $0 + $1.nonzeroBitCount }
}
