import PacketDecoding
import Records
import SeededRandomness
import Testing

@Suite("Mutated packets")
struct MutatedPacketTests {
    static let count = 100_000

    /// Changes bytes, cuts, repeats or appends.
    private func mutate(_ packet: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = packet
        for _ in 0...Int.random(in: 0...5, using: &random) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            case 1:
                let count = Int.random(in: 0...40, using: &random)
                for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &random)) }
            case 2: bytes = bytes + bytes.suffix(Int.random(in: 0...64, using: &random))
            case 3 where !bytes.isEmpty:
                let extreme: [UInt8] = [0x00, 0xFF, 0x7F, 0x80, 0x01, 0x3C, 0x2C]
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = extreme.randomElement(using: &random) ?? 0
            default:
                guard !bytes.isEmpty else { continue }
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    /// What must hold for every frame; nil where it does.
    private func violation(_ decoded: DecodedFrame, frame: [UInt8]) -> String? {
        let count = frame.count
        if decoded.networkOffset > count { return "network offset" }
        if decoded.transportOffset > count { return "transport offset" }
        if decoded.payloadOffset > count { return "payload offset" }
        if decoded.payloadOffset + decoded.payloadCaptured > count { return "payload end" }
        if min(decoded.networkOffset, decoded.transportOffset, decoded.payloadCaptured) < 0 { return "negative" }
        if let problem = decoded.problem, !(0...count).contains(problem.offset) { return "problem offset" }
        guard let ip = decoded.ip else { return decoded.payloadCaptured == 0 ? nil : "payload without a packet" }
        if decoded.transportOffset < decoded.networkOffset { return "transport before network" }
        if decoded.payloadOffset < decoded.transportOffset { return "payload before transport" }
        if decoded.payloadCaptured > Int(ip.payloadLength) { return "captured beyond payload" }
        if Int(ip.payloadPrefix.count) != min(16, decoded.payloadCaptured) { return "prefix count" }
        let start = decoded.payloadOffset
        if ip.payloadPrefix != PayloadPrefix(frame[start..<start + decoded.payloadCaptured]) { return "prefix bytes" }
        if ip.payloadLength > ip.totalLength { return "payload longer than the packet" }
        if ip.isTruncated, decoded.problem == nil { return "cut without a reason" }
        if ip.fragmentOffset > 0, ip.sourcePort != 0 || ip.udpLength != 0 { return "ports in a later fragment" }
        if ip.source.version != ip.destination.version { return "mixed versions" }
        return nil
    }

    @Test func neitherCrashNorContradiction() {
        var random = SeededGenerator(state: 20_260_301)
        var seeds: [(frame: [UInt8], linkType: UInt16)] = Wrapping.all.map { ($0.frame, $0.linkType) }
        for (_, first, headers) in InternetLayerTests.extensions {
            seeds.append((Sample.ipv6Header(next: first, length: "0050") + headers + Sample.udp, LinkType.raw))
        }
        let segment = TransportLayerTests.tcp("80", Sample.payload)
        seeds.append((Sample.ethernet("0800", Sample.ipv4("06", segment)), LinkType.ethernet))
        let linkTypes = (0...UInt16(300)).filter(LinkType.isSupported)
        var decodedPackets = 0
        var violations: [String] = []
        for number in 0..<Self.count {
            let seed = seeds[number % seeds.count]
            let frame = mutate(seed.frame, &random)
            // Now and then under another link type than it was made for.
            let linkType = number % 7 == 0 ? linkTypes[number / 7 % linkTypes.count] : seed.linkType
            let longer = Int.random(in: 0...1, using: &random) * Int.random(in: 0...70_000, using: &random)
            let decoded = decode(frame, linkType, originalLength: frame.count + longer)
            if decoded.ip != nil { decodedPackets += 1 }
            if let violation = violation(decoded, frame: frame) {
                violations.append("\(violation): link type \(linkType), frame \(frame), original +\(longer)")
            }
        }
        #expect(violations.prefix(3) == [])
        // A generator that spoils everything tests only the first guard.
        #expect(decodedPackets > Self.count / 2)
    }
}
