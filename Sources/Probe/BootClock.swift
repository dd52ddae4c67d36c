internal import Glibc
public import Records

/// Maps the kernel's boot clock to the wall clock.
///
/// The difference moves when the wall clock is set or slewed, so it is measured again during the run.
public struct BootClock: Sendable {
    /// Nanoseconds to add to the boot clock.
    public private(set) var offset: Int64

    /// Below this the new measurement's own error may be the difference; nothing is gained by following it.
    private static let noise: Int64 = 2_000

    /// Measures the offset.
    public init() { offset = Self.measure() }

    /// Now on the boot clock, in nanoseconds.
    public static var now: UInt64 { UInt64(read(CLOCK_BOOTTIME)) }

    /// The wall-clock time of a boot-clock time.
    public func wallClock(_ bootTime: UInt64) -> Timestamp {
        Timestamp(nanoseconds: Int64(truncatingIfNeeded: bootTime) &+ offset)
    }

    mutating func update() {
        let measured = Self.measure()
        if abs(measured - offset) > Self.noise { offset = measured }
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The tightest of a few readings of the wall clock between two of the boot clock.
    private static func measure() -> Int64 {
        var best = (width: Int64.max, offset: Int64(0))
        for _ in 0..<5 {
            let before = read(CLOCK_BOOTTIME)
            let wall = read(CLOCK_REALTIME)
            let after = read(CLOCK_BOOTTIME)
            if after - before < best.width {
                best = (after - before, wall - (before + (after - before) / 2))
            }
        }
        return best.offset
    }
}
