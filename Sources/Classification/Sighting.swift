public import Records

/// Where in the captures something was seen: what a reason points at.
public struct Sighting: Hashable, Sendable {
    /// When.
    public var time: Timestamp
    /// 1-based position in its capture.
    public var frame: UInt64
    /// Which of the run's captures, from 0.
    public var capture: UInt16

    /// A place in a capture.
    public init(time: Timestamp, frame: UInt64, capture: UInt16 = 0) {
        self.time = time
        self.frame = frame
        self.capture = capture
    }

    /// Where a packet was seen.
    init(_ packet: PacketRecord) { self.init(time: packet.time, frame: packet.frame, capture: packet.capture) }
}
