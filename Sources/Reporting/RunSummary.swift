public import Correlation
public import Records

/// The counts of a run: the last line of NDJSON and the end of the text output.
///
/// `verdicts` and `tags` count every reported packet once, whether or not an output filter let its line through, so
/// they add up to `packets`.
public struct RunSummary: Sendable {
    /// UDP and ICMP packets judged.
    public var packets: UInt64 = 0
    /// The same with a packet that was seen at several interfaces counted once; nil where it was not counted.
    public var distinctPackets: UInt64?
    /// All packets read, whatever their protocol.
    public var captured: UInt64 = 0
    /// Send records received.
    public var records: UInt64 = 0
    /// Send records that no packet matched.
    public var unmatchedRecords: UInt64 = 0
    /// What was lost, by kind.
    public var lost: [LossInterval.Kind: UInt64] = [:]
    /// Packets by verdict.
    public var verdicts: [Verdict.Kind: UInt64] = [:]
    /// Packets by tag.
    public var tags: [String: UInt64] = [:]
    /// What the evidence covers.
    public var coverage: [Coverage] = []
    /// What the clocks of foreign evidence were moved by, a file each.
    public var clockOffsets: [ClockOffset] = []
    /// Damage found in files.
    public var damage: [Damage] = []
    /// The exit status of COMMAND, where one was run.
    public var commandStatus: Int32?
    /// Per interface: name, packets captured, dropped by the capture.
    public var interfaces: [InterfaceCounts] = []

    /// How far the evidence's clock is from the capture's.
    public struct ClockOffset: Hashable, Sendable {
        /// The capture's clock less the evidence's, in seconds.
        public var seconds: Double
        /// How far the matches lie around it, in seconds; nil where it was given, not measured.
        public var spread: Double?
        /// From how many matches it comes; where it was given, how many there were by it.
        public var matches: UInt64
        /// It was given (`--clock-offset`).
        public var isGiven: Bool
        /// The evidence's file (escaped).
        public var file: String?

        /// An offset.
        public init(seconds: Double, spread: Double?, matches: UInt64, isGiven: Bool = false, file: String? = nil) {
            self.seconds = seconds
            self.spread = spread
            self.matches = matches
            self.isGiven = isGiven
            self.file = file
        }
    }

    /// The offset that most matches speak for: there is room for one in the summary object.
    var mainClockOffset: ClockOffset? {
        clockOffsets.filter { $0.matches > 0 }.max { $0.matches < $1.matches }
    }

    /// What one interface of a live capture counted.
    public struct InterfaceCounts: Sendable {
        /// The interface.
        public var name: String
        /// Packets the kernel handed over.
        public var received: UInt64
        /// Packets the kernel dropped for want of buffer space.
        public var dropped: UInt64

        /// Counts of an interface.
        public init(name: String, received: UInt64, dropped: UInt64) {
            self.name = name
            self.received = received
            self.dropped = dropped
        }
    }

    /// Nothing counted yet.
    public init() {}

    /// Records of all kinds that the kernel had no room for; not what the capture or our own tables lost.
    public var lostInKernel: UInt64 {
        (lost[.send] ?? 0) + (lost[.wire] ?? 0) + (lost[.process] ?? 0)
    }
}
