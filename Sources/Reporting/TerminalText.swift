internal import Correlation
internal import TextEscaping

/// Text made for people: what a terminal shows of it, and how wide.
enum TerminalText {
    /// A text as it may stand in a line of ours: in the lossless escape, and without characters that have no picture
    /// (formats, private use, unassigned, separators other than the space), escaped in the same way.
    static func visible(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var output = ""
        for scalar in printable(text).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .format, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .surrogate, .control:
                appendEscaped(scalar, to: &output)
            case .spaceSeparator where scalar != " ": appendEscaped(scalar, to: &output)
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// A name that cannot be taken for anything beside it: in quotes, unless it is one plain word.
    static func name(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "%"),
                    UInt8(ascii: "#"), UInt8(ascii: "~"):
                    true
                default: false
                }
            }
        return isPlain ? text : quoted(text)
    }

    /// A path: quoted where it holds anything but printable ASCII without quotes; blanks are common in paths.
    static func path(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        return isPlain ? text : quoted(text)
    }

    /// How many columns a terminal uses for a visible text.
    static func width(_ text: String) -> Int {
        var width = 0
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                width += 1
            } else {
                switch scalar.properties.generalCategory {
                case .nonspacingMark, .enclosingMark: break
                default: width += isWide(scalar.value) ? 2 : 1
                }
            }
        }
        return width
    }

    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in visible(text).unicodeScalars {
            if scalar == "\"" { appendEscaped(scalar, to: &output) } else { output.unicodeScalars.append(scalar) }
        }
        return output + "\""
    }

    private static func appendEscaped(_ scalar: Unicode.Scalar, to output: inout String) {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            output += "\\x"
            output.unicodeScalars.append(Unicode.Scalar(hexDigit(byte >> 4)))
            output.unicodeScalars.append(Unicode.Scalar(hexDigit(byte)))
        }
    }

    /// East Asian Width W and F (Unicode 15, annex 11), by blocks.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}

/// Colours by meaning, as SGR sequences (ECMA-48); nothing where colour is off.
struct Palette: Sendable {
    let isOn: Bool

    /// The text in the colour of its meaning.
    func paint(_ text: String, _ meaning: Meaning) -> String {
        guard isOn, let code = meaning.code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    enum Meaning {
        case plain
        case heading
        case sender
        case doubtful
        case quiet
        case tag

        /// How a verdict is shown: names stand out, doubt warns, the rest steps back.
        init(_ verdict: Verdict) {
            switch (verdict.kind, verdict.confidence) {
            case (.process, .exact), (.process, .probable): self = .sender
            case (.process, _), (.unknown, _): self = .doubtful
            default: self = .quiet
            }
        }

        fileprivate var code: String? {
            switch self {
            case .plain: nil
            case .heading: "1"
            case .sender: "32"
            case .doubtful: "33"
            case .quiet: "36"
            case .tag: "1;35"
            }
        }
    }
}
