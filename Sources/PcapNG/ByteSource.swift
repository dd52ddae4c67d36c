public import SystemPackage

/// Where a reader takes its bytes from: a descriptor, memory, a decompressor.
public protocol ByteSource {
    /// Puts the next bytes at the begin of `buffer`.
    ///
    /// - Returns: how many, at least one; 0 only at the end.
    mutating func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int
}

/// Why no more bytes could be had.
public struct ByteSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried: `read`, `decompress`.
    public var operation: String
    /// The system's reason.
    public var errno: Errno

    /// An error.
    public init(operation: String, errno: Errno) {
        self.operation = operation
        self.errno = errno
    }

    /// The operation and the system's words for the reason.
    public var description: String { "\(operation): \(errno)" }
}

/// Bytes of an open descriptor, which is not closed here.
public struct DescriptorSource: ByteSource {
    private let descriptor: FileDescriptor

    /// Reads from where the descriptor stands.
    public init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// Reads what the descriptor has.
    public mutating func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int {
        do throws(Errno) {
            return try descriptor.readSome(into: &buffer)
        } catch {
            throw ByteSourceError(operation: "read", errno: error)
        }
    }
}

/// Bytes in memory, followed by another source's where there is one: a prefix that was read to tell the kind of a file,
/// then the rest of a pipe that cannot be rewound.
public struct MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0
    private var rest: (any ByteSource)?

    /// The bytes, then those of `rest`.
    public init(_ bytes: [UInt8], then rest: (any ByteSource)? = nil) {
        self.bytes = bytes
        self.rest = rest
    }

    /// Copies the next bytes.
    public mutating func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int {
        let count = min(buffer.byteCount, bytes.count - position)
        guard count > 0 else { return try rest?.read(into: &buffer) ?? 0 }
        for index in 0..<count {
            buffer.storeBytes(of: bytes[position + index], toByteOffset: index, as: UInt8.self)
        }
        position += count
        return count
    }
}

/// How far the reading of a file has come.
public struct ReadProgress: Sendable {
    /// Bytes that were read, of the file as it lies on the disk.
    public var position: UInt64
    /// Bytes that the file has.
    public var size: UInt64

    /// Progress of a known size.
    public init(position: UInt64, size: UInt64) {
        self.position = position
        self.size = size
    }

    /// Where an open file's reader stands; nil for what has no end that is known, as a pipe.
    public init?(_ descriptor: FileDescriptor) {
        guard let position = try? descriptor.seek(offset: 0, from: .current),
            let size = try? descriptor.seek(offset: 0, from: .end),
            (try? descriptor.seek(offset: position, from: .start)) == position, size > 0
        else { return nil }
        self.init(position: UInt64(clamping: position), size: UInt64(clamping: size))
    }
}
