internal import CAttributionEvents
internal import Glibc
internal import Synchronization

/// Reads the slots that most send records go to, where the programs read the kernel's memory directly
/// (`bpf/lib/slots.bpf.h`).
@safe
struct SlotConsumer: ~Copyable {
    /// How many slots are read before they are given back.
    private static let releaseInterval: UInt64 = 256
    /// Of a record's last field.
    private static let sequenceOffset = MemoryLayout<attribution_send>.size - MemoryLayout<UInt32>.size

    private let count: UInt64
    private let size: Int
    private let slots: UnsafeRawPointer
    private let shared: SharedMemory

    /// How many slots hold about as much as a ring of so many bytes: a power of two, since positions are masked.
    static func count(ringBytes: Int) -> Int {
        var count = 1
        while 2 * count * MemoryLayout<attribution_slot>.stride <= ringBytes { count <<= 1 }
        return count
    }

    /// - Parameter count: how many the map has.
    init(_ object: borrowing AttributionObject, count: Int) throws(ProbeError) {
        let size = count * MemoryLayout<attribution_slot>.stride
        let shared = try SharedMemory(object)
        let memory = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, try object.mapDescriptor("send_slots"), 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .failed("mapping the slots of send records", errno: errno)
        }
        unsafe slots = UnsafeRawPointer(memory)
        self.count = UInt64(count)
        self.size = size
        self.shared = shared
    }

    deinit { _ = unsafe munmap(UnsafeMutableRawPointer(mutating: slots), size) }

    /// Calls `body` with each record up to where they ended when the call began; does not wait.
    ///
    /// - Returns: false where a slot that was taken before the call is not written yet: it and what follows come with a
    ///   later call.
    func drain(_ body: (RawSpan) -> Void) -> Bool {
        let taken = unsafe withUnsafeMutablePointer(to: &shared.content.pointee.slots_taken, Self.atomic)
        let given = unsafe withUnsafeMutablePointer(to: &shared.content.pointee.slots_read, Self.atomic)
        let end = unsafe taken.pointee.load(ordering: .acquiring)
        var position = unsafe given.pointee.load(ordering: .relaxed)
        var released = position
        while position < end {
            let slot = unsafe slots + Int(position & (count - 1)) * MemoryLayout<attribution_slot>.stride
            let sequence = unsafe (slot + Self.sequenceOffset).assumingMemoryBound(to: Atomic<UInt32>.self)
            guard unsafe sequence.pointee.load(ordering: .acquiring) == UInt32(truncatingIfNeeded: position + 1) else {
                break
            }
            let record = unsafe UnsafeRawBufferPointer(start: slot, count: MemoryLayout<attribution_slot>.stride)
            unsafe body(record.bytes)
            position += 1
            if position - released >= Self.releaseInterval {
                unsafe given.pointee.store(position, ordering: .releasing)
                released = position
            }
        }
        unsafe given.pointee.store(position, ordering: .releasing)
        return position >= end
    }

    private static func atomic(_ position: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe UnsafeMutableRawPointer(position).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
