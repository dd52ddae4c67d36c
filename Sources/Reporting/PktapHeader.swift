import PcapNG

/// What LINKTYPE_PKTAP puts before a frame: Darwin's `struct pktap_header` (bsd/net/pktap.h of XNU), little-endian.
///
/// Wireshark shows its process as typed fields (`pktap.pid`, `pktap.cmdname`), also the versions that know nothing of
/// process event blocks. The link type of the frame stands in the header, so that interfaces of different link types
/// share a file that libpcap reads.
struct PktapHeader {
    /// LINKTYPE_PKTAP (tcpdump.org/linktypes.html).
    static let linkType: UInt16 = 258
    /// How many bytes it has.
    static let length = 108

    /// No process: what Darwin writes for packets that none is known of.
    private static let noProcess = UInt32.max
    /// Room for the interface's name, its ending zero among them.
    private static let interfaceNameLength = 24
    /// Room for a process's name, its ending zero among them.
    private static let processNameLength = 20

    /// Offsets of the fields that differ between packets.
    private enum Offset {
        static let linkType = 8, interfaceName = 12, flags = 36, family = 40, linkHeaderLength = 44
        static let processID = 52, processName = 56, effectiveProcessID = 84, effectiveProcessName = 88
    }

    /// The header; as it stands, that of a packet of nobody.
    private(set) var bytes: [UInt8]

    init() {
        bytes = [UInt8](repeating: 0, count: Self.length)
        // The length, and that a packet follows (PTH_TYPE_PACKET).
        store(UInt32(Self.length), at: 0)
        store(1, at: 4)
    }

    /// States where the frame was captured and how it begins.
    mutating func describe(linkType: UInt16, interface: String?, flags: UInt32?, family: Family) {
        store(Self.dataLinkType(of: linkType), at: Offset.linkType)
        store(interface ?? "", at: Offset.interfaceName, count: Self.interfaceNameLength)
        // PTH_FLAG_DIR_IN and PTH_FLAG_DIR_OUT are the values of pcapng's inbound and outbound.
        store(flags ?? 0, at: Offset.flags)
        store(family.rawValue, at: Offset.family)
        store(Self.headerLength(of: linkType), at: Offset.linkHeaderLength)
    }

    /// States the process that sent it; nil for none.
    mutating func setProcess(_ process: (id: UInt32, name: String)?) {
        // The effective process is the one that another sent for: here they are the same.
        for offset in [Offset.processID, Offset.effectiveProcessID] {
            store(process?.id ?? Self.noProcess, at: offset)
        }
        for offset in [Offset.processName, Offset.effectiveProcessName] {
            store(process?.name ?? "", at: offset, count: Self.processNameLength)
        }
    }

    /// The protocol family, by Darwin's numbers.
    enum Family: UInt32 {
        case unspecified = 0, ipv4 = 2, ipv6 = 30
    }

    /// The header has a DLT_ value, which for raw IP differs from the LINKTYPE_ value.
    private static func dataLinkType(of linkType: UInt16) -> UInt32 { linkType == 101 ? 12 : UInt32(linkType) }

    /// How long the link-layer header is; 0 where that varies.
    private static func headerLength(of linkType: UInt16) -> UInt32 {
        switch linkType {
        case 1: 14
        case 113: 16
        case 276: 20
        case 0, 108: 4
        default: 0
        }
    }

    private mutating func store(_ value: UInt32, at offset: Int) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
    }

    /// A text, cut before the begin of a scalar where it does not fit, and zeros up to `count`.
    private mutating func store(_ text: String, at offset: Int, count: Int) {
        var stored = Array(text.utf8.prefix(count))
        if stored.count == count {
            while let last = stored.popLast(), last & 0xC0 == 0x80 {}
        }
        for index in 0..<count { bytes[offset + index] = index < stored.count ? stored[index] : 0 }
    }
}
