internal import CAttributionEvents
internal import CLibBPF
internal import Glibc
internal import Records

/// The processes that are older than the tool, from the kernel's own list of tasks.
enum ProcessSnapshot {
    private static let recordSize = MemoryLayout<attribution_image>.size + Int(ATTRIBUTION_PATH_AREA)

    /// Reads them all; empty where this kernel cannot list its tasks (procfs is left then).
    static func read(_ object: borrowing AttributionObject, clock: BootClock) -> [ProcessRecord] {
        guard let link = try? object.attachIterator("process_snapshot") else { return [] }
        let number = bpf_iter_create(link.descriptor)
        guard number >= 0 else { return [] }
        let descriptor = OwnedDescriptor(number)
        var records: [ProcessRecord] = []
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * recordSize)
        while true {
            let count = unsafe Glibc.read(descriptor.number, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return records }
            pending += buffer.prefix(count)
            records += takeRecords(from: &pending, clock: clock)
        }
    }

    private static func takeRecords(from bytes: inout [UInt8], clock: BootClock) -> [ProcessRecord] {
        var records: [ProcessRecord] = []
        var offset = 0
        while offset + recordSize <= bytes.count {
            let span = unsafe bytes.span.bytes.extracting(offset..<offset + recordSize)
            if let record = ProcessRecord(span, clock: clock) { records.append(record) }
            offset += recordSize
        }
        bytes.removeFirst(offset)
        return records
    }
}
