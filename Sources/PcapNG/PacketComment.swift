public import Records
import TextEscaping

/// Writes the one-line packet comment: `KEY=value KEY=value NAME="text"`.
///
/// Values hold no space and no quotation mark; the free text comes last and is a JSON string, so that no name can pass
/// itself off as another field.
public struct PacketCommentWriter: Sendable {
    /// The line so far, UTF-8.
    public private(set) var bytes: [UInt8] = []

    /// An empty line.
    public init() { bytes.reserveCapacity(256) }

    /// Empties the line and keeps its storage.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// A number.
    public mutating func field(_ key: StaticString, _ number: UInt64) {
        begin(key)
        append(decimal: number)
    }

    /// A word of ours, which needs no escape.
    public mutating func field(_ key: StaticString, _ word: StaticString) {
        begin(key)
        bytes.append(word)
    }

    /// A value that is data: what could end it or the line becomes `\xNN`.
    public mutating func field(_ key: StaticString, data value: String) {
        begin(key)
        for byte in value.utf8 {
            switch byte {
            case 0x00...0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "="):
                bytes.append("\\x")
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte))
            default: bytes.append(byte)
            }
        }
    }

    /// The free text, quoted; nothing may follow it.
    public mutating func text(_ key: StaticString, _ value: String) {
        begin(key)
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x00...0x1F, 0x7F:
                bytes.append("\\u00")
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A thread's name as the free text, without making a string for the usual ones.
    public mutating func text(_ key: StaticString, _ name: TaskName) {
        var quoted = InlineArray<18, UInt8>(repeating: UInt8(ascii: "\""))
        var count = 1
        while count <= 16 {
            let half = count <= 8 ? name.high : name.low
            let byte = UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * ((count - 1) & 7)))
            if byte == 0 { break }
            guard Self.isPlain(byte) else { return text(key, name.description) }
            quoted[count] = byte
            count += 1
        }
        begin(key)
        bytes.append(quoted.span.extracting(0..<count))
        bytes.append(UInt8(ascii: "\""))
    }

    /// Stands for itself in a JSON string and in the lossless escape.
    @inline(__always)
    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    @inline(__always)
    private mutating func begin(_ key: StaticString) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
        bytes.append(key)
        bytes.append(UInt8(ascii: "="))
    }

    private mutating func append(decimal number: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = digits.count
        var rest = number
        repeat {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        bytes.append(digits.span.extracting(first..<digits.count))
    }
}

/// Reads the one-line packet comment, field by field, without allocating.
///
/// Strict: keys are capitals, digits and underscores beginning with a capital; one space between fields; nothing after
/// a quoted text. A line that breaks this is malformed as a whole, see ``isMalformed``: nothing of it may be believed.
public struct PacketCommentScanner: ~Escapable {
    /// The current field's key as a number: its bytes, first byte highest, for keys of at most eight; 0 for longer ones.
    public private(set) var key: UInt64 = 0
    /// The line is not of this form.
    public private(set) var isMalformed = false

    private let line: RawSpan
    private var position = 0
    private var name = 0..<0
    /// Where the current value stands in the line.
    public private(set) var value = 0..<0
    private var isQuoted = false

    /// A scanner at the begin of a line.
    @_lifetime(copy line)
    public init(_ line: RawSpan) { self.line = line }

    /// Goes to the next field; false at the end, and where the line is malformed.
    public mutating func next() -> Bool {
        guard !isMalformed, position < line.byteCount else { return false }
        if position > 0 {
            // The last field ended before this byte; after a quoted text nothing may follow.
            guard !isQuoted, line.byte(at: position) == UInt8(ascii: " ") else { return fail() }
            position += 1
        }
        guard scanKey() else { return fail() }
        isQuoted = line.byte(at: position) == UInt8(ascii: "\"")
        guard isQuoted ? scanQuoted() : scanPlain() else { return fail() }
        return true
    }

    /// The current key is this one.
    public func isNamed(_ key: StaticString) -> Bool { line.extracting(name).equals(key) }

    /// The current value is this word.
    public func isWord(_ word: StaticString) -> Bool { !isQuoted && line.extracting(value).equals(word) }

    /// The current value as a decimal number without leading zeros; nil if it is none or does not fit.
    @inlinable
    public func number<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type = Value.self) -> Value? {
        integer.flatMap { Value(exactly: $0) }
    }

    /// The current value as a decimal number without leading zeros; nil if it is none or needs more than 64 bits.
    public private(set) var integer: UInt64?

    /// The current value as it stands; nil if it is quoted, or no UTF-8.
    public func plain() -> String? {
        isQuoted ? nil : String(validating: line.extracting(value).array, as: UTF8.self)
    }

    /// The current quoted text; nil if the value is not quoted or is no JSON string.
    public func text() -> String? {
        guard isQuoted else { return nil }
        return JSONValue(line.extracting(value).array)?.string
    }

    /// The current quoted text as a thread's name, without making a string for the usual ones.
    public func taskName() -> TaskName? {
        guard isQuoted else { return nil }
        let inner = line.extracting(value.lowerBound + 1..<value.upperBound - 1)
        var halves: (UInt64, UInt64) = (0, 0)
        for index in 0..<min(inner.byteCount, 17) {
            let byte = inner.byte(at: index)
            guard index < 16, PacketCommentWriter.isPlain(byte) else {
                return text().map { TaskName(LosslessEscape.bytes($0)) }
            }
            if index < 8 {
                halves.0 |= UInt64(byte) << UInt64(56 - 8 * index)
            } else {
                halves.1 |= UInt64(byte) << UInt64(120 - 8 * index)
            }
        }
        return TaskName(high: halves.0, low: halves.1)
    }

    private mutating func fail() -> Bool {
        isMalformed = true
        return false
    }

    private mutating func scanKey() -> Bool {
        let start = position
        var packed: UInt64 = 0
        while position < line.byteCount {
            let byte = line.byte(at: position)
            position += 1
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                guard position - 1 > start else { return false }
            case UInt8(ascii: "="):
                name = start..<position - 1
                key = name.count <= 8 ? packed : 0
                return !name.isEmpty
            default: return false
            }
            packed = packed << 8 | UInt64(byte)
        }
        return false
    }

    /// Goes to the end of an unquoted value, and reads it as a number on the way.
    private mutating func scanPlain() -> Bool {
        let start = position
        var number: UInt64 = 0
        var isNumber = true
        while position < line.byteCount {
            let byte = line.byte(at: position)
            if byte == UInt8(ascii: " ") { break }
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                let (product, overflow) = number.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
                isNumber = isNumber && !overflow && !carry
                number = sum
            } else {
                guard byte > 0x20, byte != 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "=") else {
                    return false
                }
                isNumber = false
            }
            position += 1
        }
        value = start..<position
        let hasLeadingZero = value.count > 1 && line.byte(at: start) == UInt8(ascii: "0")
        integer = isNumber && !hasLeadingZero ? number : nil
        return !value.isEmpty
    }

    private mutating func scanQuoted() -> Bool {
        let start = position
        integer = nil
        position += 1
        while position < line.byteCount {
            let byte = line.byte(at: position)
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") {
                value = start..<position
                return position == line.byteCount
            }
        }
        return false
    }
}

extension RawSpan {
    /// A number as ``PacketCommentScanner/integer`` reads it, but of at most 19 digits, which always fit into 64 bits; nil for
    /// anything else.
    public func decimal(in range: Range<Int>) -> UInt64? {
        guard (1...19).contains(range.count) else { return nil }
        var number: UInt64 = 0
        for offset in range {
            let digit = byte(at: offset) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number &* 10 &+ UInt64(digit)
        }
        return range.count > 1 && byte(at: range.lowerBound) == UInt8(ascii: "0") ? nil : number
    }
}
