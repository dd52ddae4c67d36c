/// Why a verdict is what it is, as a value on the packet path and as a sentence in reports.
public enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// The only send record with this identity.
    case onlyRecord(delayNanoseconds: Int64)
    /// Nothing is known yet.
    case nothingMatches

    /// The sentence.
    public var description: String {
        switch self {
        case .onlyRecord(let delay): "matches the only send record with this identity, taken \(delay) ns before"
        case .nothingMatches: "no send record matches this packet"
        }
    }
}
