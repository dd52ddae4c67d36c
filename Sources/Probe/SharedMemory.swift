internal import CAttributionEvents
internal import Glibc

/// What user space and the loaded programs share: the whole of .bss.
@safe
struct SharedMemory: ~Copyable {
    private static let size = MemoryLayout<attribution_shared>.size

    let content: UnsafeMutablePointer<attribution_shared>

    init(_ object: borrowing AttributionObject) throws(ProbeError) {
        // libbpf maps it for generated skeletons only.
        let memory = unsafe mmap(
            nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, try object.mapDescriptor(".bss"), 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .failed("mapping the BPF object's .bss", errno: errno)
        }
        unsafe content = memory.assumingMemoryBound(to: attribution_shared.self)
    }

    deinit { _ = unsafe munmap(content, Self.size) }
}
