/// Who handed a packet to the network stack: one record a packet (or a batch of segments), made by the kernel in the
/// sender's own context or read from foreign evidence.
public struct SendRecord: Sendable {
    /// Where the record was taken.
    public enum Path: UInt8, Sendable {
        /// cgroup egress, in the sender's system call.
        case cgroupEgress
        /// `net_dev_queue`, for packets made on an AF_PACKET socket.
        case packetSocket
        /// `net_dev_queue`, for packets that IPVS took past the egress hook.
        case transmit
        /// Read from a file that does not say.
        case foreign
    }

    /// How sure it is that the recorded task is the sender.
    public enum Proof: UInt8, Sendable {
        /// The task's system call names the packet's socket, or io_uring sent it for the task: may be `exact`.
        case verified
        /// The task was current, but whether it owns the socket could not be checked: `probable` at most.
        case unverified
        /// The check worked and says that the task does not use the packet's socket: it ran by chance, or carries the
        /// packet for somebody else (NFQUEUE). It is never the answer.
        case borrowed
        /// A queue's daemon re-injected the packet (NFQUEUE), and the process is known to have used its socket. Alone it
        /// is the only one that ever did while that was recorded: may be `exact`. Where several did, each has a record.
        case socketUser
        /// The same, but others used the socket before, or not every kind of use could be recorded: `probable` at most.
        case likelySocketUser

        /// The named process is a candidate for having sent the packet.
        public var namesCandidate: Bool { self != .borrowed }
    }

    /// When, on the wall clock.
    public var time: Timestamp
    /// The packet's headers as handed to the stack.
    public var packet: IPPacket
    /// The sending process.
    public var process: ProcessKey
    /// The sending thread's id (pid in the kernel's terms), 0 where unknown.
    public var thread: UInt32
    /// The sending thread's name at that moment.
    public var threadName: TaskName
    /// Which image the process ran; see ``ProcessRecord/imageVersion``.
    public var imageVersion: UInt32
    /// The effective user id at that moment, where known.
    public var user: UInt32?
    /// The effective group id at that moment, where known.
    public var group: UInt32?
    /// The inode of the packet's network namespace, 0 where unknown.
    public var namespace: UInt32
    /// The outgoing interface's index in that namespace, 0 where unknown.
    public var interface: UInt32
    /// The socket's cookie, 0 where unknown.
    public var socketCookie: UInt64
    /// The id of the sender's cgroup, 0 where unknown.
    public var cgroup: UInt64
    /// UDP_SEGMENT: payload bytes of each segment but the last; 0 where not segmented.
    public var segmentSize: UInt16
    /// Where the record was taken.
    public var path: Path
    /// How sure the sender is.
    public var proof: Proof
    /// Addresses and ports as the sender used them, where this machine translated them before the record was taken.
    public var beforeNAT: UntranslatedTuple?
    /// Who made the socket, where that is known and not the sender.
    public var creator: SocketCreator?
    /// Which evidence it comes from, from 0.
    public var host: UInt16
    /// Which machine that evidence is of: the first evidence of the same boot.
    public var machine: UInt16

    /// A record.
    public init(
        time: Timestamp, packet: IPPacket, process: ProcessKey, thread: UInt32 = 0, threadName: TaskName = .empty,
        imageVersion: UInt32 = 0, user: UInt32? = nil, group: UInt32? = nil, namespace: UInt32 = 0,
        interface: UInt32 = 0, socketCookie: UInt64 = 0, cgroup: UInt64 = 0, segmentSize: UInt16 = 0,
        path: Path = .cgroupEgress, proof: Proof = .verified, host: UInt16 = 0
    ) {
        self.time = time
        self.packet = packet
        self.process = process
        self.thread = thread
        self.threadName = threadName
        self.imageVersion = imageVersion
        self.user = user
        self.group = group
        self.namespace = namespace
        self.interface = interface
        self.socketCookie = socketCookie
        self.cgroup = cgroup
        self.segmentSize = segmentSize
        self.path = path
        self.proof = proof
        self.host = host
        machine = host
    }
}

/// The process that made a socket which another one sends on: it was inherited or passed.
public struct SocketCreator: Hashable, Sendable {
    /// The process.
    public var process: ProcessKey
    /// The name of the thread that made the socket, at that moment.
    public var name: TaskName

    /// A creator.
    public init(process: ProcessKey, name: TaskName) {
        self.process = process
        self.name = name
    }
}

/// A packet that left this machine without a sending process, or that the transmit path tells something about.
public struct WireRecord: Sendable {
    /// Where the packet comes from.
    public enum Origin: Hashable, Sendable {
        /// It came in on another interface and is passed on. One record stands for the packets of its flow for about a
        /// second.
        case forwarded(ingressInterface: UInt32, ingressName: String?)
        /// The kernel made it: an echo reply, a port unreachable, a neighbour solicitation. One record a packet.
        case kernel
    }

    /// When, on the wall clock.
    public var time: Timestamp
    /// The packet's headers at transmit.
    public var packet: IPPacket
    /// Where it comes from.
    public var origin: Origin
    /// The inode of the packet's network namespace, 0 where unknown.
    public var namespace: UInt32
    /// The outgoing interface's index, 0 where unknown.
    public var interface: UInt32
    /// The packet carried one of the kernel's own sockets: certain. False where the kernel's authorship is concluded
    /// from there being neither a socket nor an ingress interface.
    public var hasKernelSocket: Bool
    /// Addresses and ports as they were before this machine translated them, where it did.
    public var beforeNAT: UntranslatedTuple?
    /// It left by a port of a bridge or bond, which floods packets without their sockets: that there is none says nothing.
    public var isAtPort = false
    /// From the IP header to that of the packet that was wrapped into this one, in bytes; 0 where none was. In a
    /// forwarded packet another machine may have wrapped it.
    public var innerOffset: UInt16 = 0
    /// The headers of the packet that was wrapped into this one, as far as they were recorded.
    public var inner: IPPacket?
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A record.
    public init(
        time: Timestamp, packet: IPPacket, origin: Origin, namespace: UInt32 = 0, interface: UInt32 = 0,
        hasKernelSocket: Bool = true, beforeNAT: UntranslatedTuple? = nil, host: UInt16 = 0
    ) {
        self.time = time
        self.packet = packet
        self.origin = origin
        self.namespace = namespace
        self.interface = interface
        self.hasKernelSocket = hasKernelSocket
        self.beforeNAT = beforeNAT
        self.host = host
    }
}

/// Addresses and ports before network address translation (RFC 3022), from the connection tracker's entry.
public struct UntranslatedTuple: Hashable, Sendable {
    /// The source address.
    public var source: IPAddress
    /// The destination address.
    public var destination: IPAddress
    /// The UDP source port, or the ICMP echo identifier.
    public var sourcePort: UInt16
    /// The UDP destination port; 0 for ICMP.
    public var destinationPort: UInt16

    /// A tuple.
    public init(source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }
}
