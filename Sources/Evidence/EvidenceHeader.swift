public import Records

/// What an evidence file says of itself before its first record.
public struct EvidenceHeader: Sendable {
    /// The tool's version, as in `whosent 0.1.0`.
    public var toolVersion: String
    /// The kernel the records come from, as in `Linux 6.12.48 x86_64`.
    public var kernel: String
    /// The machine's architecture or model, where known.
    public var hardware: String?
    /// How the records' clock was mapped to the wall clock.
    public var clock: String
    /// What the records cover; `stop` and `losses` come later.
    public var coverage: Coverage

    /// A header.
    public init(
        toolVersion: String, kernel: String, hardware: String? = nil, clock: String = "", coverage: Coverage
    ) {
        self.toolVersion = toolVersion
        self.kernel = kernel
        self.hardware = hardware
        self.clock = clock
        self.coverage = coverage
    }
}

/// What an evidence file counts at its end.
public struct EvidenceTotals: Hashable, Sendable {
    /// Send records written.
    public var sends: UInt64
    /// Wire records written.
    public var wires: UInt64
    /// What was lost, by kind, in the whole run.
    public var lost: [LossInterval.Kind: UInt64]

    /// Totals.
    public init(sends: UInt64 = 0, wires: UInt64 = 0, lost: [LossInterval.Kind: UInt64] = [:]) {
        self.sends = sends
        self.wires = wires
        self.lost = lost
    }
}

/// One thing that evidence says.
public enum EvidenceRecord: Sendable {
    /// Who sent a packet.
    case send(SendRecord)
    /// A packet that no process here sent.
    case wire(WireRecord)
    /// Who a process is. Boxed: it is rare and large, and every send record would be moved in a space of its size.
    indirect case process(ProcessRecord)
    /// Who held the TUN and TAP devices at a moment.
    indirect case tunnels(TunnelScan)
    /// Records are missing; ``EvidenceReader/coverage`` has it too.
    case lost(LossInterval)
    /// Interfaces appeared or changed: what the evidence covers, as far as it was read then.
    indirect case coverageChanged(Coverage)
    /// The recording came to its end, and its summary says what it counted. Missing where it was broken off.
    case end(EvidenceTotals)
    /// Another tool's word on one packet or connection.
    case traffic(TrafficRecord)
    /// Another tool's word on a process. Boxed for the same reason.
    indirect case sighting(ProcessSighting)
    /// A listing begins: the sightings that follow are its lines, up to the next listing or the end of the file.
    case listing(Listing)
    /// A line of a socket listing.
    indirect case socket(SocketSighting)
}

/// The interfaces of an evidence pcapng, in their order.
enum EvidenceInterface: Int {
    case send
    case wire

    /// LINKTYPE_RAW: the packet begins with its IP header.
    static let linkType: UInt16 = 101

    var name: String {
        switch self {
        case .send: "whosent-send"
        case .wire: "whosent-wire"
        }
    }
}
