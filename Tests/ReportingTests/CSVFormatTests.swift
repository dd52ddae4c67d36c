import Records
import Reporting
import Testing

@Suite("CSV")
struct CSVFormatTests {
    /// A reader by the letter of RFC 4180: fields, or nil for what the RFC does not allow.
    static func parse(_ bytes: [UInt8]) -> [[String]]? {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var index = 0
        func byte(_ offset: Int) -> UInt8? { index + offset < bytes.count ? bytes[index + offset] : nil }
        while index < bytes.count {
            if byte(0) == UInt8(ascii: "\"") {
                guard field.isEmpty else { return nil }
                index += 1
                while let current = byte(0) {
                    if current == UInt8(ascii: "\"") {
                        guard byte(1) == UInt8(ascii: "\"") else { break }
                        index += 1
                    }
                    field.append(current)
                    index += 1
                }
                guard byte(0) == UInt8(ascii: "\"") else { return nil }
                index += 1
                guard byte(0) == UInt8(ascii: ",") || byte(0) == 0x0D else { return nil }
            } else if byte(0) == UInt8(ascii: ",") {
                row.append(String(decoding: field, as: UTF8.self))
                field = []
                index += 1
            } else if byte(0) == 0x0D {
                guard byte(1) == 0x0A else { return nil }
                row.append(String(decoding: field, as: UTF8.self))
                rows.append(row)
                (row, field) = ([], [])
                index += 2
            } else {
                guard let current = byte(0), current != 0x0A else { return nil }
                field.append(current)
                index += 1
            }
        }
        return row.isEmpty && field.isEmpty ? rows : nil
    }

    @Test func everyKindOfPacketAsExpected() {
        Golden.expect(Sample.output(CSVFormat()), named: "csv.csv")
    }

    @Test func everyRowHasEveryColumn() throws {
        let rows = try #require(Self.parse(Sample.output(CSVFormat())))
        #expect(rows.count == 1 + Sample.packets.count)
        #expect(rows[0] == CSVFormat.columns.map(\.description))
        #expect(rows.allSatisfy { $0.count == CSVFormat.columns.count })
    }

    @Test(arguments: [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("a,\"b\"", "a,\"b\""),
        ("=\"a\",b", "'=\"a\",b"),
        ("a=b", "a=b"),
        ("", ""),
    ])
    func textsAreQuotedAndFormulasNeutralised(name: String, field: String) throws {
        var reported = Sample.packets[0]
        reported.process?.name = name
        var format = CSVFormat()
        var bytes: [UInt8] = []
        format.packet(reported, into: &bytes)
        let row = try #require(Self.parse(bytes)?.first)
        let column = try #require(CSVFormat.columns.firstIndex { $0.description == "process.name" })
        #expect(row[column] == field)
    }

    @Test func ancestorsBeyondTheParentAreOneObject() throws {
        let rows = try #require(Self.parse(Sample.output(CSVFormat())))
        let column = try #require(CSVFormat.columns.firstIndex { $0.description == "process.parent.parent" })
        #expect(rows[1][column] == #"{"pid":1,"name":"systemd"}"#)
    }
}
