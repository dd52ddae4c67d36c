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
    /// The machines of the verdict's candidates, in their order; empty where there is one machine only.
    public var candidateHosts: [String?]
    /// The machine that the evidence of the verdict comes from, where known and where there are several.
    public var hostName: String?
    /// The process whose packet the kernel wrapped into this one.
    public var onBehalfOf: ProcessDescription?
    /// The frame's link-layer source address is a router's: the packet was passed on.
    public var isRouted = false
    /// For a routed packet, the link-layer source address that it came in with, where known.
    public var ingressMAC: MACAddress?
    /// What the classifiers say.
    public var tag: Tag?

    /// A packet to report.
    public init(
        packet: PacketRecord, captureName: String, interfaceName: String? = nil, verdict: Verdict,
        process: ProcessDescription? = nil, threadName: String? = nil, candidateNames: [String?] = [],
        candidateHosts: [String?] = [], hostName: String? = nil, tag: Tag? = nil
    ) {
        self.packet = packet
        self.captureName = captureName
        self.interfaceName = interfaceName
        self.verdict = verdict
        self.process = process
        self.threadName = threadName
        self.candidateNames = candidateNames
        self.candidateHosts = candidateHosts
        self.hostName = hostName
        self.tag = tag
    }
}
