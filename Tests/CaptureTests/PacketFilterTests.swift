import Capture
import Testing

@Suite("Filter expressions")
struct PacketFilterTests {
    @Test(arguments: [
        ("", true), ("udp", true), ("udp or icmp or icmp6", true), ("tcp", false), ("dst port 2762", true),
        ("src host 192.0.2.1 and udp[4:2] = 16", true), ("dst net 192.0.2.0/24", false), ("greater 1000", false),
        ("ether src 00:53:00:00:00:01", true),
    ])
    func matchesEthernet(expression: String, expected: Bool) throws {
        #expect(try matches(expression, linkType: 1, SampleFrame.udp) == expected)
    }

    @Test(arguments: [UInt16(101), 12, 14, 228])
    func matchesRaw(linkType: UInt16) throws {
        let packet = Array(SampleFrame.udp.dropFirst(14))
        #expect(try matches("udp port 2762", linkType: linkType, packet))
        #expect(try !matches("tcp", linkType: linkType, packet))
    }

    @Test func matchesCooked() throws {
        let header = hex("0800", "0000", "0000 0007", "0001", "04", "06", "0053 0000 0001 0000")
        let frame = header + SampleFrame.udp.dropFirst(14)
        #expect(try matches("udp port 2762", linkType: 276, frame))
        #expect(try !matches("tcp", linkType: 276, frame))
    }

    @Test func lengthIsTheOriginalOne() throws {
        #expect(try matches("greater 1000", linkType: 1, SampleFrame.udp, originalLength: 1500))
    }

    @Test func cutFramesDoNotMatchBeyondTheirEnd() throws {
        for length in 0...SampleFrame.udp.count {
            #expect(try matches("udp port 2762", linkType: 1, Array(SampleFrame.udp.prefix(length))) == (length >= 38))
        }
    }

    @Test(arguments: ["udp prt 53", "port", "host 192.0.2.", "\u{1B}[2J"])
    func wrongExpressionIsASentence(expression: String) throws {
        let error = #expect(throws: CaptureError.self) { try PacketFilter(expression, linkType: 1) }
        #expect(error?.code == .badFilter)
        #expect(error?.description.hasPrefix("The filter expression \"") == true)
        #expect(error?.description.contains("\u{1B}") == false)
    }

    private func matches(_ expression: String, linkType: UInt16, _ frame: [UInt8], originalLength: Int? = nil) throws
        -> Bool
    {
        let filter = try PacketFilter(expression, linkType: linkType)
        return unsafe filter.matches(frame.span.bytes, originalLength: originalLength ?? frame.count)
    }
}
