/// How the text of a file is encoded, told by its first bytes. Windows writes UTF-16 when PowerShell redirects, and what
/// cmd redirects is in a code page that no file names: its bytes above 127 are kept as they are.
enum TextEncoding: Hashable {
    case utf8
    case utf16LittleEndian
    case utf16BigEndian

    /// The encoding and the length of the byte order mark; nil where this is no text.
    static func detect(_ prefix: [UInt8]) -> (encoding: TextEncoding, markLength: Int)? {
        if prefix.starts(with: [0xEF, 0xBB, 0xBF]) { return (.utf8, 3) }
        if prefix.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
        if prefix.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
        if let encoding = unmarkedUTF16(prefix) { return (encoding, 0) }
        // Single NULs and escapes are damage to complain about line by line; a file full of them is binary.
        let controls = prefix.count { $0 < 0x20 && !(0x09...0x0D).contains($0) }
        return controls * 8 <= prefix.count ? (.utf8, 0) : nil
    }

    /// ASCII in UTF-16 has a zero in every other byte.
    private static func unmarkedUTF16(_ prefix: [UInt8]) -> TextEncoding? {
        let pairs = prefix.count / 2
        guard pairs >= 4 else { return nil }
        let zeros = (0..<2 * pairs).reduce(into: (even: 0, odd: 0)) { zeros, index in
            guard prefix[index] == 0 else { return }
            if index & 1 == 0 { zeros.even += 1 } else { zeros.odd += 1 }
        }
        if zeros.even == 0, zeros.odd * 10 >= pairs * 9 { return .utf16LittleEndian }
        if zeros.odd == 0, zeros.even * 10 >= pairs * 9 { return .utf16BigEndian }
        return nil
    }
}

/// Turns UTF-16 that comes in portions into UTF-8. Lone surrogates become U+FFFD.
struct UTF16Transcoder {
    private let isBigEndian: Bool
    private var firstByte: UInt8?
    private var highSurrogate: UInt16?

    init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

    mutating func append(_ portion: ArraySlice<UInt8>, to output: inout [UInt8]) {
        for byte in portion {
            guard let first = firstByte else {
                firstByte = byte
                continue
            }
            firstByte = nil
            unit(isBigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first), &output)
        }
    }

    /// At the end of the file: half a character is one that cannot be read.
    mutating func finish(_ output: inout [UInt8]) {
        if highSurrogate != nil || firstByte != nil { Self.appendReplacement(&output) }
        highSurrogate = nil
        firstByte = nil
    }

    @inline(__always)
    private mutating func unit(_ unit: UInt16, _ output: inout [UInt8]) {
        if unit < 0x80, highSurrogate == nil {
            output.append(UInt8(truncatingIfNeeded: unit))
            return
        }
        wideUnit(unit, &output)
    }

    private mutating func wideUnit(_ unit: UInt16, _ output: inout [UInt8]) {
        if let high = highSurrogate {
            highSurrogate = nil
            if (0xDC00...0xDFFF).contains(unit) {
                Self.append(0x10000 + UInt32(high - 0xD800) << 10 + UInt32(unit - 0xDC00), &output)
                return
            }
            Self.appendReplacement(&output)
        }
        switch unit {
        case 0xD800...0xDBFF: highSurrogate = unit
        case 0xDC00...0xDFFF: Self.appendReplacement(&output)
        default: Self.append(UInt32(unit), &output)
        }
    }

    private static func append(_ scalar: UInt32, _ output: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(scalar) else { return appendReplacement(&output) }
        output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func appendReplacement(_ output: inout [UInt8]) {
        output.append(contentsOf: UTF8.encodedReplacementCharacter)
    }
}
