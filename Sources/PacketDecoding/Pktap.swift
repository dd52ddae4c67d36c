import Records

/// Darwin's `struct pktap_header` (bsd/net/pktap.h of XNU), little-endian: its length, what follows, the DLT_ value of the
/// frame behind it, and flags with the direction.
///
/// The process that the header names is not looked at: whoever made the file could have written any.
func decodePktap(_ frame: RawSpan, originalLength: Int) -> DecodedFrame {
    let shortest = 108
    let packetFollows: UInt32 = 1
    var outer = DecodedFrame()
    let length = Int(frame.littleEndian(at: 0))
    guard frame.byteCount >= shortest, length >= shortest, length <= frame.byteCount else {
        outer.note(.linkHeaderCut, at: frame.byteCount)
        return outer
    }
    let linkType = frame.littleEndian(at: 8)
    // One header inside another could nest without end.
    guard frame.littleEndian(at: 4) == packetFollows, let inner = UInt16(exactly: linkType), inner != LinkType.pktap
    else {
        outer.note(.unsupportedLinkType, at: 0)
        return outer
    }
    var decoded = decodeFrame(
        frame.extracting(length..<frame.byteCount), linkType: inner, originalLength: originalLength - length)
    if decoded.direction == .unknown {
        switch frame.littleEndian(at: 36) & 3 {
        case 1: decoded.direction = .ingress
        case 2: decoded.direction = .egress
        default: break
        }
    }
    decoded.problem?.offset += length
    if decoded.ip != nil {
        decoded.networkOffset += length
        decoded.transportOffset += length
        decoded.payloadOffset += length
    }
    return decoded
}

extension RawSpan {
    /// Four bytes as a number; 0 where they are not wholly inside.
    fileprivate func littleEndian(at offset: Int) -> UInt32 {
        guard offset + 4 <= byteCount else { return 0 }
        return bigEndian(at: offset, as: UInt32.self).byteSwapped
    }
}
