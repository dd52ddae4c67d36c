internal import CAttributionEvents
internal import CLibBPF
internal import Glibc

/// The BPF object in the kernel, in the fastest form that this kernel takes.
struct LoadedObject: ~Copyable {
    let object: AttributionObject
    /// Which of the egress programs was loaded.
    let egressProgram: String

    /// It is the one with direct loads.
    var readsDirectly: Bool { egressProgram == "egress_direct" }

    private static let typeInformation = "/sys/kernel/btf/vmlinux"
    private static let egressPrograms = ["egress_direct", "egress_portable"]

    init(_ configuration: ProbeConfiguration, host: HostFacts) throws(ProbeError) {
        // libbpf says "No such process" where there is no type information.
        guard unsafe access(Self.typeInformation, F_OK) == 0 else {
            throw ProbeError(
                .kernelLacksFeature, "load", errno: ENOENT,
                "The kernel has no BTF (\(Self.typeInformation) is missing): a kernel with CONFIG_DEBUG_INFO_BTF=y is "
                    + "needed, as distributions' are, and /sys mounted.")
        }
        let config = try attribution_config(configuration, host: host)
        let ring = Self.ringSize(configuration.sendRingBytes)
        if configuration.reading == .fastest, let object = try? Self.load("egress_direct", config, ring: ring) {
            self.object = object
            egressProgram = "egress_direct"
        } else {
            object = try Self.load("egress_portable", config, ring: ring)
            egressProgram = "egress_portable"
        }
    }

    consuming func releaseObject() -> AttributionObject { object }

    private static func load(
        _ program: String, _ config: attribution_config, ring: Int
    ) throws(ProbeError) -> AttributionObject {
        let object = try AttributionObject()
        try object.configure(config)
        try object.setMapSize("send_records", ring)
        for other in egressPrograms { try object.setLoaded(other, other == program) }
        try object.load()
        return object
    }

    /// The kernel wants a power of two of whole pages.
    private static func ringSize(_ wanted: Int) -> Int {
        var size = 1 << 16
        while size < min(wanted, 1 << 30) { size <<= 1 }
        return size
    }
}

extension attribution_config {
    fileprivate init(_ configuration: ProbeConfiguration, host: HostFacts) throws(ProbeError) {
        self.init()
        snap_length = UInt32(min(max(configuration.snapLength, 28), ProbeConfiguration.maximumSnapLength))
        protocols =
            ATTRIBUTION_PROTOCOL_UDP.rawValue | ATTRIBUTION_PROTOCOL_ICMP.rawValue
            | ATTRIBUTION_PROTOCOL_ICMPV6.rawValue
        record_kernel = configuration.recordsWire ? 1 : 0
        record_forwarded = configuration.recordsWire ? 1 : 0
        guard let interface = configuration.interface else { return }
        only_ifindex = unsafe if_nametoindex(interface)
        only_netns = host.networkNamespace
        guard only_ifindex != 0 else {
            throw ProbeError(
                .noSuchInterface, "if_nametoindex(\"\(interface)\")", errno: errno,
                "There is no interface \(interface): `ip link` lists those that exist.")
        }
    }
}

extension AttributionObject {
    func ring(_ name: String) throws(ProbeError) -> RingConsumer {
        try RingConsumer(descriptor: mapDescriptor(name), size: mapSize(name))
    }
}

/// Puts the loaded programs to work.
enum Attachment {
    /// Lets the tool send itself datagrams, seen by the calibrating program alone.
    static func calibrate(
        _ object: borrowing AttributionObject, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> GuardState {
        let link = try attachEgress("calibrate", object, cgroup: cgroup)
        defer { withExtendedLifetime(link) {} }
        return try GuardCalibration(object).run()
    }

    /// Processes first: what a sender is must be known when its packet comes.
    static func attach(
        _ object: borrowing AttributionObject, egress: String, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> [BPFLink] {
        var links: [BPFLink] = []
        for program in ["process_fork", "process_exec", "process_rename", "process_exit", "packet_transmit"] {
            links.append(try object.attachTracepoint(program))
        }
        links.append(try attachEgress(egress, object, cgroup: cgroup))
        return links
    }

    private static func attachEgress(
        _ program: String, _ object: borrowing AttributionObject, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> BPFLink {
        do {
            return try object.attach(program, toCgroup: cgroup)
        } catch {
            let others = error.code == .notPermitted ? CgroupRoot.exclusivePrograms(in: cgroup) : []
            guard !others.isEmpty else { throw error }
            throw ProbeError(
                .kernelLacksFeature, error.operation, errno: error.errno,
                "The BPF program \(others.joined(separator: ", ")) is attached to the root cgroup in a way that admits "
                    + "no other: detach it (bpftool cgroup show), or have it attached with `multi`.")
        }
    }
}
