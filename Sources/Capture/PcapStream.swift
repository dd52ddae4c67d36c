/// Who lends a stream its buffers.
protocol BufferExchange: AnyObject {
    /// The buffer to begin with.
    var firstBuffer: UnsafeMutableRawBufferPointer { get }
    /// Another buffer where the one in use holds bytes that are still needed; nil to go on with it.
    func nextBuffer() -> UnsafeMutableRawBufferPointer?
    /// What was unread of the buffer in use before the last ``nextBuffer()`` was copied out of it.
    func giveBack()
}

/// The bytes of a pcap savefile, in one buffer that two readers take from in turn: our own for ordinary records, libpcap
/// for everything else. Neither keeps bytes of its own, so either may go on where the other stopped.
@safe
final class PcapStream {
    /// Where the bytes come from.
    let input: CaptureInput
    /// Where in the (decompressed) file the next byte lies.
    private(set) var position: UInt64 = 0

    private var buffer: UnsafeMutableRawBufferPointer
    /// Of frames that are read ahead the bytes stay where they are while others are read.
    private var exchange: (any BufferExchange)?
    private var start = 0
    private var end = 0
    /// The input has no more: it is not asked again.
    private var hasEnded = false

    /// The most bytes that can be asked for at once: more than any ordinary record has.
    static let capacity = 512 * 1024
    /// How much is read at once: so much stays in the processor's nearer caches, beside the tables.
    private static let chunk = 64 * 1024
    /// The same where another thread reads: the fewer buffers, the fewer waits for the other thread.
    private static let sharedChunk = 128 * 1024

    init(_ input: CaptureInput) {
        self.input = input
        unsafe buffer = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit {
        // Otherwise it is the exchange's.
        if exchange == nil { unsafe buffer.deallocate() }
    }

    /// From now on the buffers, of ``capacity`` bytes, are somebody else's, until ``useOwnBuffer()``.
    func useBuffers(of exchange: any BufferExchange) {
        let own = unsafe buffer
        unsafe move(to: exchange.firstBuffer)
        unsafe own.deallocate()
        self.exchange = exchange
    }

    /// The buffers are not borrowed any more.
    func useOwnBuffer() {
        guard exchange != nil else { return }
        exchange = nil
        unsafe move(to: .allocate(byteCount: Self.capacity, alignment: 64))
    }

    /// Goes on with another buffer.
    private func move(to other: UnsafeMutableRawBufferPointer) {
        unsafe other.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
        unsafe buffer = other
        end -= start
        start = 0
    }

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

    /// Reads on until `count` bytes are held; never more often than that takes, since a pipe may have no more yet.
    private func fill(_ count: Int) -> Bool {
        guard count <= Self.capacity, !hasEnded else { return false }
        unsafe move(to: exchange?.nextBuffer() ?? buffer)
        exchange?.giveBack()
        let chunk = exchange == nil ? Self.chunk : Self.sharedChunk
        while end < count {
            let room = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[end..<min(Self.capacity, end + chunk)])
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
