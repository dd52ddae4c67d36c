import PacketDecoding
import Records
import SeededRandomness
import Testing

func glance(_ frame: [UInt8], _ linkType: UInt16 = LinkType.ethernet, originalLength: Int? = nil) -> PacketGlance? {
    unsafe PacketGlance(frame.span.bytes, linkType: linkType, originalLength: originalLength ?? frame.count)
}

@Suite("Glances at packets")
struct PacketGlanceTests {
    private static let segment = TransportLayerTests.tcp("50", Sample.payload)
    private static let echo = hex("08 00 0000 0200 0001 3F")

    /// Frames that have a glance, each whole.
    static let ordinary: [[UInt8]] = [
        Sample.ethernet("0800", Sample.ipv4UDP),
        Sample.ethernet("8100", hex("0064 0800") + Sample.ipv4UDP),
        Sample.ethernet("86DD", Sample.ipv6UDP),
        Sample.ethernet("8100", hex("0064 86DD") + Sample.ipv6UDP),
        Sample.ethernet("0800", Sample.ipv4("06", segment)),
        Sample.ethernet("86DD", Sample.ipv6Header(next: "06", length: "001C") + segment),
        Sample.ethernet("0800", Sample.ipv4("01", echo)) + [UInt8](repeating: 0xEE, count: 17),
        Sample.ethernet("86DD", Sample.ipv6Header(next: "3A", length: "0009") + hex("80") + echo.dropFirst()),
    ]

    /// What a glance says that the decoded frame does not; nil where they agree.
    private func contradiction(_ glance: PacketGlance, _ frame: [UInt8], _ linkType: UInt16, _ original: Int) -> String?
    {
        guard let ip = decode(frame, linkType, originalLength: original).ip else { return "no packet" }
        if ip.isFragment || ip.isTruncated || ip.fragmentOffset != 0 { return "not whole" }
        if glance.transport == .other { return "transport" }
        if IPPacket(glance) != ip { return "packet: \(IPPacket(glance)), not \(ip)" }
        let decoded = decode(frame, linkType, originalLength: original)
        let packet = Array(frame.dropFirst(decoded.networkOffset))
        if decodePacket(packet, originalLength: original - decoded.networkOffset) != ip {
            return "without a link layer"
        }
        if glance.sourceMAC != decoded.sourceMAC { return "source MAC" }
        if glance.destinationMAC != decoded.destinationMAC { return "destination MAC" }
        if decoded.isBehindRareHeaders || decoded.direction != .unknown { return "link layer" }
        return nil
    }

    @Test("Ordinary packets have one, cut anywhere behind their headers", arguments: ordinary)
    func cut(frame: [UInt8]) throws {
        let payload = decode(frame).payloadOffset
        for count in payload...frame.count {
            let found = try #require(glance(Array(frame.prefix(count)), originalLength: frame.count))
            #expect(contradiction(found, Array(frame.prefix(count)), LinkType.ethernet, frame.count) == nil)
        }
        for count in 0..<payload { #expect(glance(Array(frame.prefix(count)), originalLength: frame.count) == nil) }
        #expect(glance(frame, LinkType.linuxSLL2) == nil && glance(frame, LinkType.raw) == nil)
    }

    @Test(
        "What is out of the ordinary has none",
        arguments: [
            Sample.ethernet("0800", Sample.ipv4("11", Sample.udp, fragment: "2000")),
            Sample.ethernet("0800", Sample.ipv4("11", Sample.udp, fragment: "0010")),
            Sample.ethernet("0800", Sample.ipv4("11", Sample.udp, totalLength: "0000")),
            Sample.ethernet("0800", Sample.ipv4("11", Sample.udp, totalLength: "FFFF")),
            Sample.ethernet("0800", Sample.ipv4("2F", Sample.udp)),
            Sample.ethernet("0800", Sample.ipv4("06", TransportLayerTests.tcp("40", Sample.payload))),
            Sample.ethernet("0806", Sample.ipv4UDP),
            Sample.ethernet("8100", hex("0064 8100 0064 0800") + Sample.ipv4UDP),
            Sample.ethernet("86DD", Sample.ipv6Header(next: "3A", length: "0000") + Sample.udp),
            Sample.ethernet(
                "86DD", Sample.ipv6Header(next: "00", length: "0018") + hex("1100 0000 0000 0000") + Sample.udp),
        ])
    func refused(frame: [UInt8]) { #expect(glance(frame) == nil) }

    @Test("Of a hundred thousand damaged frames no glance says anything else than the decoded frame")
    func damaged() {
        var random = SeededGenerator(state: 20_261_122)
        var contradictions: [String] = []
        var glances = 0
        for number in 0..<100_000 {
            var frame = Self.ordinary[number % Self.ordinary.count]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                // Mostly in the headers, which decide.
                let index = Int.random(in: 0..<min(frame.count, 62), using: &random)
                frame[index] = UInt8.random(in: 0...255, using: &random)
            }
            if number % 5 == 0 { frame.removeLast(Int.random(in: 0...frame.count, using: &random)) }
            if number % 7 == 0 { frame += [UInt8](repeating: 0xEE, count: Int.random(in: 0...30, using: &random)) }
            let original = frame.count + (number % 3 == 0 ? Int.random(in: -20...2000, using: &random) : 0)
            guard let found = glance(frame, originalLength: original) else { continue }
            glances += 1
            if let contradiction = contradiction(found, frame, LinkType.ethernet, original) {
                contradictions.append("\(contradiction): \(frame), original \(original)")
            }
        }
        #expect(contradictions.prefix(3) == [])
        #expect(glances > 30_000)
    }
}
