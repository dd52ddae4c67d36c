internal import Glibc
internal import Synchronization

/// Reads a BPF ring buffer (Documentation/bpf/ringbuf.rst).
///
/// libbpf's own reader calls a C function for each record and does not tell where it stopped. Here a record costs no
/// indirect call, and ``drain(_:)`` says whether all that had been reserved before it began was read: the watermark
/// rests on that.
@safe
struct RingConsumer: ~Copyable {
    private static let busy: UInt32 = 1 << 31
    private static let discarded: UInt32 = 1 << 30
    private static let headerSize: UInt64 = 8
    /// How much is read before its room is given back.
    private static let releaseInterval: UInt64 = 65_536

    private let size: Int
    private let pageSize: Int
    private let consumerPage: UnsafeMutableRawPointer
    private let producerPages: UnsafeMutableRawPointer

    init(descriptor: CInt, size: Int) throws(ProbeError) {
        let pageSize = Int(getpagesize())
        self.size = size
        self.pageSize = pageSize
        let consumer = unsafe mmap(nil, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let consumer = unsafe consumer, unsafe consumer != MAP_FAILED else {
            throw .failed("mapping a ring buffer", errno: errno)
        }
        // The data is mapped twice in a row, so that a record that wraps is one span.
        let producer = unsafe mmap(nil, pageSize + 2 * size, PROT_READ, MAP_SHARED, descriptor, off_t(pageSize))
        guard let producer = unsafe producer, unsafe producer != MAP_FAILED else {
            let number = errno
            _ = unsafe munmap(consumer, pageSize)
            throw .failed("mapping a ring buffer", errno: number)
        }
        unsafe consumerPage = consumer
        unsafe producerPages = producer
    }

    deinit {
        _ = unsafe munmap(consumerPage, pageSize)
        _ = unsafe munmap(producerPages, pageSize + 2 * size)
    }

    /// Where the ring ends at this moment, for ``drain(until:_:)``.
    var end: UInt64 {
        unsafe producerPages.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
    }

    /// Calls `body` with each record up to `end`, or to where the ring ends when the call begins; does not wait.
    ///
    /// - Returns: false where a record that was reserved before that end is not finished yet: it and what follows come
    ///   with a later call.
    func drain(until end: UInt64? = nil, _ body: (RawSpan) -> Void) -> Bool {
        let consumer = unsafe consumerPage.assumingMemoryBound(to: Atomic<UInt64>.self)
        let end = end ?? self.end
        var position = unsafe consumer.pointee.load(ordering: .relaxed)
        var released = position
        while position < end {
            let record = unsafe producerPages + pageSize + Int(position & UInt64(size - 1))
            let header = unsafe record.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
            if header & Self.busy != 0 { break }
            let length = header & ~Self.discarded
            if header & Self.discarded == 0 {
                let bytes = unsafe UnsafeRawBufferPointer(start: record + Int(Self.headerSize), count: Int(length))
                unsafe body(bytes.bytes)
            }
            position += (UInt64(length) + Self.headerSize + 7) & ~7
            if position - released >= Self.releaseInterval {
                unsafe consumer.pointee.store(position, ordering: .releasing)
                released = position
            }
        }
        unsafe consumer.pointee.store(position, ordering: .releasing)
        return position >= end
    }
}
