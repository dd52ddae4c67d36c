internal import CAttributionEvents
internal import Glibc
internal import PacketDecoding
public import Records

/// The kernel's side: loads and attaches the BPF programs and reads their records.
///
/// Use it from one thread. Everything is undone when it is released, or when the process ends in any way.
public final class Probe {
    /// Whether records can be verified, and how that was found out.
    public let guardState: GuardState
    /// The machine that the records speak for.
    public let host: HostFacts
    /// How the kernel's boot clock, and so ``ProcessKey/startTime``, maps to the wall clock at present.
    public private(set) var clock: BootClock

    /// The interfaces of this machine's network namespaces.
    public private(set) var inventory = NetworkInventory()
    /// The programs read the kernel's memory by direct loads.
    let readsDirectly: Bool

    private let object: AttributionObject
    private let cgroup: OwnedDescriptor
    private let links: [BPFLink]
    private let sockets: SocketWatch
    private let slots: SlotConsumer
    /// What does not fit into a slot, or found none.
    private let sends: RingConsumer
    private let kernelPackets: RingConsumer
    private let forwardedPackets: RingConsumer
    private let processes: RingConsumer
    private var lossCounters: LossCounters
    private var watermark: Timestamp
    /// Delivered with the first ``poll(_:)``.
    private var pendingSnapshot: [ProcessRecord]
    private var inventoryTime: UInt64 = 0
    private var queuesTime: UInt64 = 0

    /// While it matters that queues become empty they are looked at so often, in nanoseconds.
    private static let queuesInterval: UInt64 = 100_000_000

    /// Loads, calibrates and attaches; whatever is sent after it returned is recorded.
    ///
    /// - Throws: ``ProbeError`` that says what is missing and how to mend it.
    public init(_ configuration: ProbeConfiguration = ProbeConfiguration()) throws(ProbeError) {
        let host = HostFacts()
        let cgroup = try CgroupRoot.open()
        let loaded = try LoadedObject(configuration, host: host)
        guardState = try Attachment.calibrate(loaded.object, cgroup: cgroup)
        self.host = host
        clock = BootClock()
        watermark = clock.wallClock(BootClock.now)
        slots = try loaded.object.slots()
        sends = try loaded.object.ring("send_records")
        kernelPackets = try loaded.object.ring("kernel_records")
        forwardedPackets = try loaded.object.ring("forwarded_records")
        processes = try loaded.object.ring("process_records")
        lossCounters = try LossCounters(loaded.object, since: watermark)
        sockets = try SocketWatch(loaded.object, optional: loaded.optional, cgroup: cgroup)
        links = try Attachment.attach(
            loaded.object, reading: loaded.reading, cgroup: cgroup)
        readsDirectly = loaded.reading == .direct
        object = loaded.releaseObject()
        self.cgroup = cgroup
        pendingSnapshot = ProcessSnapshot.read(object, clock: clock)
        lookAround()
    }

    /// Looks at all network namespaces, and begins to watch the use of sockets where somebody holds packets in queues.
    private func lookAround() {
        inventory.refresh()
        if inventory.queues.exist, !sockets.isWatchingUses {
            sockets.watchUses(object, cgroup: cgroup)
            inventory.refresh()
        }
        sockets.noteQueues(inventory.queues, lookedAt: BootClock.now)
    }

    /// Records lost so far, by kind.
    public var losses: [LossInterval.Kind: UInt64] { lossCounters.totals }

    /// Looks at all network namespaces again, and returns what they have and had.
    public func hostInterfaces() -> [HostInterface] {
        lookAround()
        return inventory.interfaces
    }

    /// Passes on what libbpf says, the kernel's verifier included; nil for silence. For the whole process.
    public static func setLibraryLog(_ listener: (@Sendable (String) -> Void)?) {
        LibraryLog.setListener(listener)
    }

    /// Reads all records that are there, without waiting.
    ///
    /// Process records come last, so that all that a send record needs has been delivered when this returns.
    ///
    /// - Returns: the watermark: all records of earlier moments have been delivered.
    public func poll(_ sink: inout some ProbeRecordSink & ~Copyable) -> Timestamp {
        clock.update()
        let clock = clock
        // A record's time is taken after its room was reserved: what lies behind the ring's end as read after this
        // moment is younger. The margin is for the kernel's lock-free clock, which may be behind for an instant.
        let began = BootClock.now - 10_000
        for record in pendingSnapshot { sink.process(record) }
        pendingSnapshot = []
        if sockets.awaitsEmptyQueues(at: began), began - queuesTime > Self.queuesInterval {
            queuesTime = began
            lookAround()
        }
        let socketsAreComplete = sockets.drain()
        // Reading the slots may take long, and what comes into the ring meanwhile is younger than what comes into them.
        let sendsEnd = sends.end
        var isComplete = slots.drain { deliverSend($0, clock: clock, to: &sink) }
        isComplete = sends.drain(until: sendsEnd) { deliverSend($0, clock: clock, to: &sink) } && isComplete
        if socketsAreComplete {
            while let held = sockets.next(before: began) { deliver(held, clock: clock, to: &sink) }
        }
        isComplete = kernelPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = forwardedPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = drainProcesses(clock: clock, to: &sink) && isComplete
        lossCounters.update(now: { clock.wallClock(BootClock.now) }) { sink.lost($0) }
        if isComplete { watermark = max(watermark, clock.wallClock(min(began, sockets.oldestHeld ?? began))) }
        return watermark
    }

    /// Waits a little for records in the making: a process record of another CPU may lie before one that is needed.
    private func drainProcesses(clock: BootClock, to sink: inout some ProbeRecordSink & ~Copyable) -> Bool {
        for _ in 0..<100 {
            let isComplete = processes.drain { bytes in
                if let record = ProcessRecord(bytes, clock: clock) { sink.process(record) }
            }
            if isComplete { return true }
            sched_yield()
        }
        return false
    }

    private func deliverSend(_ bytes: RawSpan, clock: BootClock, to sink: inout some ProbeRecordSink & ~Copyable) {
        guard let event = bytes.loadPrefix(as: attribution_send.self) else { return }
        if UInt32(event.proof) == ATTRIBUTION_PROOF_REINJECTED.rawValue {
            // The queue is newer than the last look.
            if !sockets.isWatchingUses {
                sockets.watchUses(object, cgroup: cgroup)
                queuesTime = 0
            }
            if sockets.isWatchingUses { return sockets.hold(event, bytes) }
        }
        deliverSend(bytes, by: event, clock: clock, to: &sink)
    }

    /// Delivers a record; `event` may name another sender than the bytes do.
    private func deliverSend(
        _ bytes: RawSpan, by event: attribution_send, as proof: SendRecord.Proof? = nil, clock: BootClock,
        to sink: inout some ProbeRecordSink & ~Copyable
    ) {
        guard let packet = PacketBytes(bytes, header: MemoryLayout<attribution_send>.size, packet: event.packet),
            let ip = decodeIP(packet.bytes, originalLength: packet.originalLength)
        else { return }
        var record = SendRecord(event, packet: ip, clock: clock)
        if let proof { record.proof = proof }
        if event.translated != 0 { record.beforeNAT = UntranslatedTuple(endOf: bytes, packet: ip) }
        if record.proof != .borrowed { record.creator = sockets.creator(of: event) }
        sink.send(record, bytes: packet.bytes, originalLength: packet.originalLength)
    }

    /// Delivers a packet that a queue's daemon re-injected, once for each process that may have sent it.
    private func deliver(_ held: SocketWatch.Held, clock: BootClock, to sink: inout some ProbeRecordSink & ~Copyable) {
        let bytes = unsafe held.record.span.bytes
        func deliver(_ task: attribution_task, as proof: SendRecord.Proof) {
            var event = held.event
            event.sender = task
            deliverSend(bytes, by: event, as: proof, clock: clock, to: &sink)
        }
        switch sockets.answer(held.event) {
        case .nobody: deliver(held.event.sender, as: .borrowed)
        case .one(let task, let isCertain): deliver(task, as: isCertain ? .socketUser : .likelySocketUser)
        case .several(let tasks): for task in tasks { deliver(task, as: .socketUser) }
        }
    }

    private func deliverWire(_ bytes: RawSpan, clock: BootClock, to sink: inout some ProbeRecordSink & ~Copyable) {
        guard let event = bytes.loadPrefix(as: attribution_wire.self),
            let packet = PacketBytes(bytes, header: MemoryLayout<attribution_wire>.size, packet: event.packet),
            let ip = decodeIP(packet.bytes, originalLength: packet.originalLength)
        else { return }
        var record = WireRecord(event, packet: ip, ingressName: ingressName(event), clock: clock)
        let inner = Int(event.inner_offset)
        if inner > 0, inner < packet.bytes.byteCount {
            record.inner = decodeIP(
                packet.bytes.extracting(inner..<packet.bytes.byteCount), originalLength: packet.originalLength - inner)
        }
        sink.wire(record, bytes: packet.bytes, originalLength: packet.originalLength)
    }

    /// An interface that is not known yet is looked for, but not more than once a second.
    private func ingressName(_ event: attribution_wire) -> String? {
        guard event.forwarded != 0 else { return nil }
        let namespace = event.packet.netns
        if inventory.interface(namespace: namespace, index: event.ingress_ifindex) == nil {
            let now = BootClock.now
            if now - inventoryTime > 1_000_000_000 {
                lookAround()
                inventoryTime = now
            }
        }
        return inventory.interface(namespace: namespace, index: event.ingress_ifindex)?.name
    }
}
