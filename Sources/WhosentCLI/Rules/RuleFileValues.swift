import Classification

/// The ways in which values are written in rule files.
enum RuleFileValues {
    /// `8`, `8-16` or `8-`, within `limits`.
    static func range<Number: FixedWidthInteger>(_ text: String, _ limits: ClosedRange<Number>) -> ClosedRange<Number>?
    {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = number(parts[0], limits) else { return nil }
        guard parts.count == 2 else { return first...first }
        guard !parts[1].isEmpty else { return first...limits.upperBound }
        guard let last = number(parts[1], limits), first <= last else { return nil }
        return first...last
    }

    /// A decimal number within `limits`.
    static func number<Number: FixedWidthInteger>(
        _ text: some StringProtocol, _ limits: ClosedRange<Number>
    ) -> Number? {
        let digits = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let number = Number(String(digits)),
            limits.contains(number)
        else { return nil }
        return number
    }

    /// Nanoseconds of `60s`, `1.5s`, `500ms`, `20us`, `10ns`, `5m` or `1h`; above 0, and at most 366 days.
    static func span(_ text: String) -> Int64? {
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
        let units: [(name: String, size: Double)] = [
            ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
        ]
        let name = text.dropFirst(digits.count).drop { $0 == " " }
        guard let unit = units.first(where: { $0.name == name }), let number = Double(digits) else { return nil }
        let span = (number * unit.size).rounded()
        guard span >= 1, span <= 366 * 86400e9 else { return nil }
        return Int64(span)
    }

    /// The bytes of `80c90001`, `80 c9 00 01`, `80:c9:00:01` or `0x80c90001`.
    static func bytes(_ text: String) -> [UInt8]? {
        let body = text.hasPrefix("0x") ? text.dropFirst(2) : text[...]
        var bytes: [UInt8] = []
        var half: UInt8?
        for character in body.utf8 {
            switch character {
            case UInt8(ascii: " "), UInt8(ascii: ":"):
                guard half == nil else { return nil }
            default:
                guard let digit = digit(character) else { return nil }
                if let high = half {
                    bytes.append(high << 4 | digit)
                    half = nil
                } else {
                    half = digit
                }
            }
        }
        return half == nil && !bytes.isEmpty ? bytes : nil
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// A name that may be a tag: letters, digits, dots, hyphens and underscores, at most 64.
    static func name(_ text: String) -> String? {
        let isSound = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let begin = text.utf8.first ?? UInt8(ascii: "-")
        return isSound && begin != UInt8(ascii: "-") && begin != UInt8(ascii: ".") && text.utf8.count <= 64 ? text : nil
    }

    /// One of the protocols.
    static func transport(_ text: String) -> Rule.Transports? {
        switch text {
        case "udp": .udp
        case "icmp": .icmp
        case "icmpv6": .icmpv6
        default: nil
        }
    }
}
