public import Records

/// A pattern of packets that somebody described: what the packets look like and, where stated, how they behave.
///
/// A packet matches when every condition that is set holds. Conditions that are not set hold for every packet.
public struct Rule: Hashable, Sendable {
    /// Which protocols a rule is about; only these have lines and tags.
    public struct Transports: OptionSet, Hashable, Sendable {
        /// A bit for each protocol.
        public let rawValue: UInt8

        /// The protocols of these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// UDP over either IP version.
        public static let udp = Transports(rawValue: 1)
        /// ICMP for IPv4.
        public static let icmp = Transports(rawValue: 2)
        /// ICMP for IPv6.
        public static let icmpv6 = Transports(rawValue: 4)
    }

    /// At least `packets` packets from one source to one destination within `span` nanoseconds.
    public struct Rate: Hashable, Sendable {
        /// From how many packets on.
        public var packets: UInt32
        /// Nanoseconds of capture time.
        public var span: Int64

        /// A rate.
        public init(packets: UInt32, span: Int64) {
            self.packets = packets
            self.span = span
        }
    }

    /// A packet of this kind from the same source to the same destination came `interval` before, give or take
    /// `tolerance`; both in nanoseconds of capture time.
    public struct Repetition: Hashable, Sendable {
        /// The time from one packet to the next.
        public var interval: Int64
        /// By how much it may differ.
        public var tolerance: Int64

        /// A repetition.
        public init(interval: Int64, tolerance: Int64) {
            self.interval = interval
            self.tolerance = tolerance
        }
    }

    /// What the tag is called.
    public var name: String
    /// What such packets are, for people; part of the tag's reason.
    public var description: String
    /// Where that is known from.
    public var reference: String?
    /// The protocols.
    public var transports: Transports
    /// Bytes of payload by the headers; behind the UDP header or the 8 bytes of an ICMP header.
    public var payloadLength: ClosedRange<UInt32>?
    /// What the payload's first bytes are.
    public var pattern = PayloadPattern()
    /// UDP source ports, any of these.
    public var sourcePorts: [ClosedRange<UInt16>] = []
    /// UDP destination ports, any of these.
    public var destinationPorts: [ClosedRange<UInt16>] = []
    /// Any of these is the UDP source or destination port.
    public var eitherPorts: [ClosedRange<UInt16>] = []
    /// The ICMP type.
    public var icmpType: UInt8?
    /// The ICMP code.
    public var icmpCode: UInt8?
    /// Which way the packet crossed the interface; where the capture does not say, it does not match.
    public var direction: Direction?
    /// TTL or hop limit, as captured.
    public var hopLimit: ClosedRange<UInt8>?
    /// How many such packets have to come for more than the form.
    public var rate: Rate?
    /// In which rhythm such packets have to come for more than the form.
    public var repetition: Repetition?

    /// A rule about every packet of these protocols; the rest is set by the caller.
    public init(name: String, description: String, transports: Transports) {
        self.name = name
        self.description = description
        self.transports = transports
    }

    /// It says how packets behave, not only what they look like.
    public var hasBehaviour: Bool { rate != nil || repetition != nil }

    /// The most rules of one set.
    public static let countLimit = 256
    /// The most patterns of one rule.
    public static let patternLimit = 8
    /// The most port ranges of one list.
    public static let portRangeLimit = 32
}

/// What the first bytes of a payload are: bits that are compared, and their values.
public struct PayloadPattern: Hashable, Sendable {
    /// How far into the payload a pattern can look: as far as the payload's first bytes are kept.
    public static let reach = PayloadPrefix.capacity

    private(set) var value: (high: UInt64, low: UInt64) = (0, 0)
    private(set) var mask: (high: UInt64, low: UInt64) = (0, 0)
    /// How many payload bytes must have been captured to decide; 0 where nothing is compared.
    public private(set) var end = 0

    /// Compares nothing.
    public init() {}

    /// Why a pattern cannot be added.
    public enum Problem: Error, Hashable, Sendable {
        /// No bytes.
        case empty
        /// It ends beyond ``PayloadPattern/reach``.
        case beyondReach
        /// Mask and bytes differ in length.
        case maskLength
        /// A bit must be 0 here and 1 by a pattern before.
        case contradiction
    }

    /// Adds bytes that must stand at `offset`, in the bits that are set in `mask`; without a mask in all of them.
    public mutating func add(_ bytes: [UInt8], mask bits: [UInt8]? = nil, at offset: Int = 0) throws(Problem) {
        guard !bytes.isEmpty else { throw .empty }
        guard offset >= 0, offset <= Self.reach, bytes.count <= Self.reach - offset else { throw .beyondReach }
        guard bits?.count ?? bytes.count == bytes.count else { throw .maskLength }
        var changed = self
        for (index, byte) in bytes.enumerated() {
            let compared = bits?[index] ?? 0xFF
            let (place, shift) = (offset + index, UInt64(56 - 8 * ((offset + index) & 7)))
            let (new, bit) = (UInt64(byte & compared) << shift, UInt64(compared) << shift)
            if place < 8 {
                guard (changed.value.high ^ new) & bit & changed.mask.high == 0 else { throw .contradiction }
                changed.value.high |= new
                changed.mask.high |= bit
            } else {
                guard (changed.value.low ^ new) & bit & changed.mask.low == 0 else { throw .contradiction }
                changed.value.low |= new
                changed.mask.low |= bit
            }
        }
        changed.end = max(end, offset + bytes.count)
        self = changed
    }

    /// Whether the payload's first bytes have the pattern; not, where too few of them were captured.
    func matches(_ prefix: PayloadPrefix) -> Bool {
        Int(prefix.count) >= end && prefix.high & mask.high == value.high && prefix.low & mask.low == value.low
    }

    /// The byte at an index below ``end``, and which of its bits count.
    func byte(at index: Int) -> (value: UInt8, mask: UInt8) {
        let shift = UInt64(56 - 8 * (index & 7))
        let (value, mask) = index < 8 ? (self.value.high, self.mask.high) : (self.value.low, self.mask.low)
        return (UInt8(truncatingIfNeeded: value >> shift), UInt8(truncatingIfNeeded: mask >> shift))
    }

    /// Equal when they compare the same.
    public static func == (left: PayloadPattern, right: PayloadPattern) -> Bool {
        left.value == right.value && left.mask == right.mask && left.end == right.end
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(value.high)
        hasher.combine(value.low)
        hasher.combine(mask.high)
        hasher.combine(mask.low)
        hasher.combine(end)
    }
}
