import TextEscaping

/// One line of comma-separated values: RFC 4180, but forgiving about quotation marks that were not doubled, as tracerpt
/// writes command lines, and with spaces around values.
struct CSVLine {
    /// More fields than any event has; the rest is not looked at.
    static let fieldLimit = 64

    /// The line.
    var bytes: [UInt8] = []
    /// The values' places, without spaces and quotation marks around them.
    private(set) var fields: [Range<Int>] = []
    /// A bit for each field that was quoted.
    private var quotedFields: UInt64 = 0

    var count: Int { fields.count }

    /// Splits ``bytes``.
    mutating func split() {
        fields.removeAll(keepingCapacity: true)
        quotedFields = 0
        var index = 0
        while fields.count < Self.fieldLimit {
            while index < bytes.count, bytes[index].isBlank { index += 1 }
            if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                index = takeQuoted(from: index + 1)
            } else {
                index = takePlain(from: index)
            }
            guard index < bytes.count else { return }
            index += 1
            // A comma at the very end begins one more, empty field.
            if index == bytes.count, fields.count < Self.fieldLimit {
                fields.append(index..<index)
                return
            }
        }
    }

    private mutating func takePlain(from start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: ",") { end += 1 }
        var last = end
        while last > start, bytes[last - 1].isBlank { last -= 1 }
        fields.append(start..<last)
        return end
    }

    /// The closing quotation mark is the one before a comma or the end of the line.
    private mutating func takeQuoted(from start: Int) -> Int {
        quotedFields |= 1 << UInt64(fields.count)
        var index = start
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\"") else {
                index += 1
                continue
            }
            var behind = index + 1
            while behind < bytes.count, bytes[behind].isBlank { behind += 1 }
            if behind == bytes.count || bytes[behind] == UInt8(ascii: ",") {
                fields.append(start..<index)
                return behind
            }
            index += bytes[index + 1] == UInt8(ascii: "\"") ? 2 : 1
        }
        fields.append(bytes.trimmed(start..<bytes.count))
        return bytes.count
    }

    func isQuoted(_ field: Int) -> Bool { quotedFields >> UInt64(field) & 1 == 1 }

    /// The value's bytes, doubled quotation marks made single.
    func value(_ field: Int) -> [UInt8] {
        let value = Array(bytes[fields[field]])
        guard isQuoted(field), value.contains(UInt8(ascii: "\"")) else { return value }
        var result: [UInt8] = []
        var index = 0
        while index < value.count {
            result.append(value[index])
            let isPair =
                value[index] == UInt8(ascii: "\"") && index + 1 < value.count && value[index + 1] == UInt8(ascii: "\"")
            index += isPair ? 2 : 1
        }
        return result
    }

    /// The value in the lossless escape; nil where it is empty.
    func text(_ field: Int) -> String? {
        guard field < count, !fields[field].isEmpty else { return nil }
        return LosslessEscape.text(value(field))
    }

    func keyword(_ field: Int) -> Keyword { Keyword(bytes, fields[field]) }
    func number(_ field: Int) -> UInt64? { bytes.number(fields[field]) }

    /// A problem with one of the values.
    func problem(_ field: Int, _ what: String) -> LineProblem {
        LineProblem(position: field < count ? fields[field].lowerBound : bytes.count, what: what)
    }
}
