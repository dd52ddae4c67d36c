internal import Glibc
public import Records

/// The wall clock, in the form that captures and records use.
public func wallClock() -> Timestamp {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(seconds: Int64(now.tv_sec), nanoseconds: Int64(now.tv_nsec))
}

/// Nanoseconds of a clock that never jumps.
public func monotonicClock() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Sleeps for some milliseconds, or until a signal comes.
public func pause(milliseconds: Int) {
    usleep(UInt32(clamping: milliseconds * 1000))
}

/// Whether a descriptor takes bytes without making the caller wait; waits for it at most some milliseconds. A pipe that is
/// writable takes at least 4,096 bytes (pipe(7), PIPE_BUF).
public func isWritable(_ descriptor: CInt, milliseconds: CInt) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&request, 1, milliseconds) > 0
}

/// Waits until a descriptor is readable, at most some milliseconds.
public func waitUntilReadable(_ descriptor: CInt, milliseconds: CInt) {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&request, 1, milliseconds)
}
