// The one place of this module with unsafe memory access: every access is bounds-checked here, so that no caller has to
// be trusted.

import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The order in which a pcapng section stores its integers.
public enum ByteOrder: UInt8, Hashable, Sendable {
    /// Least significant byte first.
    case little
    /// Most significant byte first.
    case big
}

extension RawSpan {
    /// The integer at `offset`; 0 where it is not wholly inside.
    @inline(__always)
    func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at offset: Int, _ order: ByteOrder
    ) -> Value {
        // The subtraction cannot overflow, an addition to a hostile offset could.
        guard offset >= 0, offset <= byteCount - MemoryLayout<Value>.size else { return 0 }
        let stored = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type)
        return order == .little ? Value(littleEndian: stored) : Value(bigEndian: stored)
    }

    /// The byte at `offset`; 0 beyond the end.
    @inline(__always)
    public func byte(at offset: Int) -> UInt8 {
        guard offset >= 0, offset < byteCount else { return 0 }
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// A copy of the bytes.
    public var array: [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }

    /// The bytes are those of another span.
    @inline(__always)
    public func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            unsafe other.withUnsafeBytes { others in
                guard let first = bytes.baseAddress, let second = others.baseAddress else { return true }
                return unsafe memcmp(first, second, bytes.count) == 0
            }
        }
    }

    /// 64 bits that depend on at most the first `count` bytes, eight at a time: to find equal bytes again, and not to tell
    /// others from them.
    public func mixed(first count: Int) -> UInt64 {
        var mixed = UInt64(byteCount)
        var offset = 0
        while offset + 8 <= min(count, byteCount) {
            mixed = (mixed ^ load(UInt64.self, at: offset, .little)) &* 0x9E37_79B9_7F4A_7C15
            mixed ^= mixed >> 29
            offset += 8
        }
        return mixed
    }

    /// The bytes equal a literal's.
    func equals(_ text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { name in
            for index in 0..<byteCount where unsafe byte(at: index) != name[index] { return false }
            return true
        }
    }
}

extension [UInt8] {
    /// The array's bytes. The library marks the conversion as unsafe because of padding, which bytes have none of.
    public var rawSpan: RawSpan {
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }

    /// Lets a source fill the array from `offset` on.
    public mutating func fill(from offset: Int, _ source: inout any ByteSource) throws(ByteSourceError) -> Int {
        var elements = mutableSpan
        var bytes = unsafe elements.mutableBytes
        var free = bytes._mutatingExtracting(offset..<bytes.byteCount)
        return try source.read(into: &free)
    }

    /// Appends the bytes of a span.
    @inline(__always)
    public mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Appends the elements of a span.
    @inline(__always)
    mutating func append(_ elements: Span<UInt8>) {
        unsafe elements.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Appends an integer, least significant byte first.
    @inline(__always)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(littleEndian value: Value) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    /// Appends the first `used` integers, each least significant byte first.
    @inline(__always)
    mutating func append<let count: Int>(littleEndian words: InlineArray<count, UInt32>, first used: Int) {
        var stored = words
        for index in 0..<used { stored[index] = words[index].littleEndian }
        append(unsafe stored.span.bytes.extracting(0..<4 * used))
    }

    /// Puts bytes in the place of as many that are there; those that would lie beyond the end are left out.
    @inline(__always)
    mutating func replace(from offset: Int, with bytes: RawSpan) {
        guard offset >= 0, offset <= count else { return }
        let fitting = bytes.extracting(first: count - offset)
        unsafe withUnsafeMutableBytes { memory in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset...])
            unsafe fitting.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    /// Appends the bytes of a literal.
    @inline(__always)
    public mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe append(contentsOf: $0) }
    }
}

extension FileDescriptor {
    /// Reads what is there, at most the span's length; 0 at the end. Interrupted calls are repeated.
    func readSome(into buffer: inout MutableRawSpan) throws(Errno) -> Int {
        do {
            return try unsafe buffer.withUnsafeMutableBytes { bytes in
                try unsafe read(into: bytes, retryOnInterrupt: true)
            }
        } catch let error as Errno {
            throw error
        } catch {
            throw .ioError
        }
    }

    /// Writes the whole span through short writes, interruptions and full non-blocking pipes.
    ///
    /// - Returns: how many bytes went out, and the error that stopped the rest.
    func writeWhole(_ span: RawSpan) -> (written: Int, failure: Errno?) {
        var written = 0
        while written < span.byteCount {
            do {
                let rest = span.extracting(written..<span.byteCount)
                written += try unsafe rest.withUnsafeBytes { try unsafe write($0, retryOnInterrupt: true) }
            } catch Errno.wouldBlock {
                waitUntilWritable()
            } catch {
                return (written, error as? Errno ?? .ioError)
            }
        }
        return (written, nil)
    }

    private func waitUntilWritable() {
        var request = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        // Its outcome does not matter: the write that follows reports whatever is wrong.
        _ = unsafe poll(&request, 1, 1000)
    }
}
