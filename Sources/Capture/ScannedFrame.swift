public import PacketDecoding
public import Records

/// What a frame says by itself to a run over a whole capture that was made at one place (``Savefile/hasOnePlace``): less than
/// a ``CapturedFrame`` with all its headers, since one is kept for every packet that is read ahead.
public struct ScannedFrame: Hashable, Sendable {
    /// When the capture saw it.
    public var time: Timestamp
    /// 1-based position in its capture.
    public var frame: UInt64
    /// The IP packet; nil for other protocols and where not even the fixed IP header was captured.
    public var ip: IPPacket?
    /// See ``CapturedFrame/isCutInNetworkHeader(_:)``.
    public var isCutInNetworkHeader: Bool

    /// What was decoded of a frame.
    @inline(__always)
    init(_ captured: CapturedFrame, _ decoded: DecodedFrame) {
        time = captured.time
        frame = captured.frame
        ip = decoded.ip
        isCutInNetworkHeader = decoded.ip == nil && captured.isCutInNetworkHeader(decoded)
    }
}

extension CapturedFrame {
    /// The capture cut it inside its IP header: without both addresses nothing can be said of the packet, though it may
    /// have been UDP or ICMP.
    public func isCutInNetworkHeader(_ decoded: DecodedFrame) -> Bool {
        decoded.problem?.kind == .networkHeaderCut && capturedLength < originalLength
    }
}
