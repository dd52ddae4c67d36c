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

    private let object: AttributionObject
    private let links: [BPFLink]
    private let sends: RingConsumer
    private let kernelPackets: RingConsumer
    private let forwardedPackets: RingConsumer
    private let processes: RingConsumer
    private var lossCounters: LossCounters
    private var watermark: Timestamp

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
            loaded.object, egress: loaded.egressProgram, cgroup: cgroup, recordsWire: configuration.recordsWire)
        object = loaded.releaseObject()
    }

    /// Records lost so far, by kind.
    public var losses: [LossInterval.Kind: UInt64] { lossCounters.totals }

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
        var isComplete = sends.drain { Self.deliverSend($0, clock: clock, to: &sink) }
        isComplete = kernelPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = forwardedPackets.drain { deliverWire($0, clock: clock, to: &sink) } && isComplete
        isComplete = drainProcesses(clock: clock, to: &sink) && isComplete
        try lossCounters.update(now: clock.wallClock(BootClock.now)) { sink.lost($0) }
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
        let record = WireRecord(event, packet: ip, ingressName: nil, clock: clock)
        sink.wire(record, bytes: packet.bytes, originalLength: packet.originalLength)
    }
}
