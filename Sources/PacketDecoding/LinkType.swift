/// The link types that ``decodeFrame(_:linkType:originalLength:)`` reads: LINKTYPE_ values of tcpdump.org/linktypes.html,
/// and the DLT_ values that stand for the same on some systems.
public enum LinkType {
    /// BSD loopback: the address family in the byte order of the capturing machine.
    public static let null: UInt16 = 0
    /// Ethernet.
    public static let ethernet: UInt16 = 1
    /// PPP, with or without the HDLC-like address and control bytes.
    public static let ppp: UInt16 = 9
    /// Raw IP under the number of DLT_RAW on most systems.
    public static let rawDLT: UInt16 = 12
    /// Raw IP under the number of DLT_RAW on OpenBSD.
    public static let rawOpenBSD: UInt16 = 14
    /// PPP in HDLC-like framing (RFC 1662).
    public static let pppSerial: UInt16 = 50
    /// A PPPoE session header (RFC 2516) without Ethernet around it.
    public static let pppEther: UInt16 = 51
    /// Raw IPv4 or IPv6.
    public static let raw: UInt16 = 101
    /// OpenBSD loopback: the address family in network byte order.
    public static let loop: UInt16 = 108
    /// Linux cooked capture, version 1.
    public static let linuxSLL: UInt16 = 113
    /// Raw IPv4.
    public static let ipv4: UInt16 = 228
    /// Raw IPv6.
    public static let ipv6: UInt16 = 229
    /// Linux cooked capture, version 2: what captures of all interfaces have.
    public static let linuxSLL2: UInt16 = 276

    /// Darwin's header with the process before a frame of another link type: what `-w --pktap` writes.
    public static let pktap: UInt16 = 258

    /// Whether frames of this link type can be decoded.
    public static func isSupported(_ linkType: UInt16) -> Bool { knownName(of: linkType) != nil }

    /// The name on tcpdump.org (`LINKTYPE_ETHERNET`), or the number in words for a link type without support here.
    public static func name(of linkType: UInt16) -> String { knownName(of: linkType) ?? "link type \(linkType)" }

    private static func knownName(of linkType: UInt16) -> String? {
        switch linkType {
        case null: "LINKTYPE_NULL"
        case ethernet: "LINKTYPE_ETHERNET"
        case ppp: "LINKTYPE_PPP"
        case rawDLT, rawOpenBSD, raw: "LINKTYPE_RAW"
        case pppSerial: "LINKTYPE_PPP_HDLC"
        case pppEther: "LINKTYPE_PPP_ETHER"
        case loop: "LINKTYPE_LOOP"
        case linuxSLL: "LINKTYPE_LINUX_SLL"
        case ipv4: "LINKTYPE_IPV4"
        case ipv6: "LINKTYPE_IPV6"
        case linuxSLL2: "LINKTYPE_LINUX_SLL2"
        case pktap: "LINKTYPE_PKTAP"
        default: nil
        }
    }
}
