import Records

/// A line that says when the listing below it was taken: with its zone, or it could be any of a day's hours.
enum WrittenTime {
    /// The first time in a line; nil where it has none.
    static func find(in line: [UInt8]) -> Timestamp? {
        for word in line.split(whereSeparator: { $0.isBlank || $0 == UInt8(ascii: "=") }) {
            if let time = cim(Array(word)) ?? internet(Array(word)) { return time }
        }
        return nil
    }

    /// `20100114152014.454856+240`: CIM_DATETIME, as `wmic os get LocalDateTime` prints it; the zone in minutes.
    private static func cim(_ word: [UInt8]) -> Timestamp? {
        guard word.count == 25, word[14] == UInt8(ascii: "."), let sign = sign(word[21]),
            let year = word.decimalNumber(0..<4), let month = word.decimalNumber(4..<6),
            let day = word.decimalNumber(6..<8), let hour = word.decimalNumber(8..<10),
            let minute = word.decimalNumber(10..<12), let second = word.decimalNumber(12..<14),
            let fraction = word.decimalNumber(15..<21), let zone = word.decimalNumber(22..<25)
        else { return nil }
        return time(year, month, day, hour, minute, second, fraction * 1000, zone: sign * Int64(zone) * 60)
    }

    /// `2010-01-14T15:20:14.4548560+04:00` or with `Z`: RFC 3339, as PowerShell's `Get-Date -Format o` prints it.
    private static func internet(_ word: [UInt8]) -> Timestamp? {
        guard word.count >= 20, word[4] == UInt8(ascii: "-"), word[7] == UInt8(ascii: "-"),
            word[10] | 0x20 == UInt8(ascii: "t"), word[13] == UInt8(ascii: ":"), word[16] == UInt8(ascii: ":"),
            let year = word.decimalNumber(0..<4), let month = word.decimalNumber(5..<7),
            let day = word.decimalNumber(8..<10), let hour = word.decimalNumber(11..<13),
            let minute = word.decimalNumber(14..<16), let second = word.decimalNumber(17..<19)
        else { return nil }
        var index = 19
        var fraction: UInt64 = 0
        if word[index] == UInt8(ascii: ".") || word[index] == UInt8(ascii: ",") {
            let digits = word[(index + 1)...].prefix { $0.isDigit }
            guard (1...9).contains(digits.count), let value = word.decimalNumber(digits.indices) else { return nil }
            fraction = (digits.count..<9).reduce(value) { value, _ in value * 10 }
            index += 1 + digits.count
        }
        guard let zone = zone(Array(word[index...])) else { return nil }
        return time(year, month, day, hour, minute, second, fraction, zone: zone)
    }

    /// Seconds east of Greenwich.
    private static func zone(_ text: [UInt8]) -> Int64? {
        if text.count == 1, text[0] | 0x20 == UInt8(ascii: "z") { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":"), let sign = sign(text[0]),
            let hours = text.decimalNumber(1..<3), let minutes = text.decimalNumber(4..<6), hours < 24, minutes < 60
        else { return nil }
        return sign * Int64(hours * 3600 + minutes * 60)
    }

    private static func sign(_ byte: UInt8) -> Int64? {
        byte == UInt8(ascii: "+") ? 1 : byte == UInt8(ascii: "-") ? -1 : nil
    }

    private static func time(
        _ year: UInt64, _ month: UInt64, _ day: UInt64, _ hour: UInt64, _ minute: UInt64, _ second: UInt64,
        _ fraction: UInt64, zone: Int64
    ) -> Timestamp? {
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        guard (1980...2199).contains(year),
            let whole = Timestamp(
                "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))Z")
        else { return nil }
        return whole.advanced(by: Int64(fraction) - zone * 1_000_000_000)
    }
}
