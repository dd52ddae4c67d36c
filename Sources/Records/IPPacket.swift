/// What the headers of one IP packet say, from the network header to the first payload bytes.
///
/// The same value describes a captured packet and the copy of it that the kernel handed over when it was sent, so the
/// two can be compared field by field. Lengths come from the IP and UDP headers, never from the frame: short frames are
/// padded to 60 bytes on Ethernet.
public struct IPPacket: Hashable, Sendable {
    /// What follows the IP header.
    public enum Transport: UInt8, Sendable {
        /// UDP, also UDP-Lite is not: protocol 17 only.
        case udp
        /// ICMP for IPv4, protocol 1.
        case icmp
        /// ICMP for IPv6, next header 58.
        case icmpv6
        /// TCP; decoded as far as the ports and the flags.
        case tcp
        /// Anything else.
        case other
    }

    /// The source address.
    public var source: IPAddress
    /// The destination address.
    public var destination: IPAddress
    /// The transport protocol.
    public var transport: Transport
    /// IPv4: don't fragment.
    public var dontFragment = false
    /// Not the whole datagram: `fragmentOffset` > 0 or more fragments follow.
    public var isFragment = false
    /// More fragments follow this one.
    public var moreFragments = false
    /// The headers were cut by the capture's snap length or the packet ended early: what could be read is set, the rest
    /// is zero. A cut payload alone does not set it; see ``payloadPrefix``.
    public var isTruncated = false
    /// Bytes from the begin of the datagram's payload.
    public var fragmentOffset: UInt16 = 0
    /// The IPv4 identification, or the IPv6 fragment header's; 0 for whole IPv6 packets.
    public var identification: UInt32 = 0
    /// The IP packet's total length in bytes, IP header included (IPv6: 40 + payload length). For a packet that the
    /// stack has not cut into segments yet it may pass 65,535.
    public var totalLength: UInt32 = 0
    /// TTL or hop limit.
    public var hopLimit: UInt8 = 0
    /// TCP flags as on the wire (FIN 0x01, SYN 0x02, RST 0x04, ACK 0x10); 0 otherwise.
    public var tcpFlags: UInt8 = 0
    /// ICMP type; 0 unless ICMP.
    public var icmpType: UInt8 = 0
    /// ICMP code.
    public var icmpCode: UInt8 = 0
    /// UDP or TCP source port, or the ICMP echo identifier. 0 in later fragments.
    public var sourcePort: UInt16 = 0
    /// UDP or TCP destination port, or the ICMP echo sequence number. 0 in later fragments.
    public var destinationPort: UInt16 = 0
    /// The length that the UDP header states, header included: in a first fragment that of the whole datagram. 0 unless
    /// UDP.
    public var udpLength: UInt16 = 0
    /// Bytes after the transport header (UDP 8, ICMP 8, TCP data offset) in this packet by the IP header's lengths; for
    /// later fragments and other protocols all bytes after the IP headers.
    public var payloadLength: UInt32 = 0
    /// The first payload bytes, as far as they were captured.
    public var payloadPrefix = PayloadPrefix()

    /// A packet with its addresses and protocol; the rest is set by the decoder.
    public init(source: IPAddress, destination: IPAddress, transport: Transport) {
        self.source = source
        self.destination = destination
        self.transport = transport
    }

    /// The protocol's version.
    public var version: IPAddress.Version { source.version }
    /// UDP or ICMP of either version: what gets a line and a verdict.
    public var isReported: Bool { transport == .udp || transport == .icmp || transport == .icmpv6 }
    /// An ICMP echo request: type 8, or 128 for ICMPv6.
    public var isEchoRequest: Bool {
        (transport == .icmp && icmpType == 8 || transport == .icmpv6 && icmpType == 128) && fragmentOffset == 0
    }
    /// An ICMP echo reply: type 0, or 129 for ICMPv6.
    public var isEchoReply: Bool {
        (transport == .icmp && icmpType == 0 || transport == .icmpv6 && icmpType == 129) && fragmentOffset == 0
            && !isTruncated
    }
}

/// The first 16 bytes of a payload, or as many as there are.
public struct PayloadPrefix: Hashable, Sendable {
    /// The most bytes that are kept.
    public static let capacity = 16

    /// Bytes 0 to 7, big-endian, zero-filled.
    public private(set) var high: UInt64 = 0
    /// Bytes 8 to 15, big-endian, zero-filled.
    public private(set) var low: UInt64 = 0
    /// How many bytes are known, 0 to 16.
    public private(set) var count: UInt8 = 0

    /// No bytes.
    public init() {}

    /// A prefix from its halves; what lies beyond `count` is cleared.
    public init(high: UInt64, low: UInt64, count: Int) {
        let kept = min(max(count, 0), Self.capacity)
        self.high = kept >= 8 ? high : kept == 0 ? 0 : high & ~(UInt64.max >> UInt64(8 * kept))
        self.low = kept <= 8 ? 0 : kept == 16 ? low : low & ~(UInt64.max >> UInt64(8 * (kept - 8)))
        self.count = UInt8(kept)
    }

    /// A prefix from its halves, where nothing lies beyond `count`, which is 0 to 16.
    package init(filled high: UInt64, _ low: UInt64, count: Int) {
        self.high = high
        self.low = low
        self.count = UInt8(truncatingIfNeeded: count)
    }

    /// A prefix of the first bytes of a sequence.
    public init(_ bytes: some Sequence<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var count = 0
        for byte in bytes {
            guard count < Self.capacity else { break }
            if count < 8 {
                halves.0 |= UInt64(byte) << UInt64(56 - 8 * count)
            } else {
                halves.1 |= UInt64(byte) << UInt64(120 - 8 * count)
            }
            count += 1
        }
        self.init(high: halves.0, low: halves.1, count: count)
    }

    /// The byte at `index`, which must be below ``count``.
    public subscript(index: Int) -> UInt8 {
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * (index & 7)))
    }

    /// The first `length` bytes of this prefix.
    public func first(_ length: Int) -> PayloadPrefix {
        length >= Int(count) ? self : PayloadPrefix(high: high, low: low, count: length)
    }
}
