/// A compiled BPF object file, embedded in the executable by the build plugin.
public struct BPFObject: Sendable {
    /// The source file's name without `.bpf.c`.
    public let name: String
    private let byteCount: Int
    /// Words rather than bytes: the literal type-checks fast, and the image is aligned as ELF wants it.
    private let words: [UInt64]

    init(name: String, byteCount: Int, words: [UInt64]) {
        self.name = name
        self.byteCount = byteCount
        self.words = words
    }

    /// The ELF image.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            unsafe words.span.bytes.extracting(first: byteCount)
        }
    }
}
