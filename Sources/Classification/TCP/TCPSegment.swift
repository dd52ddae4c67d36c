internal import PacketDecoding
internal import Records

/// The fields of a TCP segment that put it into its stream (RFC 9293, section 3.1).
struct TCPSegment: Sendable {
    /// The flags that begin and end a connection.
    enum Flag {
        static let fin: UInt8 = 0x01
        static let syn: UInt8 = 0x02
        static let rst: UInt8 = 0x04
        static let ack: UInt8 = 0x10
    }

    let sequence: UInt32
    /// What the sender had received when it sent this; nil without ACK.
    let acknowledgement: UInt32?
    let flags: UInt8
    /// Payload bytes on the wire.
    let length: Int
    /// Where the captured payload lies in the bytes from the TCP header on; may be shorter than `length`.
    let payload: Range<Int>

    /// - Parameter bytes: from the TCP header on, as far as captured and without padding.
    init?(_ ip: IPPacket, _ bytes: RawSpan) {
        guard ip.transport == .tcp, !ip.isTruncated, !ip.isFragment, bytes.byteCount >= 20 else { return nil }
        sequence = bytes.networkUInt32(at: 4)
        flags = ip.tcpFlags
        acknowledgement = flags & Flag.ack != 0 ? bytes.networkUInt32(at: 8) : nil
        length = Int(ip.payloadLength)
        let header = Int(bytes.networkUInt32(at: 12) >> 28) * 4
        guard header >= 20, header <= bytes.byteCount, length <= 1 << 20 else { return nil }
        payload = header..<min(bytes.byteCount, header + length)
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

/// How far `to` lies behind `from` in a sequence space that wraps (RFC 9293, section 3.4).
func sequenceDistance(from: UInt32, to: UInt32) -> Int { Int(Int32(bitPattern: to &- from)) }
