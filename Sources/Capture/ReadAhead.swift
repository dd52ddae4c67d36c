internal import Glibc
internal import PacketDecoding
internal import Records

/// Reads and decodes a capture file on another thread, ahead of whoever uses its frames.
///
/// The frames are those of ``Savefile/nextBatch()`` in the same order: reading and decoding them just goes on while those
/// before them are used. They are handed over by the buffer, so that neither thread waits for a single frame.
@safe
public final class ReadAhead {
    private let reader: AheadReader
    private var isReading = true
    private var taken: FrameBatch?

    /// Begins to read behind `frame`; nil where no thread can be made.
    init?(_ file: PcapFile, after frame: CapturedFrame) {
        reader = AheadReader(file, after: frame)
        guard reader.start() else { return nil }
    }

    deinit { stop() }

    /// The next frames, which last until the next call; nil at the end of the file, or where it cannot be read any further.
    public func next() -> FrameBatch? {
        giveBack()
        guard isReading, let batch = reader.filled.take() else { return nil }
        taken = batch
        if batch.isLast { stop() }
        return batch
    }

    /// The frames that were handed out last are not used any more.
    private func giveBack() {
        guard let batch = taken.take(), isReading else { return }
        reader.free.put(batch)
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
final class AheadReader: @unchecked Sendable {
    /// Batches to fill, and filled ones.
    let free = BatchQueue()
    let filled = BatchQueue()

    private let file: PcapFile
    private var thread = pthread_t()
    /// The reading thread's alone while there is one.
    private var frame: CapturedFrame

    /// One is filled, one is used, and one each lies ready for either side.
    private static let batches = 4

    init(_ file: PcapFile, after frame: CapturedFrame) {
        self.file = file
        self.frame = frame
        for _ in 0..<Self.batches { free.put(FrameBatch(hasBuffer: true)) }
    }

    /// Starts the thread; false where none can be made.
    func start() -> Bool {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<AheadReader>.fromOpaque(argument).takeUnretainedValue().read()
                }
                return nil
            }, context)
        return status == 0
    }

    /// Waits for the thread's end, which is near.
    func stop() {
        free.close()
        pthread_join(thread, nil)
    }

    private func read() {
        // The batches' buffers live no longer than they do.
        defer { unsafe file.stream.move(to: nil) }
        var frame = frame
        while let batch = free.take() {
            // The frames of the batch before stay where they are.
            unsafe file.stream.move(to: batch.ownBuffer)
            file.read(into: batch, after: &frame)
            filled.put(batch)
            if batch.isLast { return }
        }
    }
}
