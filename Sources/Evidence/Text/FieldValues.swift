import Records
import TextEscaping

/// Numbers and addresses in the bytes of a line.
extension [UInt8] {
    /// A range without the spaces and tabs around it.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var range = range
        while let first = range.first, self[first].isBlank { range = range.dropFirst() }
        while let last = range.last, self[last].isBlank { range = range.dropLast() }
        return range
    }

    /// A decimal number, or a hexadecimal one with `0x`; nil for anything else, also where it does not fit.
    func number(_ range: Range<Int>) -> UInt64? {
        if range.count > 2, self[range.lowerBound] == UInt8(ascii: "0"),
            self[range.lowerBound + 1] | 0x20 == UInt8(ascii: "x")
        {
            return hexNumber(range.dropFirst(2))
        }
        return decimalNumber(range)
    }

    @inline(__always)
    func decimalNumber(_ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = self[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    /// A hexadecimal number without a prefix.
    func hexNumber(_ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            guard let digit = hexValue(self[index]), value >> 60 == 0 else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// A number between 0 and 65,535.
    func port(_ range: Range<Int>) -> UInt16? { number(range).flatMap { UInt16(exactly: $0) } }

    /// An address: IPv4 whose octets may be filled with zeros (they are decimal all the same, Windows traces print
    /// `010.001.001.001`), or IPv6, in brackets or not; a zone (`%12`) is left out.
    func address(_ range: Range<Int>) -> IPAddress? {
        var range = range
        if range.count > 2, self[range.lowerBound] == UInt8(ascii: "["), self[range.upperBound - 1] == UInt8(ascii: "]")
        {
            range = range.lowerBound + 1..<range.upperBound - 1
        }
        if let bits = dotted(range) { return IPAddress(v4: bits) }
        if let zone = range.first(where: { self[$0] == UInt8(ascii: "%") }) { range = range.lowerBound..<zone }
        return groups(range)
    }

    @inline(__always)
    private func dotted(_ range: Range<Int>) -> UInt32? {
        guard range.count >= 7, range.count <= 15 else { return nil }
        var bits: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var dots = 0
        for index in range {
            let byte = self[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                bits = bits << 8 | octet
                (octet, digits, dots) = (0, 0, dots + 1)
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            octet = octet * 10 + UInt32(digit)
            digits += 1
            guard digit < 10, digits <= 3, octet <= 255 else { return nil }
        }
        guard dots == 3, digits > 0 else { return nil }
        return bits << 8 | octet
    }

    /// RFC 4291, section 2.2.
    private func groups(_ range: Range<Int>) -> IPAddress? {
        guard range.count >= 2, range.count <= 45 else { return nil }
        var parsed = GroupParser()
        var index = range.lowerBound
        while index < range.upperBound {
            if self[index] == UInt8(ascii: ":") {
                let isDouble = index + 1 < range.upperBound && self[index + 1] == UInt8(ascii: ":")
                guard isDouble ? parsed.gap() : index != range.lowerBound && parsed.needsColon else { return nil }
                parsed.needsColon = false
                index += isDouble ? 2 : 1
                if index == range.upperBound, !isDouble { return nil }
                continue
            }
            guard !parsed.needsColon else { return nil }
            let stop = (index..<range.upperBound).first { self[$0] == UInt8(ascii: ":") } ?? range.upperBound
            if stop == range.upperBound, let bits = dotted(index..<stop) {
                guard parsed.add(UInt16(bits >> 16)), parsed.add(UInt16(truncatingIfNeeded: bits)) else { return nil }
            } else {
                guard stop - index <= 4, let group = hexNumber(index..<stop), parsed.add(UInt16(group)) else {
                    return nil
                }
            }
            parsed.needsColon = true
            index = stop
        }
        return parsed.address
    }
}

extension UInt8 {
    /// A space or a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}

/// The groups of an IPv6 address as they are read.
private struct GroupParser {
    var needsColon = false
    private var groups = InlineArray<8, UInt16>(repeating: 0)
    private var count = 0
    private var gapAt: Int?

    mutating func gap() -> Bool {
        guard gapAt == nil else { return false }
        gapAt = count
        return true
    }

    mutating func add(_ group: UInt16) -> Bool {
        guard count < 8 else { return false }
        groups[count] = group
        count += 1
        return true
    }

    var address: IPAddress? {
        guard gapAt == nil ? count == 8 : count < 8 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<count {
            let place = index >= gapAt ?? 8 ? index + 8 - count : index
            let bits = UInt64(groups[index]) << UInt64(48 - 16 * (place & 3))
            if place < 4 { halves.high |= bits } else { halves.low |= bits }
        }
        return IPAddress(v6High: halves.high, low: halves.low)
    }
}

/// A word of at most 16 letters and digits in small letters, to compare without making a string.
struct Keyword: Hashable {
    private let high: UInt64
    private let low: UInt64

    /// The word in a range of a line; longer ones equal no other word.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        guard range.count <= 16 else {
            self.init(high: .max, low: .max)
            return
        }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in range {
            let byte = bytes[index]
            let small = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(small)
        }
        self.init(high: high, low: low)
    }

    /// A known word.
    init(_ word: String) {
        let bytes = Array(word.utf8)
        self.init(bytes, 0..<bytes.count)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
