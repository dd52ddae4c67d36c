public import SystemPackage

/// Why a file could not be written on.
public struct BlockWriterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The system's reason: `brokenPipe` where the reader went away, `noSpace` where the disk is full.
    public var errno: Errno
    /// How many bytes of whole blocks the file holds.
    public var bytesWritten: UInt64

    /// A sentence with the system's words for the reason.
    public var description: String {
        "the pcapng output could not be written on after \(bytesWritten) bytes: \(errno)"
    }
}

/// Writes blocks to a descriptor, whole ones at a time, so that whatever interrupts it leaves a readable file.
///
/// The descriptor is not closed here. After an error nothing more is written: every later call throws the same error.
public struct BlockWriter: ~Copyable {
    /// The blocks that wait to be written: append here.
    public var blocks = BlockEncoder()

    private let descriptor: FileDescriptor
    private let threshold: Int
    private var written: UInt64 = 0
    private var failure: BlockWriterError?

    /// A writer; ``flushIfFull()`` writes once `threshold` bytes wait.
    public init(_ descriptor: FileDescriptor, threshold: Int = 128 << 10) {
        self.descriptor = descriptor
        self.threshold = threshold
    }

    /// Writes what waits, if it is much.
    @inline(__always)
    public mutating func flushIfFull() throws(BlockWriterError) {
        if blocks.bytes.count >= threshold { try flush() }
    }

    /// Writes what waits.
    public mutating func flush() throws(BlockWriterError) {
        if let failure {
            blocks.removeBlocks()
            throw failure
        }
        guard !blocks.bytes.isEmpty else { return }
        let (count, error) = descriptor.writeWhole(blocks.bytes.rawSpan)
        guard let error else {
            written += UInt64(count)
            blocks.removeBlocks()
            return
        }
        let whole = wholeBlocks(in: count)
        written += UInt64(whole)
        dropPartialBlock(count - whole)
        let failure = BlockWriterError(errno: error, bytesWritten: written)
        self.failure = failure
        blocks.removeBlocks()
        throw failure
    }

    /// How many of the first `count` waiting bytes are whole blocks.
    private func wholeBlocks(in count: Int) -> Int {
        let bytes = blocks.bytes.rawSpan
        var end = 0
        while end < count {
            let length = Int(bytes.load(UInt32.self, at: end + 4, .little))
            guard length > 0, end + length <= count else { break }
            end += length
        }
        return end
    }

    /// A full disk leaves part of a block behind; in a file it is cut off. A pipe cannot take it back: it is not
    /// seekable, and its reader reports the truncated block.
    private func dropPartialBlock(_ count: Int) {
        guard count > 0, let position = try? descriptor.seek(offset: 0, from: .current) else { return }
        try? descriptor.resize(to: position - Int64(count))
    }
}
