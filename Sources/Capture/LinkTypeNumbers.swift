internal import CLibPcap
internal import PacketDecoding

/// libpcap's DLT_ values are LINKTYPE_ values but for a few that differ between systems (pcap/dlt.h).
enum DataLinkType {
    /// The LINKTYPE_ value for what `pcap_datalink` returns.
    static func linkType(of dataLinkType: CInt) -> UInt16 {
        dataLinkType == DLT_RAW ? LinkType.raw : UInt16(truncatingIfNeeded: dataLinkType)
    }

    /// The DLT_ value that libpcap's compiler wants for a LINKTYPE_ value.
    static func dataLinkType(of linkType: UInt16) -> CInt {
        switch linkType {
        case LinkType.raw, LinkType.rawDLT, LinkType.rawOpenBSD: DLT_RAW
        default: CInt(linkType)
        }
    }
}

/// Runs a call that takes libpcap's message buffer.
///
/// - Returns: the call's result and the message, empty where libpcap wrote none.
func withPcapMessage<Result>(_ call: (UnsafeMutablePointer<CChar>) -> Result) -> (result: Result, message: String) {
    let capacity = Int(PCAP_ERRBUF_SIZE)
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
        unsafe buffer.initialize(repeating: 0)
        guard let start = buffer.baseAddress else {
            preconditionFailure("a buffer of \(capacity) bytes has an address")
        }
        let result = unsafe call(start)
        return unsafe (result, String(cString: start))
    }
}
