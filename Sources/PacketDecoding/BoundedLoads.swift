// The one place of this module with unsafe loads: each is bounds-checked here, so that no caller has to be trusted.

extension RawSpan {
    /// The byte at `offset`; 0 beyond the end.
    ///
    /// Zero rather than nil: a header cut short keeps the fields that were captured, and the rest is zero.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        guard offset >= 0, offset < byteCount else { return 0 }
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The big-endian integer at `offset`; 0 where it is not wholly inside.
    @inline(__always)
    func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        // The subtraction cannot overflow, an addition to a hostile offset could.
        guard offset >= 0, offset <= byteCount - MemoryLayout<Value>.size else { return 0 }
        return Value(bigEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type))
    }
}

// For the package's other pure modules, which have no unsafe code of their own.
extension RawSpan {
    /// The big-endian integer of 32 bits at `offset`; 0 where it is not wholly inside.
    package func networkUInt32(at offset: Int) -> UInt32 { bigEndian(at: offset, as: UInt32.self) }
}

extension [UInt8] {
    /// Appends a copy of the bytes in `range`, as far as they are there.
    package mutating func append(copying bytes: RawSpan, in range: Range<Int>) {
        let present = range.clamped(to: 0..<bytes.byteCount)
        unsafe bytes.extracting(present).withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Hands the array's bytes to `body`.
    package func withRawSpan<Result>(_ body: (RawSpan) -> Result) -> Result {
        // The library marks the conversion as unsafe because of padding, which bytes have none of.
        body(unsafe span.bytes)
    }
}
