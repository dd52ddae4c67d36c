public import Records

/// What one captured frame says, from the link layer to the first payload bytes.
///
/// Malformed traffic is a value here, never an error: what could be read is set, and ``problem`` says what stopped the
/// decoding. A frame that simply carries no IP (ARP, for one) has neither `ip` nor `problem`.
public struct DecodedFrame: Hashable, Sendable {
    /// The IP packet; nil for other protocols and where not even the fixed IP header was captured.
    public var ip: IPPacket?
    /// Egress or ingress, where the link type says (Linux cooked captures).
    public var direction = Direction.unknown
    /// The link-layer source address, where the link type has one.
    public var sourceMAC: MACAddress?
    /// The link-layer destination address, where the link type has one.
    public var destinationMAC: MACAddress?
    /// The interface's index on the capturing machine (SLL2), or 0.
    public var interfaceIndex: UInt32 = 0
    /// Where the IP header begins in the frame; 0 where there is none.
    public var networkOffset = 0
    /// Where the transport header begins; for later fragments, where the payload begins. At most the captured length.
    public var transportOffset = 0
    /// Where the transport's payload begins. At most the captured length.
    public var payloadOffset = 0
    /// How many bytes of the payload were captured, Ethernet's padding never among them.
    public var payloadCaptured = 0
    /// The IP packet stands behind headers that the kernel side does not read when a packet socket sends them: MPLS, LLC,
    /// PPPoE, more than two VLAN tags, rare or many extension headers. Its sender may have left no record.
    public var isBehindRareHeaders = false
    /// What stopped the decoding or contradicts itself: the outermost such finding.
    public var problem: DecodingProblem?

    /// A frame of which nothing is known.
    public init() {}

    /// The transport header and what was captured of its payload.
    @_lifetime(copy frame)
    public func transport(of frame: RawSpan) -> RawSpan {
        frame.extracting(transportOffset..<payloadOffset + payloadCaptured)
    }

    /// Notes a finding; the first one stays, since later ones follow from it.
    mutating func note(_ kind: DecodingProblem.Kind, at offset: Int) {
        if problem == nil { problem = DecodingProblem(kind: kind, offset: offset) }
    }
}

/// Why a frame could not be decoded to its end, or which of its fields contradict each other.
public struct DecodingProblem: Hashable, Sendable, CustomStringConvertible {
    /// What was found.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// No decoder for this link type.
        case unsupportedLinkType
        /// The frame ends within the link layer's headers.
        case linkHeaderCut
        /// The frame or the packet ends within the IP headers.
        case networkHeaderCut
        /// The frame or the packet ends within the transport header.
        case transportHeaderCut
        /// The IP version contradicts the link layer, or is neither 4 nor 6.
        case wrongVersion
        /// IHL or the TCP data offset is below 5 words.
        case wrongHeaderLength
        /// The IP length is smaller than the IP header.
        case lengthBelowHeader
        /// The IP length says more than the frame held before it was cut to the snap length.
        case lengthBeyondFrame
        /// The UDP length is below 8 or says more than the IP packet holds.
        case wrongUDPLength
        /// More tags, labels or extension headers than any real packet has.
        case tooManyHeaders
    }

    /// What was found.
    public var kind: Kind
    /// At which byte of the frame.
    public var offset: Int

    /// A finding at a byte of the frame.
    public init(kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// A sentence that says what was found and where.
    public var description: String {
        let what =
            switch kind {
            case .unsupportedLinkType: "the link type is not supported"
            case .linkHeaderCut: "the frame ends within the link-layer header"
            case .networkHeaderCut: "the packet ends within the IP headers"
            case .transportHeaderCut: "the packet ends within the transport header"
            case .wrongVersion: "the IP version is not what the link layer announces"
            case .wrongHeaderLength: "the header length is below its minimum"
            case .lengthBelowHeader: "the IP length is smaller than the IP header"
            case .lengthBeyondFrame: "the IP length says more than the frame holds"
            case .wrongUDPLength: "the UDP length contradicts the IP length"
            case .tooManyHeaders: "there are more headers than a real packet has"
            }
        return "\(what) (byte \(offset))"
    }
}

/// Decodes a captured frame.
///
/// - Parameters:
///   - frame: the captured bytes.
///   - linkType: a LINKTYPE_ value, see ``LinkType``.
///   - originalLength: the frame's length before it was cut to the snap length; a value below the captured length is
///     taken as the captured length.
/// - Returns: what could be read; never fails.
public func decodeFrame(_ frame: RawSpan, linkType: UInt16, originalLength: Int) -> DecodedFrame {
    var decoded = DecodedFrame()
    let originalLength = max(originalLength, frame.byteCount)
    switch linkType {
    case LinkType.ethernet: decoded.decodeEthernet(frame, originalLength: originalLength)
    case LinkType.linuxSLL2: decoded.decodeCookedVersion2(frame, originalLength: originalLength)
    case LinkType.linuxSLL: decoded.decodeCooked(frame, originalLength: originalLength)
    case LinkType.raw, LinkType.rawDLT, LinkType.rawOpenBSD:
        decoded.decodeInternet(frame, at: 0, originalLength: originalLength)
    case LinkType.ipv4: decoded.decodeIPv4(frame, at: 0, originalLength: originalLength)
    case LinkType.ipv6: decoded.decodeIPv6(frame, at: 0, originalLength: originalLength)
    case LinkType.null, LinkType.loop: decoded.decodeLoopback(frame, originalLength: originalLength)
    case LinkType.ppp, LinkType.pppSerial: decoded.decodePPP(frame, at: 0, originalLength: originalLength)
    case LinkType.pppEther: decoded.decodePPPoE(frame, at: 0, originalLength: originalLength)
    case LinkType.pktap: return decodePktap(frame, originalLength: originalLength)
    default: decoded.note(.unsupportedLinkType, at: 0)
    }
    return decoded
}

/// Decodes an IPv4 or IPv6 packet whose first byte is the IP header's.
///
/// - Parameters:
///   - bytes: the bytes that are there, from the IP header on.
///   - originalLength: the packet's length before it was cut.
/// - Returns: what could be read; nil where the fixed IP header is not there or the version is neither 4 nor 6.
public func decodeIP(_ bytes: RawSpan, originalLength: Int) -> IPPacket? {
    if let glance = PacketGlance(internet: bytes, originalLength: originalLength) { return IPPacket(glance) }
    var decoded = DecodedFrame()
    decoded.decodeInternet(bytes, at: 0, originalLength: max(originalLength, bytes.byteCount))
    return decoded.ip
}
