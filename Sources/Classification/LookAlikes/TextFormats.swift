internal import Records

/// Formats of 8 bytes of text, which a rule's fixed bytes cannot say.
enum TextFormats: Int, CaseIterable, Sendable {
    /// `name:value|type`, perhaps with a line feed.
    case statsd
    /// Printable text with line ends or tabulators.
    case lines
    /// Printable text, then only zeros.
    case padded

    /// The format of a payload of 8 bytes.
    static func format(of prefix: PayloadPrefix, length: UInt32) -> TextFormats? {
        guard length == 8, prefix.count >= 8 else { return nil }
        if isStatsd(prefix) { return .statsd }
        var end = 8
        while end > 0, prefix[end - 1] == 0 { end -= 1 }
        // A few printable bytes are no text yet: a counter may look so.
        guard end >= 4 else { return nil }
        var breaks = 0
        for index in 0..<end {
            switch prefix[index] {
            case 0x20...0x7E: break
            case 0x09, 0x0A, 0x0D: breaks += 1
            default: return nil
            }
        }
        if end < 8 { return .padded }
        return breaks > 0 && breaks <= 4 ? .lines : nil
    }

    /// A metric's name, `:`, a number, `|`, and one of statsd's types.
    private static func isStatsd(_ prefix: PayloadPrefix) -> Bool {
        var index = 0
        while index < 8, isNameByte(prefix[index]) { index += 1 }
        guard index > 0, index < 8, prefix[index] == UInt8(ascii: ":") else { return false }
        index += 1
        let number = index
        while index < 8, isNumberByte(prefix[index]) { index += 1 }
        guard index > number, index + 1 < 8, prefix[index] == UInt8(ascii: "|") else { return false }
        index += 1
        let isTimer = prefix[index] == UInt8(ascii: "m")
        if isTimer { index += 1 }
        guard index < 8 else { return false }
        switch prefix[index] {
        case UInt8(ascii: "s"): break
        case UInt8(ascii: "c"), UInt8(ascii: "g"), UInt8(ascii: "h"), UInt8(ascii: "d"): if isTimer { return false }
        default: return false
        }
        return index == 7 || index == 6 && prefix[7] == 0x0A
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// How it is listed.
    var rule: Rule {
        let (name, description, reference) =
            switch self {
            case .statsd: ("statsd", "a statsd metric (name:value|type)", "statsd metric types")
            case .lines: ("text-lines", "printable text with line ends", "printable payloads count against new mail")
            case .padded:
                ("text-padded", "printable text, padded with zeros", "printable payloads count against new mail")
            }
        var rule = Rule(name: name, description: description, transports: .udp)
        rule.reference = reference
        rule.payloadLength = 8...8
        return rule
    }
}
