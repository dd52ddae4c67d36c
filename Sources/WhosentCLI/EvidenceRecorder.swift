import Capture
import Evidence
import Probe
import ProcessMetadata
import Records
import SystemPackage

/// What one poll of the kernel delivered, kept until its processes are known.
///
/// Sends come before the process records that describe their senders, so nothing can be written while polling.
struct RecordBatch: ProbeRecordSink {
    enum Packet {
        case send(SendRecord)
        case wire(WireRecord)

        var time: Timestamp {
            switch self {
            case .send(let record): record.time
            case .wire(let record): record.time
            }
        }
    }

    struct Entry {
        let packet: Packet
        let bytes: Range<Int>
        let originalLength: Int
    }

    private let filter: PacketFilter?
    var entries: [Entry] = []
    var bytes: [UInt8] = []
    var processes: [ProcessRecord] = []
    var losses: [LossInterval] = []
    var wireStart = 0

    init(filter: PacketFilter?) { self.filter = filter }

    mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int) {
        keep(.send(record), bytes, originalLength)
    }

    mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int) {
        keep(.wire(record), bytes, originalLength)
    }

    mutating func process(_ record: ProcessRecord) { processes.append(record) }
    mutating func lost(_ interval: LossInterval) { losses.append(interval) }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        processes.removeAll(keepingCapacity: true)
        losses.removeAll(keepingCapacity: true)
    }

    private mutating func keep(_ packet: Packet, _ span: RawSpan, _ originalLength: Int) {
        if let filter, !filter.matches(span, originalLength: originalLength) { return }
        let start = bytes.count
        span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        entries.append(Entry(packet: packet, bytes: start..<bytes.count, originalLength: originalLength))
    }
}

/// Writes batches as evidence: processes before first use, packets in order of time.
struct EvidenceRecorder {
    private let writer: EvidenceWriter
    private var table: ProcessTable
    private var written: [ProcessKey: WrittenIdentity] = [:]
    private let withoutArguments: Bool
    private var sends: UInt64 = 0
    private var wires: UInt64 = 0
    private var lost: UInt64 = 0

    /// What a process block says that may change while the process lives.
    private struct WrittenIdentity: Equatable {
        let imageVersion: UInt32
        let user: UInt32?
        let group: UInt32?
        let cgroup: UInt64
    }
}
