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
    private let links: [BPFLink]
    private let sends: RingConsumer
    private let kernelPackets: RingConsumer
    private let forwardedPackets: RingConsumer
    private let processes: RingConsumer
    private var lossCounters: LossCounters
    private var watermark: Timestamp
    /// Delivered with the first ``poll(_:)``.
    private var pendingSnapshot: [ProcessRecord]
    private var inventoryTime: UInt64 = 0

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
        sends = try loaded.object.ring("send_records")
        kernelPackets = try loaded.object.ring("kernel_records")
        forwardedPackets = try loaded.object.ring("forwarded_records")
        processes = try loaded.object.ring("process_records")
        lossCounters = try LossCounters(descriptor: loaded.object.mapDescriptor("lost_records"), since: watermark)
        links = try Attachment.attach(
            loaded.object, reading: loaded.reading, cgroup: cgroup)
        readsDirectly = loaded.reading == .direct
        object = loaded.releaseObject()
        pendingSnapshot = ProcessSnapshot.read(object, clock: clock)
        inventory.refresh()
    }

    /// Records lost so far, by kind.
    public var losses: [LossInterval.Kind: UInt64] { lossCounters.totals }

    /// Looks at all network namespaces again, and returns what they have and had.
    public func hostInterfaces() -> [HostInterface] {
        inventory.refresh()
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
    public func poll(_ sink: inout some ProbeRecordSink) throws(ProbeError) -> Timestamp {
        clock.update()
        let clock = clock
        // A record's time is taken after its room was reserved: what lies behind the ring's end as read after this
        // moment is younger. The margin is for the kernel's lock-free clock, which may be behind for an instant.
        let began = BootClock.now - 10_000
        for record in pendingSnapshot { sink.process(record) }
        pendingSnapshot = []
        var isComplete = sends.drain { Self.deliverSend($0, clock: clock, to: &sink) }
        isComplete = kernelPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = forwardedPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = drainProcesses(clock: clock, to: &sink) && isComplete
        try lossCounters.update(now: { clock.wallClock(BootClock.now) }) { sink.lost($0) }
        if isComplete { watermark = max(watermark, clock.wallClock(began)) }
        return watermark
    }

    /// Waits a little for records in the making: a process record of another CPU may lie before one that is needed.
    private func drainProcesses(clock: BootClock, to sink: inout some ProbeRecordSink) -> Bool {
        for _ in 0..<100 {
            let isComplete = processes.drain { bytes in
                if let record = ProcessRecord(bytes, clock: clock) { sink.process(record) }
            }
            if isComplete { return true }
            sched_yield()
        }
        return false
    }

    private static func deliverSend(_ bytes: RawSpan, clock: BootClock, to sink: inout some ProbeRecordSink) {
        guard let event = bytes.loadPrefix(as: attribution_send.self),
            let packet = PacketBytes(bytes, header: MemoryLayout<attribution_send>.size, packet: event.packet),
            let ip = decodeIP(packet.bytes, originalLength: packet.originalLength)
        else { return }
        sink.send(
            SendRecord(event, packet: ip, clock: clock), bytes: packet.bytes, originalLength: packet.originalLength)
    }

    private func deliverWire(_ bytes: RawSpan, clock: BootClock, to sink: inout some ProbeRecordSink) {
        guard let event = bytes.loadPrefix(as: attribution_wire.self),
            let packet = PacketBytes(bytes, header: MemoryLayout<attribution_wire>.size, packet: event.packet),
            let ip = decodeIP(packet.bytes, originalLength: packet.originalLength)
        else { return }
        let record = WireRecord(event, packet: ip, ingressName: ingressName(event), clock: clock)
        sink.wire(record, bytes: packet.bytes, originalLength: packet.originalLength)
    }

    /// An interface that is not known yet is looked for, but not more than once a second.
    private func ingressName(_ event: attribution_wire) -> String? {
        guard event.forwarded != 0 else { return nil }
        let namespace = event.packet.netns
        if inventory.interface(namespace: namespace, index: event.ingress_ifindex) == nil {
            let now = BootClock.now
            if now - inventoryTime > 1_000_000_000 {
                inventory.refresh()
                inventoryTime = now
            }
        }
        return inventory.interface(namespace: namespace, index: event.ingress_ifindex)?.name
    }
}
