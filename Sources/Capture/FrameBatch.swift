internal import Records

/// Decoded frames and the bytes that they lie in.
///
/// One thread fills it and then another one uses it, never both at once: what hands it from one to the other orders
/// their accesses.
@safe
final class FrameBatch: @unchecked Sendable {
    @safe private struct Entry {
        var frame: ScannedFrame
        /// From the transport header on.
        var transport: UnsafeRawBufferPointer
    }

    /// Where a stream reads to.
    let buffer: UnsafeMutableRawBufferPointer
    /// No frame comes after these.
    var isLast = false
    private var entries: [Entry] = []
    /// Bytes of frames that libpcap read, which keeps only one at a time.
    private var copies = unsafe [UnsafeMutableRawBufferPointer]()

    init(capacity: Int) { unsafe buffer = .allocate(byteCount: capacity, alignment: 64) }

    deinit {
        removeAll()
        unsafe buffer.deallocate()
    }

    var isEmpty: Bool { entries.isEmpty }

    /// Adds a frame with its bytes from the transport header on; where they are not in the buffer they are copied.
    @inline(__always)
    func append(_ frame: ScannedFrame, transport: UnsafeRawBufferPointer) {
        unsafe entries.append(Entry(frame: frame, transport: lasting(transport)))
    }

    @inline(__always)
    private func lasting(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let place = bytes.baseAddress, let begin = unsafe buffer.baseAddress else { return unsafe bytes }
        let offset = unsafe place - UnsafeRawPointer(begin)
        return unsafe offset >= 0 && offset < buffer.count ? bytes : copied(bytes)
    }

    private func copied(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyMemory(from: bytes)
        unsafe copies.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    /// Hands out every frame in order.
    func forEach(_ body: (ScannedFrame, RawSpan) -> Void) {
        for index in entries.indices { unsafe body(entries[index].frame, entries[index].transport.bytes) }
    }

    /// Makes room for other frames.
    func removeAll() {
        entries.removeAll(keepingCapacity: true)
        while let copy = unsafe copies.popLast() { unsafe copy.deallocate() }
    }
}
