internal import Glibc
internal import PacketDecoding
internal import Records

/// Reads and decodes a capture file on another thread, ahead of whoever uses its frames.
///
/// The frames are those of ``Savefile/scan(while:)`` in the same order: reading and decoding them just goes on while those
/// before them are used. They are handed over by the buffer, so that neither thread waits for a single frame.
@safe
public final class ReadAhead {
    private let reader: AheadReader
    private var isReading = true

    /// Begins to read behind `frame`; nil where no thread can be made.
    init?(_ file: PcapFile, after frame: CapturedFrame) {
        reader = AheadReader(file, after: frame)
        guard reader.start() else { return nil }
    }

    deinit { stop() }

    /// Hands the next frames to `body`, each with its bytes from the transport header on.
    ///
    /// - Returns: false at the end of the file, or where it cannot be read any further.
    public func next(_ body: (ScannedFrame, RawSpan) -> Void) -> Bool {
        guard isReading, let batch = reader.filled.take() else { return false }
        batch.forEach(body)
        if batch.isLast {
            stop()
        } else {
            reader.free.put(batch)
        }
        return isReading
    }

    /// Ends the reading, wherever it is. Of the file nothing more than its damage may be asked for then.
    public func stop() {
        guard isReading else { return }
        isReading = false
        reader.stop()
    }
}

/// The reading thread's side.
@safe
final class AheadReader: BufferExchange, @unchecked Sendable {
    /// Batches to fill, and filled ones.
    let free = BatchQueue()
    let filled = BatchQueue()

    private let file: PcapFile
    private var thread = pthread_t()
    // The reading thread's alone while there is one.
    private var frame: CapturedFrame
    private var filling: FrameBatch
    private var full: FrameBatch?

    /// One is filled, one is used, and one each lies ready for either side.
    private static let batches = 4

    init(_ file: PcapFile, after frame: CapturedFrame) {
        self.file = file
        self.frame = frame
        filling = FrameBatch(capacity: PcapStream.capacity)
        for _ in 1..<Self.batches { free.put(FrameBatch(capacity: PcapStream.capacity)) }
    }

    /// Starts the thread; false where none can be made.
    func start() -> Bool {
        file.stream.useBuffers(of: self)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<AheadReader>.fromOpaque(argument).takeUnretainedValue().read()
                }
                return nil
            }, context)
        if status != 0 { file.stream.useOwnBuffer() }
        return status == 0
    }

    /// Waits for the thread's end, which is near.
    func stop() {
        free.close()
        pthread_join(thread, nil)
        file.stream.useOwnBuffer()
    }

    private func read() {
        var frame = frame
        while !isStopped, let bytes = unsafe file.advance(&frame) {
            let decoded = unsafe decodeFrame(
                bytes.bytes, linkType: frame.linkType, originalLength: frame.originalLength)
            let end = decoded.payloadOffset + decoded.payloadCaptured
            unsafe filling.append(
                ScannedFrame(frame, decoded),
                transport: UnsafeRawBufferPointer(rebasing: bytes[decoded.transportOffset..<end]))
        }
        filling.isLast = true
        filled.put(filling)
    }

    /// Told by a buffer that was not to be had; the frames of one more do not matter.
    private var isStopped = false

    var firstBuffer: UnsafeMutableRawBufferPointer { unsafe filling.buffer }

    func nextBuffer() -> UnsafeMutableRawBufferPointer? {
        guard !filling.isEmpty else { return nil }
        guard let next = free.take() else {
            isStopped = true
            return nil
        }
        next.removeAll()
        full = filling
        filling = next
        return unsafe next.buffer
    }

    func giveBack() {
        guard let batch = full.take() else { return }
        filled.put(batch)
    }
}
