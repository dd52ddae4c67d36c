public import PacketDecoding
internal import Records

/// Frames that were read together, and the bytes that they lie in.
///
/// One thread fills it and then another one may use it, never both at once: what hands it from one to the other orders
/// their accesses.
@safe
public final class FrameBatch: @unchecked Sendable {
    /// How many frames there are.
    public private(set) var count = 0
    /// No frame comes after these.
    public internal(set) var isLast = false

    private let entries: UnsafeMutablePointer<GlancedFrame>
    /// The number of the first one in its capture, from 1.
    private var firstFrame: UInt64 = 1
    private var linkType: UInt16 = 0
    /// The stream's buffer.
    private var buffer = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where a stream reads to for this batch alone, if it does; of ``PcapStream/capacity`` bytes.
    let ownBuffer: UnsafeMutableRawBufferPointer?
    /// Frames that libpcap read, which keeps only one at a time: each behind a head as a record has it.
    private var copies: [UInt8] = []

    /// The most frames: so many that handing them over costs little, so few that they stay in the processor's caches.
    public static let capacity = 2048
    /// From so many bytes of copies on there is no room for more.
    private static let copyLimit = 512 * 1024

    /// - Parameter hasBuffer: its frames are to last while others are read.
    init(hasBuffer: Bool) {
        unsafe entries = .allocate(capacity: Self.capacity)
        unsafe ownBuffer = hasBuffer ? .allocate(byteCount: PcapStream.capacity, alignment: 64) : nil
    }

    deinit {
        // Nothing in a frame has to be given back.
        unsafe entries.deallocate()
        unsafe ownBuffer?.deallocate()
    }

    /// The frames in order; what a glance does not tell, ``decode(_:_:)`` does.
    public var frames: Span<GlancedFrame> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeStart: entries, count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The 1-based position of a frame in its capture.
    public func frameNumber(_ index: Int) -> UInt64 { firstFrame + UInt64(index) }

    /// Its frames lie in a buffer of its own.
    var hasBuffer: Bool { unsafe ownBuffer != nil }
    var isEmpty: Bool { count == 0 }
    /// The number of the last frame in its capture.
    var lastFrame: UInt64 { firstFrame + UInt64(count) - 1 }
    /// There is no room for another frame.
    var isFull: Bool { count == Self.capacity || copies.count >= Self.copyLimit }

    /// Makes room for the frames of a capture that come behind the one with the number `frame`.
    func begin(after frame: UInt64, linkType: UInt16) {
        count = 0
        firstFrame = frame + 1
        self.linkType = linkType
        isLast = false
        copies.removeAll(keepingCapacity: true)
    }

    /// Adds the frame of an ordinary record, unless ``isFull``.
    ///
    /// - Parameters:
    ///   - place: where in `buffer` the record begins.
    ///   - captured: how many bytes it has behind its head.
    @inline(__always)
    func append(
        _ time: Timestamp, at place: Int, captured: Int, original: Int, in buffer: UnsafeRawBufferPointer
    ) {
        let begin = place + RecordHead.size
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[begin..<begin + captured])
        let glance = unsafe PacketGlance(bytes.bytes, linkType: linkType, originalLength: original)
        unsafe self.buffer = buffer
        append(GlancedFrame(time: time, glance: glance, place: Int32(truncatingIfNeeded: place)))
    }

    /// Adds a copy of a frame, unless ``isFull``.
    func append(copying bytes: UnsafeRawBufferPointer, of frame: CapturedFrame) {
        let glance = unsafe PacketGlance(bytes.bytes, linkType: linkType, originalLength: frame.originalLength)
        // Below 0 it lies among the copies.
        let place = -1 - Int32(truncatingIfNeeded: copies.count)
        let head = RecordHead(
            seconds: 0, fraction: 0, captured: UInt32(clamping: bytes.count),
            original: UInt32(clamping: frame.originalLength))
        unsafe withUnsafeBytes(of: head) { unsafe copies.append(contentsOf: $0) }
        unsafe copies.append(contentsOf: bytes)
        append(GlancedFrame(time: frame.time, glance: glance, place: place))
    }

    @inline(__always)
    private func append(_ frame: GlancedFrame) {
        precondition(count < Self.capacity)
        unsafe (entries + count).initialize(to: frame)
        count += 1
    }

    /// Decodes a frame, and hands it to `body` with its bytes from the transport header on.
    public func decode<Result>(_ index: Int, _ body: (ScannedFrame, RawSpan) -> Result) -> Result {
        withFrame(index) { captured, bytes in
            let decoded = decodeFrame(bytes, linkType: linkType, originalLength: captured.originalLength)
            return body(ScannedFrame(captured, decoded), decoded.transport(of: bytes))
        }
    }

    /// Hands a frame to `body` with all its captured bytes.
    public func withFrame<Result>(_ index: Int, _ body: (CapturedFrame, RawSpan) -> Result) -> Result {
        let frame = frames[index]
        if frame.place >= 0 { return unsafe withFrame(frame, index, in: buffer, at: Int(frame.place), body) }
        return unsafe copies.withUnsafeBytes {
            unsafe withFrame(frame, index, in: $0, at: -1 - Int(frame.place), body)
        }
    }

    private func withFrame<Result>(
        _ frame: GlancedFrame, _ index: Int, in buffer: UnsafeRawBufferPointer, at place: Int,
        _ body: (CapturedFrame, RawSpan) -> Result
    ) -> Result {
        let head = unsafe RecordHead(buffer, at: place)
        let begin = place + RecordHead.size
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[begin..<begin + Int(head.captured)])
        let captured = CapturedFrame(
            time: frame.time, frame: frameNumber(index), linkType: linkType,
            originalLength: Int(max(head.original, head.captured)), capturedLength: bytes.count)
        return unsafe body(captured, bytes.bytes)
    }
}

/// What stands before each frame of a pcap file, in the byte order of this machine.
struct RecordHead {
    static let size = 16

    var seconds: UInt32
    /// Of a second, in the file's unit.
    var fraction: UInt32
    var captured: UInt32
    var original: UInt32
}

extension RecordHead {
    /// Reads the head that begins at `place` and lies wholly in `buffer`.
    @inline(__always)
    init(_ buffer: UnsafeRawBufferPointer, at place: Int) {
        seconds = unsafe buffer.loadUnaligned(fromByteOffset: place, as: UInt32.self)
        fraction = unsafe buffer.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
        captured = unsafe buffer.loadUnaligned(fromByteOffset: place + 8, as: UInt32.self)
        original = unsafe buffer.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
    }
}
