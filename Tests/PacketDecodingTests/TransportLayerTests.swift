import PacketDecoding
import Records
import Testing

@Suite("UDP, TCP and ICMP headers")
struct TransportLayerTests {
    /// 0 to 17 bytes of payload, all captured: the prefix has as many as there are, 16 at most.
    @Test(arguments: 0...17)
    func payloadPrefixIsExact(count: Int) {
        let payload = (0..<count).map { UInt8(0xA0 + $0) }
        let length = UInt8(8 + count)
        let decoded = decode(Sample.ipv4("11", hex("8CA3 0ACA 00") + [length, 0, 0] + payload), LinkType.raw)
        #expect(decoded.ip?.payloadLength == UInt32(count))
        #expect(decoded.ip?.payloadPrefix == PayloadPrefix(payload))
        #expect(decoded.payloadCaptured == count)
        #expect(decoded.problem == nil)
    }

    @Test(arguments: [("0000", true), ("0007", true), ("0008", false), ("0010", false), ("0011", true), ("FFFF", true)])
    func udpLengthIsKeptAsStated(length: String, isWrong: Bool) {
        let decoded = decode(Sample.ipv4("11", hex("8CA3 0ACA", length, "0000") + Sample.payload), LinkType.raw)
        #expect(decoded.ip?.udpLength == UInt16(length, radix: 16))
        #expect(decoded.ip?.payloadLength == 8)
        #expect((decoded.problem?.kind == .wrongUDPLength) == isWrong)
        if isWrong { #expect(decoded.problem?.offset == 24) }
    }

    static func tcp(_ offset: String, _ rest: [UInt8]) -> [UInt8] {
        hex(
            "CDEF",  // source port
            "0185",  // destination port 389
            "0000 0001",  // sequence number
            "0000 0002",  // acknowledged
            offset,  // data offset
            "18",  // PSH, ACK
            "0200",  // window
            "0000", "0000"
        ) + rest
    }

    @Test func readsTCP() {
        let decoded = decode(
            Sample.ipv4("06", Self.tcp("80", hex("0101 080A 0000 0001 0000 0002") + Sample.payload)), 101)
        #expect(decoded.ip?.transport == .tcp)
        #expect(decoded.ip?.sourcePort == 0xCDEF)
        #expect(decoded.ip?.destinationPort == 389)
        #expect(decoded.ip?.tcpFlags == 0x18)
        #expect(decoded.ip?.payloadLength == 8)
        #expect(decoded.ip?.payloadPrefix == PayloadPrefix(Sample.payload))
        #expect(decoded.transportOffset == 20)
        #expect(decoded.payloadOffset == 52)
        #expect(decoded.problem == nil)
    }

    @Test func tcpDataOffsetBelowFiveWords() {
        let decoded = decode(Sample.ipv4("06", Self.tcp("40", Sample.payload)), 101)
        #expect(decoded.problem == DecodingProblem(kind: .wrongHeaderLength, offset: 32))
        #expect(decoded.ip?.sourcePort == 0xCDEF)
        #expect(decoded.ip?.tcpFlags == 0x18)
        #expect(decoded.ip?.isTruncated == true)
        #expect(decoded.ip?.payloadLength == 0)
        #expect(decoded.payloadCaptured == 0)
    }

    @Test func tcpDataOffsetBeyondThePacket() {
        let decoded = decode(Sample.ipv4("06", Self.tcp("F0", Sample.payload)), 101)
        #expect(decoded.problem?.kind == .transportHeaderCut)
        #expect(decoded.ip?.isTruncated == true)
        #expect(decoded.ip?.payloadLength == 0)
    }

    @Test func tcpCutInItsOptionsKeepsTheLength() {
        let packet = Sample.ipv4("06", Self.tcp("80", hex("0101 080A 0000 0001 0000 0002") + Sample.payload))
        let decoded = decode(Array(packet.prefix(44)), 101, originalLength: packet.count)
        #expect(decoded.ip?.isTruncated == true)
        #expect(decoded.ip?.tcpFlags == 0x18)
        #expect(decoded.ip?.payloadLength == 8)
        #expect(decoded.payloadCaptured == 0)
    }

    @Test(arguments: [
        // version 6, type, is echo, request, reply
        (false, "08", true, true, false), (false, "00", true, false, true), (false, "03", false, false, false),
        (false, "0B", false, false, false), (true, "80", true, true, false), (true, "81", true, false, true),
        (true, "87", false, false, false), (true, "08", false, false, false),
    ])
    func readsICMP(isVersion6: Bool, type: String, isEcho: Bool, isRequest: Bool, isReply: Bool) {
        let message = hex(
            type, "07",  // type, code
            "0000",  // checksum
            "4D2E",  // identifier
            "0003",  // sequence number
            "3F"  // payload of one byte
        )
        let packet = isVersion6 ? Sample.ipv6Header(next: "3A", length: "0009") + message : Sample.ipv4("01", message)
        let decoded = decode(packet, 101)
        #expect(decoded.ip?.transport == (isVersion6 ? .icmpv6 : .icmp))
        #expect(decoded.ip?.icmpType == UInt8(type, radix: 16))
        #expect(decoded.ip?.icmpCode == 7)
        #expect(decoded.ip?.sourcePort == (isEcho ? 0x4D2E : 0))
        #expect(decoded.ip?.destinationPort == (isEcho ? 3 : 0))
        #expect(decoded.ip?.payloadLength == 1)
        #expect(decoded.ip?.payloadPrefix == PayloadPrefix([0x3F]))
        #expect(decoded.ip?.isEchoRequest == isRequest)
        #expect(decoded.ip?.isEchoReply == isReply)
    }

    @Test func cutICMPIsNoEchoReply() {
        let packet = Sample.ipv4("01", hex("0000 0000 4D2E 0003 3F"))
        let cut = decode(Array(packet.prefix(20)), 101, originalLength: packet.count)
        #expect(cut.ip?.transport == .icmp)
        #expect(cut.ip?.isEchoReply == false)
        #expect(cut.ip?.isTruncated == true)
        #expect(cut.ip?.payloadLength == 1)
    }

    @Test func laterFragmentOfAPingIsNoEcho() {
        let ip = decode(Sample.ipv4("01", hex("0800 0000 4D2E 0003"), fragment: "0001"), 101).ip
        #expect(ip?.transport == .icmp)
        #expect(ip?.icmpType == 0)
        #expect(ip?.sourcePort == 0)
        #expect(ip?.payloadLength == 8)
        #expect(ip?.isEchoReply == false)
    }

    @Test func otherTransportsShowAllBytesAsPayload() {
        let decoded = decode(Sample.ipv4("32", Sample.payload), 101)
        #expect(decoded.ip?.transport == .other)
        #expect(decoded.ip?.payloadLength == 8)
        #expect(decoded.ip?.payloadPrefix == PayloadPrefix(Sample.payload))
        #expect(decoded.payloadOffset == 20)
    }
}
