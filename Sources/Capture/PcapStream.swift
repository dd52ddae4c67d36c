/// The bytes of a pcap savefile, in one buffer that two readers take from in turn: our own for ordinary records, libpcap
/// for everything else. Neither keeps bytes of its own, so either may go on where the other stopped.
@safe
final class PcapStream {
    /// Where the bytes come from.
    let input: CaptureInput
    /// Where in the (decompressed) file the next byte lies.
    private(set) var position: UInt64 = 0

    private let ownBuffer: UnsafeMutableRawBufferPointer
    private var buffer: UnsafeMutableRawBufferPointer
    /// Where in the buffer the next byte lies.
    private(set) var start = 0
    private var end = 0
    /// The input has no more: it is not asked again.
    private var hasEnded = false

    /// The most bytes that can be asked for at once: more than any ordinary record has.
    static let capacity = 512 * 1024
    /// How much is read at once: so much stays in the processor's nearer caches until it was looked at, beside the tables.
    private static let chunk = 128 * 1024

    init(_ input: CaptureInput) {
        self.input = input
        unsafe ownBuffer = .allocate(byteCount: Self.capacity, alignment: 64)
        unsafe buffer = ownBuffer
    }

    deinit { unsafe ownBuffer.deallocate() }

    /// Goes on in a buffer of ``capacity`` bytes, its own for nil. The one in use is left as it is.
    func move(to other: UnsafeMutableRawBufferPointer?) {
        let other = unsafe other ?? ownBuffer
        unsafe other.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
        unsafe buffer = other
        end -= start
        start = 0
    }

    /// The buffer, as far as it is filled: what comes next begins at ``start``.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: buffer[..<end]) }

    /// How many bytes can be had without reading on.
    var heldCount: Int { end - start }

    /// The next `count` bytes without taking them, valid until the next call; nil where the file has fewer.
    @inline(__always)
    func peek(_ count: Int) -> UnsafeRawBufferPointer? {
        if end - start < count, !fill(count) { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
    }

    /// Takes bytes that ``peek(_:)`` showed.
    @inline(__always)
    func skip(_ count: Int) {
        start += count
        position += UInt64(count)
    }

    /// Takes at most as many bytes as fit.
    ///
    /// - Returns: how many, 0 only at the end.
    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        guard start < end || fill(1) else { return 0 }
        let count = min(end - start, target.count)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + count]))
        skip(count)
        return count
    }

    /// Reads on behind what the buffer holds, which stays where it is.
    ///
    /// - Returns: false where there is no room for that, or nothing more.
    func extend() -> Bool {
        guard !hasEnded, end + Self.chunk <= Self.capacity else { return false }
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[end..<end + Self.chunk])
        let got = unsafe input.read(into: room)
        end += got
        hasEnded = got == 0
        return got > 0
    }

    /// Reads on until `count` bytes are held; never more often than that takes, since a pipe may have no more yet.
    ///
    /// - Returns: false where the file has fewer.
    func fill(_ count: Int) -> Bool {
        guard count <= Self.capacity, !hasEnded else { return false }
        unsafe move(to: buffer)
        while end < count {
            let room = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[end..<min(Self.capacity, end + Self.chunk)])
            let got = unsafe input.read(into: room)
            if got == 0 {
                hasEnded = true
                return false
            }
            end += got
        }
        return true
    }
}
