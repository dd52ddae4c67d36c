import Records
import Testing

@testable import WhosentCLI

@Suite("Filters that evidence was recorded with")
struct PassedFiltersTests {
    /// IPv4 and UDP, port 40000 to port 53, without payload.
    private static let packet: [UInt8] =
        [0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7] + [0x9C, 0x40, 0, 53, 0, 8, 0, 0]

    private static func mask(_ filter: String) throws -> UInt64? {
        let coverage = Coverage(start: .distantPast, filter: filter)
        return unsafe try PassedFilters([(1, coverage)])?.mask(
            packet.span.bytes, networkOffset: 0, originalLength: packet.count)
    }

    @Test("A filter of numbers is applied; one with a name is passed by nothing, and nobody is asked for the name")
    func names() throws {
        #expect(try Self.mask("") == nil)
        #expect(try Self.mask("udp port 53") == .max)
        #expect(try Self.mask("udp port 54") == .max & ~2)
        // This machine would know the port, and the DNS the host.
        #expect(try Self.mask("udp port domain") == .max & ~2)
        #expect(try Self.mask("host gateway.example") == .max & ~2)
    }
}
