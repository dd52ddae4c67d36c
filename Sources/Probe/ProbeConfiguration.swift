internal import CAttributionEvents

/// What the kernel shall record.
public struct ProbeConfiguration: Sendable {
    /// The bytes that are copied by default: all headers of nearly every packet and 16 bytes of payload.
    public static let defaultSnapLength = Int(ATTRIBUTION_DEFAULT_BYTES)
    /// The most bytes that can be copied.
    public static let maximumSnapLength = Int(ATTRIBUTION_MAX_BYTES)

    /// Bytes copied from each packet, from the IP header on; brought into 28...``maximumSnapLength``.
    public var snapLength = defaultSnapLength
    /// Only packets leaving by this interface of the caller's network namespace; nil for every interface of every
    /// namespace.
    public var interface: String?
    /// Forwarded and kernel-made packets are recorded too.
    public var recordsWire = true
    /// The size of the ring buffer for send records by default, in bytes.
    public static let defaultSendRingBytes = 8 << 20
    /// The sizes it may have, in bytes.
    public static let sendRingRange = 64 << 10...1 << 30

    /// The size of the ring buffer for send records in bytes; brought into ``sendRingRange`` and up to a power of two.
    public var sendRingBytes = defaultSendRingBytes
    /// Which way the programs read the kernel's memory.
    var reading = Reading.fastest

    enum Reading: Sendable, CaseIterable {
        /// Direct loads where the kernel offers them (6.2 and later), helper calls elsewhere.
        case fastest
        /// Helper calls, as on older kernels.
        case portable
    }

    /// Everything, with the default lengths and sizes.
    public init() {}
}
