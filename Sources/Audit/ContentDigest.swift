internal import Crypto
public import PcapNG

/// The length and the SHA-256 of a file's contents.
public struct ContentDigest: Hashable, Sendable {
    /// Bytes.
    public var length: UInt64
    /// 64 lower-case hex digits (FIPS 180-4).
    public var sha256: String

    private static let chunk = 1 << 18

    /// A digest that is known.
    public init(length: UInt64, sha256: String) {
        self.length = length
        self.sha256 = sha256
    }

    /// The digest of bytes in memory.
    public init(of bytes: [UInt8]) {
        length = UInt64(bytes.count)
        sha256 = Self.hexadecimal(SHA256.hash(data: bytes))
    }

    /// Reads a source to its end, in bounded memory whatever its length.
    public init(reading source: any ByteSource) throws(ByteSourceError) {
        var source = source
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        length = 0
        while true {
            let count = try buffer.fill(from: 0, &source)
            if count == 0 { break }
            hash.update(data: buffer[..<count])
            length += UInt64(count)
        }
        sha256 = Self.hexadecimal(hash.finalize())
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Whether a text has the form of a SHA-256.
    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
