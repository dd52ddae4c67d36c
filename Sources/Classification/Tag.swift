/// What a classifier says of a packet.
public struct Tag: Hashable, Sendable {
    /// How sure a tag is; ordered.
    public enum Confidence: UInt8, Comparable, CaseIterable, Sendable {
        /// The form alone.
        case shape
        /// The form and the behaviour.
        case possible
        /// Strong evidence, short of proof.
        case probable
        /// Proven by protocol state.
        case confirmed

        /// Orders by strength.
        public static func < (left: Confidence, right: Confidence) -> Bool { left.rawValue < right.rawValue }

        /// The contract's word for it.
        public var name: String {
            switch self {
            case .shape: "shape"
            case .possible: "possible"
            case .probable: "probable"
            case .confirmed: "confirmed"
            }
        }

        /// One step weaker; the form is the least.
        var lowered: Confidence { Confidence(rawValue: max(rawValue, 1) - 1) ?? .shape }
    }

    /// `newmail`, `dsaccess-ping`, or a rule's name.
    public var name: String
    /// How sure it is.
    public var confidence: Confidence
    /// Why, a sentence each; at least one.
    public var reasons: [String]
    /// Something speaks against it: the form alone must not raise it.
    public var isContradicted: Bool

    /// A tag.
    public init(name: String, confidence: Confidence, reasons: [String], isContradicted: Bool = false) {
        self.isContradicted = isContradicted
        self.name = name
        self.confidence = confidence
        self.reasons = reasons
    }
}
