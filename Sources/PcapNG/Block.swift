public import Records

/// Block types (draft-ietf-opsawg-pcapng, section 11.1, and Apple's local extension).
public enum BlockType {
    /// Section header; reads the same in both byte orders.
    public static let sectionHeader: UInt32 = 0x0A0D_0D0A
    /// Interface description.
    public static let interfaceDescription: UInt32 = 1
    /// The obsolete packet block.
    public static let obsoletePacket: UInt32 = 2
    /// Simple packet block.
    public static let simplePacket: UInt32 = 3
    /// Interface statistics.
    public static let interfaceStatistics: UInt32 = 5
    /// Enhanced packet block.
    public static let enhancedPacket: UInt32 = 6
    /// Darwin process event block.
    public static let processEvent: UInt32 = 0x8000_0001
}

/// Option codes; below 0x8000 those of the draft, above it Apple's.
public enum OptionCode {
    /// End of the options.
    public static let end: UInt16 = 0
    /// A comment, in any block; may be repeated.
    public static let comment: UInt16 = 1

    /// Options of a section header.
    public enum Section {
        /// The hardware it was made on.
        public static let hardware: UInt16 = 2
        /// The operating system it was made on.
        public static let operatingSystem: UInt16 = 3
        /// The application that made it.
        public static let application: UInt16 = 4
    }

    /// Options of an interface description.
    public enum Interface {
        /// Its name.
        public static let name: UInt16 = 2
        /// What it is.
        public static let summary: UInt16 = 3
        /// The unit of time stamps, one byte.
        public static let timestampResolution: UInt16 = 9
        /// Seconds to add to each time stamp, 64 bits.
        public static let timestampOffset: UInt16 = 14
    }

    /// Options of a packet.
    public enum Packet {
        /// Direction and link-layer findings, 32 bits.
        public static let flags: UInt16 = 2
        /// Packets lost since the one before, 64 bits.
        public static let dropCount: UInt16 = 4
        /// The same number for the same packet seen at several places, 64 bits.
        public static let packetID: UInt16 = 5
        /// The queue it was received on, 32 bits.
        public static let queue: UInt16 = 6
        /// Process id and thread id, 32 bits each; 0 for unknown.
        public static let processAndThread: UInt16 = 8
        /// The zero-based index of the sender's process event block in the section.
        public static let processIndex: UInt16 = 0x8001
        /// The same of the process on whose behalf it was sent.
        public static let effectiveProcessIndex: UInt16 = 0x8003
    }

    /// Options of a process event.
    public enum ProcessEvent {
        /// The process's name.
        public static let name: UInt16 = 2
        /// The path of its executable.
        public static let path: UInt16 = 3
    }

    /// Options of interface statistics.
    public enum Statistics {
        /// When the capture began, as two 32-bit halves, the high one first.
        public static let start: UInt16 = 2
        /// When it ended, in the same form.
        public static let end: UInt16 = 3
        /// Packets received, 64 bits like the others.
        public static let received: UInt16 = 4
        /// Packets that the interface dropped.
        public static let dropped: UInt16 = 5
        /// Packets that the operating system dropped.
        public static let droppedBySystem: UInt16 = 7
    }
}

/// The head of a section.
public struct SectionHeader: Hashable, Sendable {
    /// The order of every integer in the section.
    public var byteOrder: ByteOrder = .little
    /// The hardware that made it.
    public var hardware: String?
    /// The operating system that it was made on.
    public var operatingSystem: String?
    /// The application that made it.
    public var application: String?

    /// A header; texts in the lossless escape when read, written as they are.
    public init(hardware: String? = nil, operatingSystem: String? = nil, application: String? = nil) {
        self.hardware = hardware
        self.operatingSystem = operatingSystem
        self.application = application
    }
}

/// An interface as its description block has it.
public struct InterfaceDescription: Hashable, Sendable {
    /// LINKTYPE_ value.
    public var linkType: UInt16
    /// The snap length; 0 for none.
    public var snapLength: UInt32
    /// Its name (lossless escape when read).
    public var name: String?
    /// What it is (lossless escape when read).
    public var summary: String?
    /// The unit of its time stamps.
    public var resolution = TimestampResolution.microseconds
    /// Seconds to add to each time stamp.
    public var timestampOffset: Int64 = 0

    /// An interface.
    public init(linkType: UInt16, snapLength: UInt32, name: String? = nil, summary: String? = nil) {
        self.linkType = linkType
        self.snapLength = snapLength
        self.name = name
        self.summary = summary
    }

    /// The link type to write for an interface of a section, so that libpcap reads the file too.
    ///
    /// libpcap refuses an interface whose link type differs from the first one's, and compares the number in the file
    /// with its own DLT number of the first (sf-pcapng.c, `pcap_ng_next_packet`). For LINKTYPE_RAW (101)
    /// that is DLT_RAW, 12 on Linux, so a second LINKTYPE_RAW never passes. libpcap, Wireshark and the decoder here take
    /// 12 for the same thing.
    ///
    /// - Parameters:
    ///   - linkType: a LINKTYPE_ value.
    ///   - index: the interface's index in the section.
    public static func writtenLinkType(_ linkType: UInt16, at index: Int) -> UInt16 {
        index > 0 && linkType == 101 ? 12 : linkType
    }

    /// The moment of a number of ticks.
    @inline(__always)
    public func time(ticks: UInt64) -> Timestamp { Self.time(ticks, resolution, offset: timestampOffset) }

    /// The same of an interface with this unit and this offset in seconds.
    @inline(__always)
    static func time(_ ticks: UInt64, _ resolution: TimestampResolution, offset: Int64) -> Timestamp {
        let nanoseconds = resolution.nanoseconds(ticks)
        return offset == 0
            ? Timestamp(nanoseconds: nanoseconds)
            : Timestamp(seconds: offset, nanoseconds: 0).advanced(by: nanoseconds)
    }
}

/// What a packet block says besides the packet's bytes.
public struct PacketBlock: Hashable, Sendable {
    /// The interface's index in the section.
    public var interface: Int
    /// When it was captured; nil for a simple packet block, which has no time.
    public var time: Timestamp?
    /// The packet's length before it was cut, at least the captured length.
    public var originalLength: Int
    /// `epb_flags`: direction in the lowest two bits.
    public var flags: UInt32?
    /// Packets lost since the one before on this interface.
    public var dropCount: UInt64?
    /// `epb_packetid`.
    public var packetID: UInt64?
    /// `epb_queue`.
    public var queue: UInt32?
    /// The process id of option 8; 0 where absent.
    public var processID: UInt32 = 0
    /// The thread id of option 8; 0 where absent.
    public var threadID: UInt32 = 0
    /// The index of the sender's process event block.
    public var processIndex: UInt32?
    /// The index of the effective process's event block.
    public var effectiveProcessIndex: UInt32?

    /// A packet of which nothing but its place is known.
    public init(interface: Int, time: Timestamp?, originalLength: Int) {
        self.interface = interface
        self.time = time
        self.originalLength = originalLength
    }

    /// Flags that say no more than "received".
    public static let inbound: UInt32 = 1
    /// Flags that say no more than "sent".
    public static let outbound: UInt32 = 2

    /// The direction that the flags state.
    public var direction: Direction {
        switch (flags ?? 0) & 3 {
        case Self.inbound: .ingress
        case Self.outbound: .egress
        default: .unknown
        }
    }
}

/// What a process event block says; name and path are texts of the block.
public struct ProcessEventBlock: Hashable, Sendable {
    /// Its zero-based place among the process event blocks of the section: what option 0x8001 names.
    public var index: UInt32
    /// The process id.
    public var processID: UInt32

    /// A process event.
    public init(index: UInt32, processID: UInt32) {
        self.index = index
        self.processID = processID
    }
}

/// The counters of an interface.
public struct InterfaceStatistics: Hashable, Sendable {
    /// The interface's index in the section.
    public var interface: Int
    /// When the counters were read.
    public var time: Timestamp
    /// When the capture began.
    public var start: Timestamp?
    /// When it ended.
    public var end: Timestamp?
    /// Packets received.
    public var received: UInt64?
    /// Packets that the interface dropped.
    public var dropped: UInt64?
    /// Packets that the operating system dropped.
    public var droppedBySystem: UInt64?

    /// Counters at a moment.
    public init(interface: Int, time: Timestamp) {
        self.interface = interface
        self.time = time
    }
}
