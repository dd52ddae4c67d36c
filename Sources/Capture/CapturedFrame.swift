public import Records

/// One frame as the capture has it; its bytes come beside it and must not outlive the call.
public struct CapturedFrame: Hashable, Sendable {
    /// When the capture saw it.
    public var time: Timestamp
    /// 1-based position in its capture.
    public var frame: UInt64
    /// Index in the capture's `interfaces`.
    public var interface: Int
    /// LINKTYPE_ value (tcpdump.org/linktypes.html).
    public var linkType: UInt16
    /// The frame's length before it was cut to the snap length; at least ``capturedLength``.
    public var originalLength: Int
    /// How many bytes there are.
    public var capturedLength: Int
    /// Egress or ingress where the file says so (pcapng); cooked link types say it in the frame itself.
    public var direction: Direction
    /// The packet id of a pcapng file (option 5), where there is one.
    public var packetID: UInt64?

    /// A frame of a capture.
    public init(
        time: Timestamp, frame: UInt64, interface: Int = 0, linkType: UInt16, originalLength: Int, capturedLength: Int,
        direction: Direction = .unknown, packetID: UInt64? = nil
    ) {
        self.time = time
        self.frame = frame
        self.interface = interface
        self.linkType = linkType
        self.originalLength = originalLength
        self.capturedLength = capturedLength
        self.direction = direction
        self.packetID = packetID
    }
}
