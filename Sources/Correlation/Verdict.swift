public import Records

/// The answer for one packet: who sent it, how sure that is, and why.
public struct Verdict: Sendable {
    /// Where the packet comes from.
    public enum Kind: UInt8, Hashable, CaseIterable, Sendable {
        /// A process of a machine that the evidence speaks for.
        case process
        /// That machine's kernel.
        case kernel
        /// Another machine; it was passed on.
        case forwarded
        /// Another machine; inside coverage, nobody here sent it.
        case received
        /// It cannot be known; the reason says why.
        case unknown

        /// The contract's word for it.
        public var name: String {
            switch self {
            case .process: "process"
            case .kernel: "kernel"
            case .forwarded: "forwarded"
            case .received: "received"
            case .unknown: "unknown"
            }
        }
    }

    /// How sure the answer is; ordered from weak to strong.
    public enum Confidence: UInt8, Hashable, Comparable, CaseIterable, Sendable {
        /// No answer.
        case none
        /// Two or more candidates.
        case ambiguous
        /// A weak match.
        case possible
        /// A good match, short of the complete identity.
        case probable
        /// The complete identity agrees and no other process has an equal record.
        case exact

        /// Orders by strength.
        public static func < (left: Confidence, right: Confidence) -> Bool { left.rawValue < right.rawValue }

        /// The contract's word for it.
        public var name: String {
            switch self {
            case .none: "none"
            case .ambiguous: "ambiguous"
            case .possible: "possible"
            case .probable: "probable"
            case .exact: "exact"
            }
        }
    }

    /// By what the packet was joined with the evidence.
    public enum Method: UInt8, Hashable, CaseIterable, Sendable {
        /// Nothing was joined.
        case none
        /// The packet's own identity.
        case packet
        /// The identity before translation.
        case nat
        /// Addresses and ports.
        case flow
        /// Ports alone.
        case ports
        /// Other evidence of the same process.
        case inferred
        /// A snapshot of who owns which socket.
        case socketTable

        /// The contract's word for it.
        public var name: String {
            switch self {
            case .none: "none"
            case .packet: "packet"
            case .nat: "nat"
            case .flow: "flow"
            case .ports: "ports"
            case .inferred: "inferred"
            case .socketTable: "socket-table"
            }
        }
    }

    /// Where the packet comes from.
    public var kind: Kind
    /// How sure that is.
    public var confidence: Confidence
    /// By what it was joined.
    public var method: Method
    /// Why.
    public var reason: Reason
    /// The sender, for `process` unless ambiguous.
    public var sender: Sender?
    /// What few verdicts have.
    private var details = Details.none

    /// A verdict.
    public init(
        kind: Kind, confidence: Confidence, method: Method, reason: Reason, sender: Sender? = nil,
        candidates: [Candidate] = [], ingressInterface: String? = nil, egressInterface: String? = nil
    ) {
        self.kind = kind
        self.confidence = confidence
        self.method = method
        self.reason = reason
        self.sender = sender
        guard !candidates.isEmpty || ingressInterface != nil || egressInterface != nil else { return }
        self.candidates = candidates
        self.ingressInterface = ingressInterface
        self.egressInterface = egressInterface
    }
}

extension Verdict {
    /// Kept apart: a verdict is made and moved for every packet, and with these in it would be three times as large.
    private struct Detail: Sendable {
        var candidates: [Candidate] = []
        var beforeNAT: UntranslatedTuple?
        var socketCreator: SocketCreator?
        var onBehalfOf: Sender?
        var tunnel: TunnelOrigin?
        var ingressInterface: String?
        var egressInterface: String?
    }

    private enum Details: Sendable {
        case none
        indirect case some(Detail)
    }

    private var detail: Detail {
        get { if case .some(let detail) = details { detail } else { Detail() } }
        set { details = .some(newValue) }
    }

    private var hasDetail: Bool { if case .some = details { true } else { false } }

    /// The candidates, where there are several.
    public var candidates: [Candidate] {
        get { hasDetail ? detail.candidates : [] }
        set { if hasDetail || !newValue.isEmpty { detail.candidates = newValue } }
    }

    /// Addresses and ports as the sender saw them, where they were translated on the way: behind the record (method
    /// `nat`), or on this machine before it was taken.
    public var beforeNAT: UntranslatedTuple? {
        get { hasDetail ? detail.beforeNAT : nil }
        set { if hasDetail || newValue != nil { detail.beforeNAT = newValue } }
    }

    /// Who made the sender's socket, where that is known and not the sender.
    public var socketCreator: SocketCreator? {
        get { hasDetail ? detail.socketCreator : nil }
        set { if hasDetail || newValue != nil { detail.socketCreator = newValue } }
    }

    /// Who sent the packet that the kernel wrapped into this one, for `kernel`.
    public var onBehalfOf: Sender? {
        get { hasDetail ? detail.onBehalfOf : nil }
        set { if hasDetail || newValue != nil { detail.onBehalfOf = newValue } }
    }

    /// The TUN or TAP device that a forwarded or received packet came out of.
    public var tunnel: TunnelOrigin? {
        get { hasDetail ? detail.tunnel : nil }
        set { if hasDetail || newValue != nil { detail.tunnel = newValue } }
    }

    /// The name of the interface a forwarded packet came in on.
    public var ingressInterface: String? {
        get { hasDetail ? detail.ingressInterface : nil }
        set { if hasDetail || newValue != nil { detail.ingressInterface = newValue } }
    }

    /// The name of the interface the evidence says it left by, where the capture does not say.
    public var egressInterface: String? {
        get { hasDetail ? detail.egressInterface : nil }
        set { if hasDetail || newValue != nil { detail.egressInterface = newValue } }
    }
}

/// The sending task, as the send record has it.
public struct Sender: Hashable, Sendable {
    /// The process.
    public var process: ProcessKey
    /// Which image it ran.
    public var imageVersion: UInt32
    /// The thread's id, 0 where unknown.
    public var thread: UInt32
    /// The thread's name.
    public var threadName: TaskName
    /// The effective user at that moment.
    public var user: UInt32?
    /// The effective group at that moment.
    public var group: UInt32?
    /// The cgroup, 0 where unknown.
    public var cgroup: UInt64
    /// Which evidence says so.
    public var host: UInt16
    /// Which machine that evidence is of. Two recordings of one machine name one process alike.
    public var machine: UInt16
    /// When it handed the packet to the stack.
    public var time: Timestamp

    /// The sender of a record.
    @inline(__always)
    public init(_ record: SendRecord) {
        process = record.process
        imageVersion = record.imageVersion
        thread = record.thread
        threadName = record.threadName
        user = record.user
        group = record.group
        cgroup = record.cgroup
        host = record.host
        machine = record.machine
        time = record.time
    }

    /// The process, whichever evidence it is named by.
    var owner: HostProcess { HostProcess(machine: machine, process: process) }
}

/// One of several possible senders.
public struct Candidate: Hashable, Sendable {
    /// Who it may have been.
    public var sender: Sender
    /// Why it may have been.
    public var reason: Reason

    /// A candidate.
    public init(sender: Sender, reason: Reason) {
        self.sender = sender
        self.reason = reason
    }
}
