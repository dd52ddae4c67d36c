internal import CAttributionEvents
internal import CLibBPF
internal import Glibc

/// The BPF object in the kernel, in the fastest form that this kernel takes.
struct LoadedObject: ~Copyable {
    let object: AttributionObject
    /// How the loaded programs read the kernel's memory.
    let reading: Reading

    /// The optional programs that this kernel takes.
    let optional: Set<OptionalProgram>

    /// The end of the names of the programs of a kind.
    enum Reading: String, CaseIterable {
        case direct
        case portable
    }

    /// Programs without which less can be said, by their names.
    enum OptionalProgram: String, CaseIterable {
        case socketCreated = "socket_created"
        case socketSending4 = "socket_sending4"
        case socketSending6 = "socket_sending6"
        case socketSent = "socket_sent"
    }

    private static let typeInformation = "/sys/kernel/btf/vmlinux"
    /// The programs that exist in both kinds.
    private static let paired = ["egress", "transmit"]

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
        // "Since Linux 6.4" is no number to go by: distributions carry back what they like.
        let hasSendLength = unsafe libbpf_find_vmlinux_btf_id("sock_send_length", BPF_TRACE_RAW_TP) > 0
        let wanted = Set(OptionalProgram.allCases.filter { $0 != .socketSent || hasSendLength })
        for optional in [wanted, []] where configuration.reading == .fastest {
            guard let object = try? Self.load(.direct, config, optional: optional, ring: ring) else { continue }
            self.init(object: object, reading: .direct, optional: optional)
            return
        }
        if let object = try? Self.load(.portable, config, optional: wanted, ring: ring) {
            self.init(object: object, reading: .portable, optional: wanted)
            return
        }
        self.init(
            object: try Self.load(.portable, config, optional: [], ring: ring), reading: .portable, optional: [])
    }

    private init(object: consuming AttributionObject, reading: Reading, optional: Set<OptionalProgram>) {
        self.object = object
        self.reading = reading
        self.optional = optional
    }

    consuming func releaseObject() -> AttributionObject { object }

    private static func load(
        _ reading: Reading, _ config: attribution_config, optional: Set<OptionalProgram>, ring: Int
    ) throws(ProbeError) -> AttributionObject {
        let object = try AttributionObject()
        let slots = reading == .direct ? SlotConsumer.count(ringBytes: ring) : 1
        var config = config
        config.slot_mask = UInt32(slots - 1)
        try object.configure(config)
        try object.setMapSize("send_records", ring)
        try object.setMapSize("send_slots", slots)
        for program in paired {
            for other in Reading.allCases { try object.setLoaded("\(program)_\(other)", other == reading) }
        }
        for program in OptionalProgram.allCases {
            try object.setLoaded(program.rawValue, optional.contains(program))
        }
        try object.load()
        return object
    }

    /// The kernel wants a power of two of whole pages.
    private static func ringSize(_ wanted: Int) -> Int {
        var size = ProbeConfiguration.sendRingRange.lowerBound
        while size < min(wanted, ProbeConfiguration.sendRingRange.upperBound) { size <<= 1 }
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

    func slots() throws(ProbeError) -> SlotConsumer { try SlotConsumer(self, count: mapSize("send_slots")) }
}
