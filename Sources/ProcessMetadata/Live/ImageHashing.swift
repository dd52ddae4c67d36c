internal import Crypto
internal import Synchronization

/// SHA-256 of running images, each computed once: later processes of the same file have the earlier answer.
final class ImageHashing: Sendable {
    /// Larger files are not hashed, in bytes.
    static let sizeLimit: Int64 = 256 << 20
    /// A file that takes longer to read has no hash, in nanoseconds.
    static let timeLimit: Int64 = 5_000_000_000
    /// File systems count changes in ticks of up to 10 ms: what was changed within the last tick may change again and
    /// look the same.
    static let tick: Int64 = 20_000_000
    private static let cacheLimit = 1024

    /// What is known of a file's contents.
    enum Known: Hashable, Sendable {
        case digest(String)
        /// Too large, or could not be read in time: there will be no hash.
        case refused

        var text: String? {
            if case .digest(let text) = self { text } else { nil }
        }
    }

    private let cache = Mutex<[RunningImage.Signature: Known]>([:])

    /// What is known without reading; nil where it has to be computed.
    func known(_ signature: RunningImage.Signature) -> Known? {
        if signature.size > Self.sizeLimit { return .refused }
        return cache.withLock { $0[signature] }
    }

    /// Reads the image and computes its hash, 64 hex digits; nil where it is too large, took too long, or may have been
    /// written to meanwhile.
    ///
    /// Removing and renaming a file changes its status as writing to it does. `stillRuns` tells then, after reading once
    /// more, whether the process runs on: nobody can write to what is being executed.
    func digest(_ image: RunningImage, stillRuns: () -> Bool) -> String? {
        if let known = known(image.signature) { return known.text }
        let age = SystemCalls.clocks().wall - image.signature.changed
        if age >= 0, age < Self.tick { SystemCalls.pause(milliseconds: Int(Self.tick / 1_000_000)) }
        let deadline = SystemCalls.clocks().boot + Self.timeLimit
        var signature = image.signature
        var known = Self.compute(image, deadline: deadline)
        if image.currentSignature != signature {
            guard let current = image.currentSignature, current.size == signature.size else { return nil }
            signature = current
            known = Self.compute(image, deadline: deadline)
            guard image.currentSignature == signature, stillRuns() else { return nil }
        }
        cache.withLock { cache in
            if cache.count >= Self.cacheLimit { cache.removeAll(keepingCapacity: true) }
            cache[signature] = known
        }
        return known.text
    }

    private static func compute(_ image: RunningImage, deadline: Int64) -> Known {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: Int64 = 0
        while offset < image.signature.size {
            guard SystemCalls.clocks().boot < deadline, let count = image.read(at: offset, into: &buffer), count > 0
            else { return .refused }
            hash.update(data: buffer[..<count])
            offset += Int64(count)
        }
        return .digest(hexadecimal(hash.finalize()))
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
