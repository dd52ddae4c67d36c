internal import CZlib

/// Decompresses a gzip stream, also one of several members.
@safe
final class Inflater {
    /// What came of a step.
    enum Outcome {
        /// This many bytes, at least one.
        case produced(Int)
        /// All input is used up; give more.
        case needsInput
        /// The stream is complete.
        case ended
        /// The stream is damaged; a clause that says how.
        case damaged(String)
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    private var isBetweenMembers = false

    /// Nil where zlib has no memory.
    init?(capacity: Int) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe input = .allocate(byteCount: capacity, alignment: 16)
        // 16 + 15: a gzip header, the largest window.
        guard unsafe inflateInit2_(stream, 31, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

    /// Gives more input: what `fill` puts into the buffer.
    ///
    /// - Returns: false where there is no more.
    func refill<E: Error>(_ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int) throws(E) -> Bool {
        let count = try unsafe fill(input)
        unsafe stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_in = UInt32(count)
        return count > 0
    }

    /// Whether the input may end here.
    var mayEnd: Bool { isBetweenMembers }

    /// Decompresses into `output`, which must not be empty.
    func step(into output: UnsafeMutableRawBufferPointer) -> Outcome {
        let room = min(output.count, Int(UInt32.max))
        while unsafe stream.pointee.avail_in > 0 {
            let beginsMember = isBetweenMembers
            if beginsMember {
                // What follows a complete member and is none itself is padding, as for gzip.
                guard unsafe stream.pointee.next_in.pointee == 0x1F else { return .ended }
                unsafe inflateReset(stream)
                isBetweenMembers = false
            }
            unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(room)
            let result = unsafe inflate(stream, Z_NO_FLUSH)
            let produced = unsafe room - Int(stream.pointee.avail_out)
            if result == Z_STREAM_END { isBetweenMembers = true }
            if produced > 0 { return .produced(produced) }
            switch result {
            case Z_OK, Z_STREAM_END: continue
            case Z_DATA_ERROR where beginsMember: return .ended
            default:
                return .damaged(unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(result)")
            }
        }
        return .needsInput
    }
}
