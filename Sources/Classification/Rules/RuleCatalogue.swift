internal import Records

/// What can tag a packet or speaks against a tag, for people to read.
public struct ListedRule: Hashable, Sendable {
    /// Where a rule comes from.
    public enum Origin: String, Hashable, Sendable {
        /// Code of this program that gives tags.
        case builtIn = "built-in"
        /// A format that speaks against `newmail`; gives no tag of its own.
        case starterPack = "starter-pack"
        /// The user's rule file.
        case file
    }

    /// The tag, or the format's name.
    public var name: String
    /// Where it comes from.
    public var origin: Origin
    /// How sure its tag can be, weakest first; empty where it gives none.
    public var confidences: [Tag.Confidence]
    /// What a packet must look like, and how it must behave.
    public var form: String
    /// What such packets are.
    public var description: String
    /// Where that is known from.
    public var reference: String?
}

/// Everything there is: built-in tags, the starter pack, and the user's rules.
public enum RuleCatalogue {
    /// Names that no rule may have.
    public static let builtInNames = ["newmail", "dsaccess-ping"]

    /// The list, the user's rules last.
    public static func list(_ rules: [Rule]) -> [ListedRule] {
        builtIn + LookAlikes.catalogue.map { listed($0, .starterPack, []) }
            + rules.map { listed($0, .file, $0.hasBehaviour ? [.shape, .possible] : [.shape]) }
    }

    private static let builtIn: [ListedRule] = [
        ListedRule(
            name: "newmail", origin: .builtIn, confidences: Tag.Confidence.allCases,
            form: "UDP, to a port above 1023, 8 bytes of payload or those that a client registered",
            description: "Exchange tells a client that there is new mail",
            reference: "MS-OXCRPC 3.1.4.5; KB 811061"),
        ListedRule(
            name: "dsaccess-ping", origin: .builtIn, confidences: [.shape, .possible, .probable],
            form: "ICMP or ICMPv6, echo request or reply, 1 byte of payload, 3f",
            description:
                "Exchange's DSAccess (or another LDAP client of Windows) looks whether a directory server is there",
            reference: "KB 270836; MS-ADTS 7.5"),
    ]

    private static func listed(_ rule: Rule, _ origin: ListedRule.Origin, _ levels: [Tag.Confidence]) -> ListedRule {
        ListedRule(
            name: rule.name, origin: origin, confidences: levels, form: rule.form, description: rule.description,
            reference: rule.reference)
    }
}

extension Rule {
    /// The conditions, as one line.
    var form: String {
        var parts: [String] = []
        let names: [(Transports, String)] = [(.udp, "UDP"), (.icmp, "ICMP"), (.icmpv6, "ICMPv6")]
        parts.append(names.filter { transports.contains($0.0) }.map(\.1).joined(separator: " or "))
        if let icmpType { parts.append("type \(icmpType)") }
        if let icmpCode { parts.append("code \(icmpCode)") }
        if !sourcePorts.isEmpty { parts.append("from port \(Self.text(sourcePorts))") }
        if !destinationPorts.isEmpty { parts.append("to port \(Self.text(destinationPorts))") }
        if !eitherPorts.isEmpty { parts.append("from or to port \(Self.text(eitherPorts))") }
        if let payloadLength { parts.append("\(Self.text([payloadLength])) bytes of payload") }
        if let pattern = pattern.text { parts.append("payload \(pattern)") }
        if let direction { parts.append(direction == .egress ? "egress" : "ingress") }
        if let hopLimit { parts.append("TTL \(Self.text([hopLimit]))") }
        if let rate { parts.append("at least \(rate.packets) within \(Span.text(rate.span))") }
        if let repetition {
            parts.append("every \(Span.text(repetition.interval)) ± \(Span.text(repetition.tolerance))")
        }
        return parts.joined(separator: ", ")
    }

    private static func text(_ ranges: [ClosedRange<some FixedWidthInteger>]) -> String {
        ranges.map { range in
            range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
        }.joined(separator: " or ")
    }
}

extension PayloadPattern {
    /// `80 c9 .. 01/0f`: a byte, any byte, a byte and the bits of it that count; nil where nothing is compared.
    var text: String? {
        guard end > 0 else { return nil }
        return (0..<end).map { index in
            let (value, mask) = byte(at: index)
            return mask == 0 ? ".." : mask == 0xFF ? Self.hex(value) : "\(Self.hex(value))/\(Self.hex(mask))"
        }.joined(separator: " ")
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}
