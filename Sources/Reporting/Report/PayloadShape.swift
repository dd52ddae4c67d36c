public import Records

/// What the payloads of many packets have in common, in the first 16 bytes.
public struct PayloadShape: Hashable, Sendable {
    /// The first packet's first bytes.
    public private(set) var sample = PayloadPrefix()
    /// Bit n is set where byte n is not the same in all packets.
    public private(set) var varying: UInt16 = 0
    /// The shortest payload in bytes.
    public private(set) var shortest: UInt32 = 0
    /// The longest payload in bytes.
    public private(set) var longest: UInt32 = 0
    private var isEmpty = true

    /// No packet yet.
    public init() {}

    /// Looks at one more payload.
    mutating func add(_ prefix: PayloadPrefix, length: UInt32) {
        defer { isEmpty = false }
        guard !isEmpty else {
            (sample, shortest, longest) = (prefix, length, length)
            return
        }
        shortest = min(shortest, length)
        longest = max(longest, length)
        for index in 0..<Int(sample.count) where index >= Int(prefix.count) || prefix[index] != sample[index] {
            varying |= 1 << UInt16(index)
        }
    }

    /// The sample's bytes, and whether other packets have others.
    public var bytes: [(value: UInt8, varies: Bool)] {
        (0..<Int(sample.count)).map { (sample[$0], varying & 1 << UInt16($0) != 0) }
    }

    /// `8 bytes` or `8 to 64 bytes`.
    public var lengthText: String {
        shortest == longest ? "\(longest) byte\(longest == 1 ? "" : "s")" : "\(shortest) to \(longest) bytes"
    }
}
