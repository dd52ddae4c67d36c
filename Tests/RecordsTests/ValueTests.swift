import Records
import Testing

@Suite("Values")
struct ValueTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_772_360_430_123_456_789, "2026-03-01T10:20:30.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
    ])
    func timestamps(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).description == text)
        #expect(Timestamp(text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", "2026-03-01", "2026-13-01T00:00:00Z", "2026-03-01T10:20:30.Z", "2026-03-01T10:20:30+01:00"])
    func refusedTimestamps(text: String) { #expect(Timestamp(text) == nil) }

    @Test(
        arguments: [
            (0x2001_0db8_0000_0000, 0x0000_0000_0000_0001, "2001:db8::1"),
            (0, 0, "::"),
            (0, 1, "::1"),
            (0, 0xFFFF_C000_0201, "::ffff:192.0.2.1"),
            (0x2001_0db8_0000_0001, 0x0001_0000_0000_0001, "2001:db8:0:1:1::1"),
            (0x2001_0db8_0001_0000, 0x0001_0001_0001_0001, "2001:db8:1:0:1:1:1:1"),
            (0xfe80_0000_0000_0000, 0, "fe80::"),
        ] as [(UInt64, UInt64, String)])
    func ipv6(high: UInt64, low: UInt64, text: String) {
        #expect(IPAddress(v6High: high, low: low).description == text)
    }

    @Test func ipv4() { #expect(IPAddress(v4: 0xC000_0201).description == "192.0.2.1") }

    @Test func macAddressesAreUpperCaseWithHyphens() {
        #expect(MACAddress(bits: 0x0053_00AB_CDEF).description == "00-53-00-AB-CD-EF")
    }

    @Test(arguments: 0...20)
    func prefixesKeepTheirBytes(length: Int) {
        let bytes = (0..<length).map { UInt8($0 + 1) }
        let prefix = PayloadPrefix(bytes)
        #expect(Int(prefix.count) == min(length, 16))
        #expect((0..<Int(prefix.count)).map { prefix[$0] } == Array(bytes.prefix(16)))
        for shorter in 0...length { #expect(prefix.first(shorter) == PayloadPrefix(bytes.prefix(shorter))) }
    }

    @Test func taskNamesEndAtNUL() {
        #expect(TaskName(Array("store".utf8) + [0, 65]).description == "store")
        #expect(TaskName(Array("0123456789abcdef".utf8)).description == "0123456789abcdef")
    }
}
