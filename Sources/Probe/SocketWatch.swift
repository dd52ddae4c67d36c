internal import CAttributionEvents
internal import PacketDecoding
internal import Records

/// What happens to sockets apart from packets: who made them, and, once a netfilter queue is about, who uses them.
///
/// Packets that a queue's daemon re-injected wait here until their sender's use of the socket is known.
final class SocketWatch {
    /// A re-injected packet and its record.
    struct Held {
        let event: attribution_send
        let record: [UInt8]
    }

    /// Beyond it the packets that wait longest go without a sender.
    private static let mostHeld = 1 << 16

    private let ring: RingConsumer
    private let shared: SharedMemory
    private let optional: Set<LoadedObject.OptionalProgram>
    private let creationLink: BPFLink?
    private var useLinks: [BPFLink] = []
    private var creators = SocketCreators()
    private(set) var users = SocketUsers()
    private var held: [Held] = []
    private var released = 0
    private var lost: UInt64 = 0
    /// The last socket that was asked for: a sender's packets come in rows.
    private var lastCookie: UInt64 = 0
    private var lastCreator: SocketCreator?

    init(
        _ object: borrowing AttributionObject, optional: Set<LoadedObject.OptionalProgram>,
        cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) {
        ring = try object.ring("socket_events")
        shared = try SharedMemory(object)
        self.optional = optional
        creationLink = Attachment.attachCreation(object, optional, cgroup: cgroup)
    }

    var isWatchingUses: Bool { !useLinks.isEmpty }

    /// Whether it is worth looking at the queues often, for them to be seen empty.
    func awaitsEmptyQueues(at time: UInt64) -> Bool {
        guard users.awaitsEmptyQueues, let since = users.recordedSince else { return false }
        return time < since + SocketUsers.eagerness
    }

    /// Records uses from now on. Those of sockets that are there already are known once ``noteQueues(_:lookedAt:)`` saw
    /// the queues empty.
    func watchUses(_ object: borrowing AttributionObject, cgroup: borrowing OwnedDescriptor) {
        guard useLinks.isEmpty else { return }
        useLinks = Attachment.attachUses(object, optional, cgroup: cgroup)
        if !useLinks.isEmpty { users.begin(at: BootClock.now) }
    }

    /// - Parameter time: when the look at the queues was over.
    func noteQueues(_ queues: NetworkInventory.Queues, lookedAt time: UInt64) {
        if queues.waiting == 0 { users.noteEmptyQueues(at: time) }
    }

    /// Takes in what the kernel recorded about sockets.
    ///
    /// - Returns: false where a record is not finished yet.
    func drain() -> Bool {
        let missing = unsafe shared.content.pointee.lost_socket_events
        if missing != lost {
            lost = missing
            if isWatchingUses { users.begin(at: BootClock.now) }
        }
        return ring.drain { bytes in
            guard let event = bytes.loadPrefix(as: attribution_socket_event.self) else { return }
            if UInt32(event.kind) == ATTRIBUTION_SOCKET_CREATED.rawValue {
                creators.note(event.socket_cookie, SocketCreator(event.task), time: event.time)
            } else {
                users.note(event.socket_cookie, event.task, time: event.time)
            }
        }
    }

    /// Who made the packet's socket, where that is known and not the sender.
    func creator(of event: attribution_send) -> SocketCreator? {
        guard creationLink != nil, event.socket_cookie != 0 else { return nil }
        if event.socket_cookie != lastCookie {
            // A socket is made before it is sent on, and so is its record.
            if creators[event.socket_cookie] == nil { _ = drain() }
            lastCookie = event.socket_cookie
            lastCreator = creators[event.socket_cookie]?.creator
        }
        return lastCreator.flatMap { $0.process == ProcessKey(event.sender) ? nil : $0 }
    }

    /// When the oldest packet that waits was re-injected.
    var oldestHeld: UInt64? { released < held.count ? held[released].event.time : nil }

    func hold(_ event: attribution_send, _ record: RawSpan) {
        held.append(Held(event: event, record: unsafe record.withUnsafeBytes { unsafe Array($0) }))
    }

    /// The next packet that has waited long enough.
    ///
    /// - Parameter time: all uses before it have been taken in.
    func next(before time: UInt64) -> Held? {
        guard released < held.count else { return nil }
        let first = held[released]
        guard first.event.time + SocketUsers.patience < time || held.count - released > Self.mostHeld else {
            return nil
        }
        released += 1
        if released == held.count || released > 4096 {
            held.removeFirst(released)
            released = 0
        }
        return first
    }

    /// Who can have sent a packet that waited.
    func answer(_ event: attribution_send) -> SocketUsers.Answer {
        users.answer(
            event, created: creators[event.socket_cookie]?.time, seesEveryUse: optional.contains(.socketSent))
    }
}

extension SocketCreator {
    init(_ task: attribution_task) { self.init(process: ProcessKey(task), name: TaskName(task)) }
}
