import Capture
import Evidence
import PcapNG
import Probe
import ProcessMetadata
import Records
import SystemPackage

/// What one poll of the kernel delivered, kept until its processes are known.
///
/// Sends come before the process records that describe their senders, so nothing can be written while polling.
struct RecordBatch: ProbeRecordSink {
    /// A record, and where the bytes of its packet lie.
    struct Entry<Record> {
        let time: Timestamp
        let record: Record
        let bytes: Range<Int>
        let originalLength: Int
    }

    /// More packets than this do not wait for older ones: some 50 MB.
    private static let mostWaiting = 1 << 17

    private let filter: PacketFilter?
    var sends: [Entry<SendRecord>] = []
    var wires: [Entry<WireRecord>] = []
    private var bytes: [UInt8] = []
    /// How many bytes were let go.
    private var dropped = 0
    var processes: [ProcessRecord] = []
    var losses: [LossInterval] = []
    /// Something came, whether it passed the filter or not; for the reader to reset.
    var hasNews = false

    init(filter: PacketFilter?) { self.filter = filter }

    mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int) {
        hasNews = true
        guard passes(bytes, originalLength) || passesInSegments(record, bytes, originalLength) else { return }
        sends.append(Entry(time: record.time, record: record, bytes: keep(bytes), originalLength: originalLength))
    }

    mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int) {
        hasNews = true
        guard passes(bytes, originalLength) else { return }
        wires.append(Entry(time: record.time, record: record, bytes: keep(bytes), originalLength: originalLength))
    }

    mutating func process(_ record: ProcessRecord) {
        hasNews = true
        processes.append(record)
    }

    mutating func lost(_ interval: LossInterval) { losses.append(interval) }

    /// Each ring is in order by itself, or nearly; readers want one order. To move records of one sender about would cost
    /// more than to look whether any has to be.
    mutating func sortByTime() {
        Self.sort(&sends)
        Self.sort(&wires)
    }

    private static func sort<Record>(_ entries: inout [Entry<Record>]) {
        guard entries.indices.dropFirst().contains(where: { entries[$0].time < entries[$0 - 1].time }) else { return }
        entries.sort { $0.time < $1.time }
    }

    /// How many of the sends, and of the wires, are older than a moment; all, where more wait than are worth their memory.
    func count(before moment: Timestamp) -> (sends: Int, wires: Int) {
        guard sends.count + wires.count <= Self.mostWaiting else { return (sends.count, wires.count) }
        return (
            sends.count - sends.reversed().prefix { $0.time >= moment }.count,
            wires.count - wires.reversed().prefix { $0.time >= moment }.count
        )
    }

    /// The bytes of an entry's packet.
    @_lifetime(borrow self)
    func packet(_ range: Range<Int>) -> RawSpan {
        bytes.rawSpan.extracting(range.lowerBound - dropped..<range.upperBound - dropped)
    }

    /// Lets go of what is written: so many of the sends and wires, and all else.
    mutating func remove(_ written: (sends: Int, wires: Int)) {
        processes.removeAll(keepingCapacity: true)
        losses.removeAll(keepingCapacity: true)
        sends.removeFirst(written.sends)
        wires.removeFirst(written.wires)
        let end = dropped + bytes.count
        let firstSend = sends.lazy.map(\.bytes.lowerBound).min() ?? end
        let first = min(firstSend, wires.lazy.map(\.bytes.lowerBound).min() ?? end)
        bytes.removeFirst(first - dropped)
        dropped = first
    }

    private func passes(_ span: RawSpan, _ originalLength: Int) -> Bool {
        guard let filter else { return true }
        return filter.matches(span, originalLength: originalLength)
    }

    /// Whether the filter lets pass one of the segments that a UDP_SEGMENT batch leaves as: their lengths are others than the
    /// batch's, and what is asked of their payload is not known.
    private func passesInSegments(_ record: SendRecord, _ span: RawSpan, _ originalLength: Int) -> Bool {
        guard filter != nil, record.segmentSize > 0 else { return false }
        let payload = Int(record.packet.payloadLength)
        let (headers, size) = (originalLength - payload, Int(record.segmentSize))
        let isIPv4 = record.packet.version == .v4
        guard headers >= 28, span.byteCount >= headers, payload > size else { return false }
        var bytes: [UInt8] = []
        bytes.append(span)
        for length in [size, payload - (payload - 1) / size * size] {
            let total = isIPv4 ? headers + length : headers + length - 40
            for (place, value) in [(isIPv4 ? 2 : 4, total), (headers - 4, length + 8)] {
                bytes[place] = UInt8(truncatingIfNeeded: value >> 8)
                bytes[place + 1] = UInt8(truncatingIfNeeded: value)
            }
            if passes(bytes.rawSpan, headers + length) { return true }
        }
        return false
    }

    private mutating func keep(_ span: RawSpan) -> Range<Int> {
        let start = dropped + bytes.count
        bytes.append(span)
        return start..<start + span.byteCount
    }
}

/// Writes batches as evidence: processes before their first use, packets in order of time.
final class EvidenceRecorder {
    private var writer: EvidenceWriter
    private var processes: LiveProcesses
    private var described = DescribedSenders()
    private var lastSender = LastSender()
    private let withoutArguments: Bool
    private var interfaces: [HostInterface]
    private var tunnels = TunnelHolders()
    /// What is not written yet.
    private var losses: [LossInterval] = []

    /// Creates the file and writes its header.
    init(
        path: String, host: HostFacts, coverage: Coverage, snapLength: Int, processes: LiveProcesses,
        withoutArguments: Bool
    ) throws(CommandFailure) {
        self.processes = processes
        self.withoutArguments = withoutArguments
        interfaces = coverage.interfaces
        let descriptor = try OutputFile.create(path)
        let header = EvidenceHeader(
            toolVersion: toolVersion, kernel: "Linux \(host.kernelRelease ?? "")",
            clock: "boot clock mapped to the wall clock, the offset sampled at every read", coverage: coverage)
        do {
            writer = try EvidenceWriter(descriptor: descriptor, header: header, snapLength: UInt32(snapLength))
        } catch {
            throw error.failure
        }
    }

    /// Writes a batch, but for packets that older ones may still follow: those stay in it.
    ///
    /// - Parameters:
    ///   - watermark: all of the kernel's records before this moment are in.
    ///   - isLast: nothing follows, so nothing waits.
    func write(
        _ batch: inout RecordBatch, through watermark: Timestamp, isLast: Bool = false
    ) throws(CommandFailure) {
        for record in batch.processes { processes.add(record) }
        let named = batch.processes.lazy.map(\.process).filter { self.described.lacksName($0) }
        let learned = processes.drained(until: watermark)
        if batch.wires.contains(where: { cameFromTunnel($0.record) }) { tunnels.look() }
        batch.sortByTime()
        let written = batch.count(before: isLast ? .distantFuture : watermark)
        do {
            for loss in batch.losses where loss.kind == .process {
                processes.noteLostRecords(from: loss.start, to: loss.stop)
            }
            losses.append(contentsOf: batch.losses)
            for loss in processes.takeLetGo() { try writer.lost(loss) }
            let inCgroups = described.processes(inCgroups: learned.cgroups)
            for process in learned.processes.union(inCgroups).union(named) {
                try complete(process)
            }
            for scan in tunnels.takeScans() { try writer.tunnels(scan) }
            try write(written, of: batch)
            try writeLosses(before: isLast ? .distantFuture : watermark)
            try writer.flush()
        } catch {
            throw error.failure
        }
        batch.remove(written)
    }

    /// Writes both kinds of packets, and what was lost meanwhile, in one order of time.
    private func write(
        _ count: (sends: Int, wires: Int), of batch: borrowing RecordBatch
    ) throws(BlockWriterError) {
        var wire = 0
        for index in 0..<count.sends {
            while wire < count.wires, batch.wires[wire].time < batch.sends[index].time {
                try writeWire(wire, of: batch)
                wire += 1
            }
            if !losses.isEmpty { try writeLosses(before: batch.sends[index].time) }
            try describe(batch.sends[index].record)
            try writer.send(
                batch.sends[index].record, bytes: batch.packet(batch.sends[index].bytes),
                originalLength: batch.sends[index].originalLength)
        }
        for rest in wire..<count.wires { try writeWire(rest, of: batch) }
    }

    /// Where they begin: a reader takes in what is older first, and a packet without a record waits for no more than that.
    private func writeLosses(before moment: Timestamp) throws(BlockWriterError) {
        while let first = losses.first, first.start < moment {
            try writer.lost(first)
            losses.removeFirst()
        }
    }

    private func writeWire(_ index: Int, of batch: borrowing RecordBatch) throws(BlockWriterError) {
        let entry = batch.wires[index]
        if !losses.isEmpty { try writeLosses(before: entry.time) }
        try writer.wire(
            entry.record, bytes: batch.packet(entry.bytes), originalLength: entry.originalLength)
    }

    /// Writes interfaces that are new or have new addresses.
    func update(_ current: [HostInterface], time: Timestamp) throws(CommandFailure) {
        let known = Set(interfaces)
        let changed = current.filter { !known.contains($0) }
        guard !changed.isEmpty else { return }
        interfaces = current
        do { try writer.interfaces(changed, time: time) } catch { throw error.failure }
    }

    /// Closes the evidence.
    func finish(stop: Timestamp, lost: [LossInterval.Kind: UInt64]) throws(CommandFailure) {
        do { try writer.finish(stop: stop, lost: lost) } catch { throw error.failure }
    }

    /// What was recorded and lost, in tcpdump's manner.
    var account: String {
        let totals = writer.totals
        let forgotten = totals.lost[.processTable] ?? 0
        let lost = totals.lost.values.reduce(0, &+) - forgotten
        return """
            \(totals.sends) send records written
            \(totals.wires) wire records written (forwarded flows and packets of the kernel)
            \(lost) records lost in the kernel\(lost == 0 ? "" : ": \(lossList(totals))")
            """ + (forgotten == 0 ? "" : "\n\(forgotten) processes let go (table full): --process-table takes more")
    }

    private func lossList(_ totals: EvidenceTotals) -> String {
        totals.lost.filter { $0.value > 0 && $0.key != .processTable }.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", ")
    }

    /// Something about some process is still being read.
    var isLooking: Bool { processes.isLooking || tunnels.isLooking }

    /// A process wrote the packet into a TUN or TAP device.
    private func cameFromTunnel(_ record: WireRecord) -> Bool {
        guard case .forwarded(let index, _) = record.origin else { return false }
        return interfaces.contains { $0.isTunnel && $0.index == index && $0.namespace == record.namespace }
    }

    private func describe(_ record: SendRecord) throws(BlockWriterError) {
        guard record.proof != .borrowed, lastSender.isAnother(record) else { return }
        let isLookedAt = processes.look(
            at: record.process, imageVersion: record.imageVersion, time: record.time, cgroup: record.cgroup)
        guard !writer.describes(record.process, imageVersion: record.imageVersion) else {
            if isLookedAt { described.lookedAt(DescribedSenders.Sending(record)) }
            return
        }
        let sending = DescribedSenders.Sending(record)
        let description = description(sending)
        try write(description, of: sending)
        described.insert(sending, description)
    }

    /// Writes what a look at a process added: for what it sent first, and for what it sent when it was looked at.
    private func complete(_ process: ProcessKey) throws(BlockWriterError) {
        for sending in described.sendings(process) {
            let description = description(sending)
            guard described.isNew(description, of: sending) else { continue }
            try write(description, of: sending, renewing: true)
        }
    }

    private func description(_ sending: DescribedSenders.Sending) -> ProcessDescription {
        var description =
            processes.description(
                process: sending.process, imageVersion: sending.imageVersion, at: sending.time, user: sending.user,
                group: sending.group, cgroup: sending.cgroup) ?? ProcessDescription(pid: sending.process.pid)
        if withoutArguments { description.removeArguments() }
        return description
    }

    private func write(
        _ description: ProcessDescription, of sending: DescribedSenders.Sending, renewing: Bool = false
    ) throws(BlockWriterError) {
        try writer.process(
            key: sending.process, imageVersion: sending.imageVersion, description: description, time: sending.time,
            renewing: renewing)
    }
}
