/// Builds compact JSON in one byte buffer, without Foundation and without an object tree.
///
/// The caller keeps the order of calls right (a key before each member's value); commas are placed here. Strings are
/// passed through ``LosslessEscape`` by whoever made them; here only what JSON itself demands is escaped.
public struct JSONWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// An empty buffer.
    public init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Empties the buffer and keeps its storage.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    /// Ends the line: NDJSON has one object a line.
    public mutating func newline() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// An object as the next value; `body` writes its members.
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// An array as the next value; `body` writes its elements.
    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// A member's name. Names are ours, so they need no escape.
    public mutating func key(_ name: StaticString) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member's name that is data (a tag, say).
    public mutating func key(_ name: String) {
        comma()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string as the next value.
    public mutating func value(_ string: String) {
        comma()
        quote(string)
        needsComma = true
    }

    /// A string as the next value, appended by `body` without making a string: only text that needs no escape in JSON
    /// (addresses, times, digits).
    public mutating func quoted(_ body: (inout [UInt8]) -> Void) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        body(&bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// An integer of at most 64 bits as the next value.
    @inlinable
    public mutating func value(_ number: some BinaryInteger) {
        value(magnitude: UInt64(truncatingIfNeeded: number.magnitude), isNegative: number < 0)
    }

    @usableFromInline
    mutating func value(magnitude: UInt64, isNegative: Bool) {
        comma()
        appendDecimal(magnitude: magnitude, isNegative: isNegative, width: 1, to: &bytes)
        needsComma = true
    }

    /// A finite number as the next value; anything else becomes null.
    public mutating func value(_ number: Double) {
        comma()
        bytes.append(contentsOf: (number.isFinite ? "\(number)" : "null").utf8)
        needsComma = true
    }

    /// A truth value as the next value.
    public mutating func value(_ flag: Bool) {
        comma()
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        needsComma = true
    }

    /// `null` as the next value.
    public mutating func null() {
        comma()
        bytes.append(contentsOf: "null".utf8)
        needsComma = true
    }

    /// Writes a key and a string, if there is one.
    public mutating func member(_ name: StaticString, _ string: String?) {
        guard let string else { return }
        key(name)
        value(string)
    }

    /// Writes a key and an integer, if there is one.
    @inlinable
    public mutating func member(_ name: StaticString, _ number: (some BinaryInteger)?) {
        guard let number else { return }
        key(name)
        value(number)
    }

    /// Writes a key and an object.
    public mutating func member(_ name: StaticString, object body: (inout JSONWriter) -> Void) {
        key(name)
        object(body)
    }

    private mutating func enclose(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        comma()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// RFC 8259, section 7: quotation mark, reverse solidus and the controls must be escaped.
    private mutating func quote(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        if string.utf8.contains(where: { Self.mustEscape($0) }) {
            for byte in string.utf8 { appendEscaped(byte) }
        } else {
            bytes.append(contentsOf: string.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x00...0x1F, 0x7F:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 0xF))
        default: bytes.append(byte)
        }
    }
}

/// Appends the decimal digits of a number of at most 64 bits without making a string.
@inlinable
public func appendDecimal(_ number: some BinaryInteger, to bytes: inout [UInt8]) {
    appendDecimal(number, width: 1, to: &bytes)
}

/// Appends a number's decimal digits, filled with zeros on the left to `width`, at most 20.
@inlinable
public func appendDecimal(_ number: some BinaryInteger, width: Int, to bytes: inout [UInt8]) {
    appendDecimal(
        magnitude: UInt64(truncatingIfNeeded: number.magnitude), isNegative: number < 0, width: width, to: &bytes)
}

/// The generic functions above are inlined into their callers and end here: unspecialised, they cost ten times as much.
@usableFromInline
func appendDecimal(magnitude: UInt64, isNegative: Bool, width: Int, to bytes: inout [UInt8]) {
    if isNegative { bytes.append(UInt8(ascii: "-")) }
    // The most digits that 64 bits have.
    var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
    var first = 20
    var rest = magnitude
    repeat {
        first -= 1
        digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
    } while rest > 0
    for index in max(min(first, 20 - width), 0)..<20 { bytes.append(digits[index]) }
}
