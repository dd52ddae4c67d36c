internal import BPFObjects
internal import CAttributionEvents
internal import CLibBPF
internal import Glibc

/// Owns libbpf's handle of the BPF object; closing it unloads programs and maps.
@safe
struct AttributionObject: ~Copyable {
    private let handle: OpaquePointer

    /// Opens the embedded object. Needs no privilege: the kernel is not asked yet.
    init(_ object: BPFObject = .attribution) throws(ProbeError) {
        try self.init(name: object.name, image: object.bytes)
    }

    init(name: String, image: RawSpan) throws(ProbeError) {
        LibraryLog.install()
        var options = unsafe bpf_object_open_opts()
        unsafe options.sz = MemoryLayout<bpf_object_open_opts>.size
        let opened: OpaquePointer? = unsafe image.withUnsafeBytes { image in
            unsafe name.withCString { name in
                unsafe options.object_name = name
                return unsafe bpf_object__open_mem(image.baseAddress, image.count, &options)
            }
        }
        guard let opened = unsafe opened else {
            throw ProbeError(
                .kernelLacksFeature, "bpf_object__open_mem", errno: errno,
                "The embedded BPF object could not be opened by libbpf: build it anew, or update libbpf to 1.1 or later."
            )
        }
        unsafe handle = opened
    }

    deinit { unsafe bpf_object__close(handle) }

    /// The programs' names, in the object's order.
    var programNames: [String] {
        var names: [String] = []
        var program = unsafe bpf_object__next_program(handle, nil)
        while let current = unsafe program {
            unsafe names.append(String(cString: bpf_program__name(current)))
            unsafe program = unsafe bpf_object__next_program(handle, current)
        }
        return names
    }

    /// Sets the read-only configuration; only before ``load()``.
    func configure(_ config: attribution_config) throws(ProbeError) {
        var size = 0
        guard let map = unsafe bpf_object__find_map_by_name(handle, ".rodata"),
            let value = unsafe bpf_map__initial_value(map, &size), size == MemoryLayout<attribution_config>.size
        else {
            throw ProbeError(
                .io, "bpf_map__initial_value", "The BPF object's .rodata is not laid out as expected: build it anew.")
        }
        unsafe UnsafeMutableRawPointer(mutating: value).storeBytes(of: config, as: attribution_config.self)
    }

    private func program(_ name: String) throws(ProbeError) -> OpaquePointer {
        guard let program = unsafe bpf_object__find_program_by_name(handle, name) else {
            throw ProbeError(.io, "bpf_object__find_program_by_name", "The BPF object has no program \(name).")
        }
        return unsafe program
    }

    /// Leaves a program out of ``load()``, or takes it in.
    func setLoaded(_ name: String, _ loaded: Bool) throws(ProbeError) {
        try checkedLibbpf("bpf_program__set_autoload", unsafe bpf_program__set_autoload(program(name), loaded))
    }

    /// Loads programs and maps into the kernel. May be called once.
    func load() throws(ProbeError) {
        let result = unsafe bpf_object__load(handle)
        guard result < 0 else { return }
        if result == -EPERM, let kibibytes = LockedMemory.obstacle {
            throw ProbeError(
                .notPermitted, "bpf_object__load", errno: EPERM,
                "This kernel counts BPF maps as locked memory, of which \(kibibytes) KiB are allowed here: run with "
                    + "CAP_SYS_RESOURCE, or raise the limit (ulimit -l unlimited).")
        }
        // Without the privilege it is EPERM; all other refusals come from the verifier or from missing types.
        guard result != -EPERM, result != -ENOMEM else { throw .failed("loading the BPF programs", errno: -result) }
        throw ProbeError(
            .kernelLacksFeature, "bpf_object__load", errno: -result,
            "This kernel does not take the BPF programs (\(ProbeError.message(-result))): Linux 5.10 or later with BTF "
                + "(CONFIG_DEBUG_INFO_BTF) is needed; if it has them, report this with the kernel's release.")
    }

    /// Attaches a tracepoint program.
    func attachTracepoint(_ name: String) throws(ProbeError) -> BPFLink {
        try unsafe BPFLink("attaching \(name)", unsafe bpf_program__attach(program(name)))
    }

    /// Makes an iterator of an iterator program.
    func attachIterator(_ name: String) throws(ProbeError) -> BPFLink {
        try unsafe BPFLink("attaching \(name)", unsafe bpf_program__attach_iter(program(name), nil))
    }

    /// Attaches a program to a cgroup, beside others.
    func attach(_ name: String, toCgroup cgroup: borrowing OwnedDescriptor) throws(ProbeError) -> BPFLink {
        try unsafe BPFLink("attaching \(name)", unsafe bpf_program__attach_cgroup(program(name), cgroup.number))
    }

    /// The descriptor of a map, valid as long as the object.
    func mapDescriptor(_ name: String) throws(ProbeError) -> CInt {
        guard let map = unsafe bpf_object__find_map_by_name(handle, name) else {
            throw ProbeError(.io, "bpf_object__find_map_by_name", "The BPF object has no map \(name).")
        }
        return unsafe bpf_map__fd(map)
    }

    /// The size of a map's content as the object declares it.
    func mapSize(_ name: String) throws(ProbeError) -> Int {
        guard let map = unsafe bpf_object__find_map_by_name(handle, name) else {
            throw ProbeError(.io, "bpf_object__find_map_by_name", "The BPF object has no map \(name).")
        }
        return Int(unsafe bpf_map__max_entries(map))
    }

    /// The size of one element of a map.
    func mapValueSize(_ name: String) throws(ProbeError) -> Int {
        guard let map = unsafe bpf_object__find_map_by_name(handle, name) else {
            throw ProbeError(.io, "bpf_object__find_map_by_name", "The BPF object has no map \(name).")
        }
        return Int(unsafe bpf_map__value_size(map))
    }

    /// Changes the size of a map; only before ``load()``.
    func setMapSize(_ name: String, _ size: Int) throws(ProbeError) {
        guard let map = unsafe bpf_object__find_map_by_name(handle, name) else {
            throw ProbeError(.io, "bpf_object__find_map_by_name", "The BPF object has no map \(name).")
        }
        try checkedLibbpf("bpf_map__set_max_entries", unsafe bpf_map__set_max_entries(map, UInt32(size)))
    }
}

/// Owns an attachment; the kernel ends it with its owner, also when the process dies.
@safe
final class BPFLink {
    private let handle: OpaquePointer

    fileprivate init(_ operation: String, _ handle: OpaquePointer?) throws(ProbeError) {
        guard let handle = unsafe handle else { throw .failed(operation, errno: errno) }
        unsafe self.handle = handle
    }

    deinit { _ = unsafe bpf_link__destroy(handle) }

    var descriptor: CInt { unsafe bpf_link__fd(handle) }
}
