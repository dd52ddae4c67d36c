public import Classification
public import Correlation
public import Records

/// One packet with everything that is said about it: what every output format is made of.
///
/// Names are resolved before this point and are in the lossless escape; formats look nothing up.
public struct ReportedPacket: Sendable {
    /// The packet.
    public var packet: PacketRecord
    /// The name of its capture (a file's name, or the interface of a live run).
    public var captureName: String
    /// The interface it was captured on, where known.
    public var interfaceName: String?
    /// Who sent it.
    public var verdict: Verdict
    /// The sending process, for an unambiguous `process` verdict.
    public var process: ProcessDescription?
    /// The name of the sending thread, where it is known.
    public var threadName: String?
    /// The names of the verdict's candidates, in their order.
    public var candidateNames: [String?]
    /// The machine that the evidence of the verdict comes from, where known and where there are several.
    public var hostName: String?
    /// What the classifiers say.
    public var tag: Tag?

    /// A packet to report.
    public init(
        packet: PacketRecord, captureName: String, interfaceName: String? = nil, verdict: Verdict,
        process: ProcessDescription? = nil, threadName: String? = nil, candidateNames: [String?] = [],
        hostName: String? = nil, tag: Tag? = nil
    ) {
        self.packet = packet
        self.captureName = captureName
        self.interfaceName = interfaceName
        self.verdict = verdict
        self.process = process
        self.threadName = threadName
        self.candidateNames = candidateNames
        self.hostName = hostName
        self.tag = tag
    }
}

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
    /// Damage found in files.
    public var damage: [Damage] = []
    /// The exit status of COMMAND, where one was run.
    public var commandStatus: Int32?
    /// Per interface: name, packets captured, dropped by the capture.
    public var interfaces: [InterfaceCounts] = []

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
}
