/// Untrusted bytes as text: process names, paths, arguments, payloads.
///
/// Bytes that are not UTF-8, control characters (C0, DEL, C1) and bidirectional overrides become `\xNN`, a byte each,
/// so that no terminal, page or log obeys them. The escape is lossless: a backslash that would read as the begin of an
/// escape is itself written `\x5c`, so every `\xNN` of the result stands for one byte of the input.
public enum LosslessEscape {
    /// The escaped form of `bytes`.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let input = Array(bytes)
        if input.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) {
            return String(decoding: input, as: UTF8.self)
        }
        var output: [UInt8] = []
        output.reserveCapacity(input.count + 16)
        var index = 0
        while index < input.count {
            let length = scalarLength(input, at: index)
            if length == 0 {
                appendEscape(input[index], to: &output)
                index += 1
            } else if mustEscape(input, at: index, length: length) {
                for byte in input[index..<index + length] { appendEscape(byte, to: &output) }
                index += length
            } else {
                output.append(contentsOf: input[index..<index + length])
                index += length
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The escaped form of a string's UTF-8.
    public static func text(_ string: String) -> String { text(string.utf8) }

    /// The bytes that an escaped text stands for: the inverse of ``text(_:)-(Sequence)``.
    public static func bytes(_ text: String) -> [UInt8] {
        let input = Array(text.utf8)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            if beginsEscape(input, at: index), let high = hexValue(input[index + 2]),
                let low = hexValue(input[index + 3])
            {
                output.append(high << 4 | low)
                index += 4
            } else {
                output.append(input[index])
                index += 1
            }
        }
        return output
    }

    private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        output.append(UInt8(ascii: "x"))
        output.append(hexDigit(byte >> 4))
        output.append(hexDigit(byte & 0xF))
    }

    private static func beginsEscape(_ input: [UInt8], at index: Int) -> Bool {
        index + 3 < input.count && input[index] == UInt8(ascii: "\\") && input[index + 1] == UInt8(ascii: "x")
            && hexValue(input[index + 2]) != nil && hexValue(input[index + 3]) != nil
    }

    private static func mustEscape(_ input: [UInt8], at index: Int, length: Int) -> Bool {
        let first = input[index]
        switch length {
        case 1: return first < 0x20 || first == 0x7F || beginsEscape(input, at: index)
        case 2: return first == 0xC2 && input[index + 1] < 0xA0
        case 3:
            // U+200E, U+200F, U+2028 to U+202E and U+2066 to U+2069 turn or break the line they stand in.
            guard first == 0xE2 else { return false }
            let second = input[index + 1]
            let third = input[index + 2]
            return (second == 0x80 && (third == 0x8E || third == 0x8F || (0xA8...0xAE).contains(third)))
                || (second == 0x81 && (0xA6...0xA9).contains(third))
        default: return false
        }
    }

    /// The length of the well-formed UTF-8 scalar at `index` (Unicode 15, table 3-7), or 0.
    private static func scalarLength(_ input: [UInt8], at index: Int) -> Int {
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            index + offset < input.count && range.contains(input[index + offset])
        }
        switch input[index] {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }
}

/// The lower-case hexadecimal digit of the low four bits.
@inlinable
public func hexDigit(_ nibble: UInt8) -> UInt8 {
    let value = nibble & 0xF
    return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// The value of a hexadecimal digit of either case, or nil.
@inlinable
public func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
