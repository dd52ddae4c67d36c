internal import Records
internal import TextEscaping

/// One line of comma-separated values in a reused buffer.
struct CSVRow: Sendable {
    private var bytes: [UInt8] = []
    private var isFirst = true
    private var json = JSONWriter(reservingCapacity: 512)

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        isFirst = true
    }

    /// Ends the line and appends it to `output`.
    mutating func end(into output: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
        output.append(contentsOf: bytes)
    }

    /// A field without a value.
    mutating func empty() { separate() }

    /// A number's field.
    mutating func number(_ number: (some BinaryInteger)?) {
        separate()
        if let number { appendDecimal(number, to: &bytes) }
    }

    /// A moment's field.
    mutating func time(_ time: Timestamp) {
        separate()
        time.append(to: &bytes)
    }

    /// The fields of an address and a port.
    mutating func endpoint(_ address: IPAddress, _ port: UInt16?) {
        separate()
        address.append(to: &bytes)
        number(port)
    }

    /// The field of payload bytes.
    mutating func hexadecimal(_ prefix: PayloadPrefix) {
        separate()
        prefix.appendHexadecimal(to: &bytes)
    }

    /// A text's field.
    ///
    /// - Parameter isText: false for what is a word of ours (a column's name) and must stay as it is.
    mutating func text(_ text: String?, isText: Bool = true) {
        separate()
        guard let text else { return }
        field(printable(text).utf8, neutralised: isText)
    }

    /// A field with the JSON of a value, if there is one.
    mutating func json<Value>(when value: Value?, _ body: (inout JSONWriter, Value) -> Void) {
        separate()
        guard let value else { return }
        json.removeAll()
        body(&json, value)
        field(json.bytes, neutralised: true)
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func field(_ content: some Collection<UInt8>, neutralised: Bool) {
        // RFC 4180, section 2: quotes around what holds separators, quotes or line ends; quotes inside twice.
        let needsQuotes = content.contains { byte in
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\r")
                || byte == UInt8(ascii: "\n")
        }
        if needsQuotes { bytes.append(UInt8(ascii: "\"")) }
        if neutralised, Self.beginsFormula(content) { bytes.append(UInt8(ascii: "'")) }
        for byte in content {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        if needsQuotes { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Apostrophes before the sign count too, else an apostrophe that was there could not be told from ours.
    private static func beginsFormula(_ content: some Collection<UInt8>) -> Bool {
        switch content.first(where: { $0 != UInt8(ascii: "'") }) {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"): true
        default: false
        }
    }
}
