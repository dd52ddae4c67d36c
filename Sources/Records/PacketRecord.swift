/// Which way a packet crossed the interface it was captured on.
public enum Direction: UInt8, Sendable {
    /// Neither the link type nor the capture says.
    case unknown
    /// Sent by this machine, forwarded packets included.
    case egress
    /// Arrived at this interface.
    case ingress
}

/// One captured packet: where and when it was seen, and what its headers say.
public struct PacketRecord: Sendable {
    /// When the capture saw it.
    public var time: Timestamp
    /// 1-based position in its capture.
    public var frame: UInt64
    /// Which of the given captures it comes from, from 0.
    public var capture: UInt16
    /// Index into ``CaptureInterface`` lists, unique over all captures of a run.
    public var interface: UInt16
    /// Egress or ingress, where known.
    public var direction: Direction
    /// The packet id of a pcapng file (option 5), where there is one.
    public var packetID: UInt64?
    /// The link-layer source address, where the link type has one.
    public var sourceMAC: MACAddress?
    /// The link-layer destination address, where the link type has one (SLL and SLL2 do not).
    public var destinationMAC: MACAddress?
    /// The interface's index on the capturing machine (SLL2), or 0.
    public var interfaceIndex: UInt32
    /// The index of the interface that it left by, by the capture or by what the evidence says of the interface's name
    /// or link-layer address; 0 where unknown.
    public var egressIndex: UInt32 = 0
    /// The index of the interface that it came in on, by the same; 0 where it left or unknown.
    public var ingressIndex: UInt32 = 0
    /// The inode of the network namespace it was captured in, 0 where unknown.
    public var namespace: UInt32 = 0
    /// It stands behind headers that keep a packet socket's sends from being recorded.
    public var isBehindRareHeaders = false
    /// The headers.
    public var ip: IPPacket

    /// A packet of a capture.
    public init(
        time: Timestamp, frame: UInt64, capture: UInt16 = 0, interface: UInt16 = 0, direction: Direction = .unknown,
        packetID: UInt64? = nil, sourceMAC: MACAddress? = nil, destinationMAC: MACAddress? = nil,
        interfaceIndex: UInt32 = 0, ip: IPPacket
    ) {
        self.time = time
        self.frame = frame
        self.capture = capture
        self.interface = interface
        self.direction = direction
        self.packetID = packetID
        self.sourceMAC = sourceMAC
        self.destinationMAC = destinationMAC
        self.interfaceIndex = interfaceIndex
        self.ip = ip
    }
}

/// An interface that a capture describes.
public struct CaptureInterface: Hashable, Sendable {
    /// Its name (escaped), where known.
    public var name: String?
    /// LINKTYPE_ value (tcpdump.org/linktypes.html).
    public var linkType: UInt16
    /// The snap length, 0 for none stated.
    public var snapLength: UInt32

    /// An interface of a capture.
    public init(name: String?, linkType: UInt16, snapLength: UInt32) {
        self.name = name
        self.linkType = linkType
        self.snapLength = snapLength
    }
}
