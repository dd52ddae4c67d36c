import PcapNG

/// The lines of a text of any length, one at a time, in UTF-8 without their ends (LF, CRLF, or more CRs as `more`
/// leaves them).
struct TextLines {
    /// Longer lines are no line of any evidence; what is behind it is skipped.
    static let lengthLimit = 1 << 16
    private static let chunk = 1 << 16

    /// The current line's number, from 1.
    private(set) var number: UInt64 = 0
    /// The byte of the file at which the current line begins.
    private(set) var offset: UInt64
    /// The current line was cut at ``lengthLimit``.
    private(set) var isCut = false

    private var source: any ByteSource
    private let encoding: TextEncoding
    private var transcoder: UTF16Transcoder
    private var raw: [UInt8] = []
    private var buffer: [UInt8] = []
    private var start = 0
    private var end = 0
    private var hasEnded = false
    private var nextOffset: UInt64

    /// Reads a source whose byte order mark was taken already.
    init(_ source: any ByteSource, encoding: TextEncoding, markLength: Int) {
        self.source = source
        self.encoding = encoding
        transcoder = UTF16Transcoder(isBigEndian: encoding == .utf16BigEndian)
        offset = UInt64(markLength)
        nextOffset = UInt64(markLength)
    }

    /// Puts the next line into `line`; false at the end.
    mutating func next(into line: inout [UInt8]) throws(ByteSourceError) -> Bool {
        line.removeAll(keepingCapacity: true)
        isCut = false
        offset = nextOffset
        var began = false
        while true {
            if start == end {
                guard try refill() else { break }
            }
            began = true
            let newline = newlineIndex()
            take(start..<(newline ?? end), to: &line)
            start = newline.map { $0 + 1 } ?? end
            if newline != nil {
                nextOffset += encoding == .utf8 ? 1 : 2
                break
            }
        }
        guard began else { return false }
        while line.last == UInt8(ascii: "\r") { line.removeLast() }
        number += 1
        return true
    }

    @inline(__always)
    private func newlineIndex() -> Int? {
        let bytes = buffer.span
        var index = start
        while index < end {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    @inline(__always)
    private mutating func take(_ range: Range<Int>, to line: inout [UInt8]) {
        nextOffset += encoding == .utf8 ? UInt64(range.count) : sourceLength(of: range)
        let room = Self.lengthLimit - line.count
        if range.count > room { isCut = true }
        line.append(contentsOf: buffer[range.prefix(room)])
    }

    /// How many bytes of UTF-16 a range of UTF-8 was made of.
    private func sourceLength(of range: Range<Int>) -> UInt64 {
        var units: UInt64 = 0
        for byte in buffer[range] where byte & 0xC0 != 0x80 { units += byte >= 0xF0 ? 2 : 1 }
        return 2 * units
    }

    private mutating func refill() throws(ByteSourceError) -> Bool {
        guard !hasEnded else { return false }
        start = 0
        end = 0
        if encoding == .utf8 {
            if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.chunk) }
            end = try buffer.fill(from: 0, &source)
            hasEnded = end == 0
            return end > 0
        }
        if raw.isEmpty { raw = [UInt8](repeating: 0, count: Self.chunk) }
        buffer.removeAll(keepingCapacity: true)
        while buffer.isEmpty, !hasEnded {
            let count = try raw.fill(from: 0, &source)
            hasEnded = count == 0
            if hasEnded { transcoder.finish(&buffer) } else { transcoder.append(raw[..<count], to: &buffer) }
        }
        end = buffer.count
        return end > 0
    }
}
