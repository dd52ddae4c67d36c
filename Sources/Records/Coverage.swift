/// What an evidence source could have seen. Absence of a record proves something only inside it.
public struct Coverage: Sendable {
    /// The machine's name (escaped).
    public var host: String?
    /// The machine's boot id.
    public var bootID: String?
    /// From when on every send was recorded.
    public var start: Timestamp
    /// Until when; nil while it goes on, or where the file ended without a summary.
    public var stop: Timestamp?
    /// The pcap-filter expression that records had to pass; empty for none.
    public var filter: String
    /// The interface that records had to leave by; nil for all.
    public var onlyInterface: String?
    /// The machine's interfaces.
    public var interfaces: [HostInterface]
    /// Spans in which records were lost.
    public var losses: [LossInterval]
    /// Forwarded and kernel-made packets were recorded too.
    public var includesWire: Bool

    /// A coverage.
    public init(
        host: String? = nil, bootID: String? = nil, start: Timestamp, stop: Timestamp? = nil, filter: String = "",
        onlyInterface: String? = nil, interfaces: [HostInterface] = [], losses: [LossInterval] = [],
        includesWire: Bool = true
    ) {
        self.host = host
        self.bootID = bootID
        self.start = start
        self.stop = stop
        self.filter = filter
        self.onlyInterface = onlyInterface
        self.interfaces = interfaces
        self.losses = losses
        self.includesWire = includesWire
    }
}

/// A network interface of the machine that the evidence speaks for.
public struct HostInterface: Hashable, Sendable {
    /// Its index in its namespace.
    public var index: UInt32
    /// Its name (escaped).
    public var name: String
    /// The inode of its network namespace.
    public var namespace: UInt32
    /// Its Ethernet address, where it has one.
    public var mac: MACAddress?
    /// Its addresses with their prefix lengths.
    public var addresses: [Network]
    /// A TUN or TAP device: a process writes what it receives.
    public var isTunnel = false
    /// What comes in here may be another process's of this machine: a veth, or a bridge with such ports.
    public var isVirtual = false

    /// An address with its prefix length.
    public struct Network: Hashable, Sendable {
        /// The interface's own address.
        public var address: IPAddress
        /// The length of the network part in bits.
        public var prefixLength: UInt8

        /// An address with its prefix length.
        public init(address: IPAddress, prefixLength: UInt8) {
            self.address = address
            self.prefixLength = prefixLength
        }
    }

    /// An interface.
    public init(index: UInt32, name: String, namespace: UInt32, mac: MACAddress? = nil, addresses: [Network] = []) {
        self.index = index
        self.name = name
        self.namespace = namespace
        self.mac = mac
        self.addresses = addresses
    }
}

/// A span in which a number of records of one kind was lost.
public struct LossInterval: Hashable, Sendable {
    /// What was lost.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Send records: a ring buffer was full.
        case send
        /// Wire records.
        case wire
        /// Process records.
        case process
        /// Packets, by the capture.
        case capture
        /// Records that a bounded table let go while their packet may still have been to come.
        case table
        /// Processes that the bounded table of processes let go while they ran or shortly after.
        case processTable = "process_table"
        /// Flows that a bounded table of flows let go while they were in use.
        case flowTable = "flow_table"
        /// First fragments that a bounded table let go while later ones may still have been to come.
        case fragmentTable = "fragment_table"
        /// Registrations for new mail whose end was no longer followed, or that were forgotten while they lasted, since
        /// the classifiers' tables of connections and registrations were full.
        case registrationTable = "registration_table"
    }

    /// What was lost.
    public var kind: Kind
    /// How many.
    public var count: UInt64
    /// Not before this moment.
    public var start: Timestamp
    /// Not after this moment.
    public var stop: Timestamp

    /// An interval.
    public init(kind: Kind, count: UInt64, start: Timestamp, stop: Timestamp) {
        self.kind = kind
        self.count = count
        self.start = start
        self.stop = stop
    }
}

/// Damage found in a file: what could be read of it is used all the same.
public struct Damage: Hashable, Sendable {
    /// The file, as it was named by the user (escaped).
    public var file: String
    /// The byte at which it was found.
    public var offset: UInt64
    /// A sentence that says what is wrong.
    public var what: String

    /// A finding.
    public init(file: String, offset: UInt64, what: String) {
        self.file = file
        self.offset = offset
        self.what = what
    }
}
