import Records

/// Names and directions that a capture leaves out, from what the evidence says about the machine's interfaces.
struct InterfaceNaming {
    private var nameByIndex: [UInt32: String?] = [:]
    private var indexByName: [String: UInt32?] = [:]
    private var indexByMAC: [MACAddress: UInt32?] = [:]
    private var macByName: [String: MACAddress] = [:]
    private var macs: Set<MACAddress> = []
    var recent = RecentLocations()

    /// - Parameters:
    ///   - coverages: the interfaces of the machines.
    ///   - namespace: the network namespace of the capture, where it is known (live).
    init(_ coverages: some Sequence<Coverage>, namespace: UInt32? = nil) {
        self.init(coverages.flatMap(\.interfaces), namespace: namespace)
    }

    /// - Parameters:
    ///   - interfaces: those of one or several machines.
    ///   - namespace: the network namespace of the capture, where it is known (live).
    init(_ interfaces: [HostInterface], namespace: UInt32? = nil) {
        for interface in interfaces {
            if let namespace, interface.namespace != namespace { continue }
            // An index that two namespaces use for different names names neither.
            if let known = nameByIndex[interface.index], known != interface.name {
                nameByIndex[interface.index] = .some(nil)
            } else {
                nameByIndex[interface.index] = interface.name
            }
            if let known = indexByName[interface.name], known != interface.index {
                indexByName[interface.name] = .some(nil)
            } else {
                indexByName[interface.name] = interface.index
            }
            guard let mac = interface.mac, !mac.isZero else { continue }
            if let known = indexByMAC[mac], known != interface.index {
                indexByMAC[mac] = .some(nil)
            } else {
                indexByMAC[mac] = interface.index
            }
            macs.insert(mac)
            macByName[interface.name] = mac
        }
    }

    /// The interface that a packet crossed: the capture's own, or for cooked captures the one with this index.
    func name(of packet: PacketRecord, captured: String?) -> String? {
        if packet.interfaceIndex != 0 { return nameByIndex[packet.interfaceIndex] ?? nil }
        return captured == "any" ? nil : captured
    }

    /// The index of the interface that a packet left by; 0 where it came in, and where none or several may be meant.
    func egressIndex(of packet: PacketRecord, captured: String?) -> UInt32 {
        if packet.direction == .ingress { return 0 }
        if packet.direction == .egress {
            if packet.interfaceIndex != 0 { return packet.interfaceIndex }
            if let captured, let index = indexByName[captured] { return index ?? 0 }
        }
        // Where both ends are on machines that the evidence speaks for, the address still tells whose frame it is.
        return packet.sourceMAC.flatMap { indexByMAC[$0] ?? nil } ?? 0
    }

    /// The index of the interface that a packet came in on; 0 where it left, and where none or several may be meant.
    func ingressIndex(of packet: PacketRecord, captured: String?) -> UInt32 {
        if packet.direction == .egress { return 0 }
        if packet.direction == .ingress {
            if packet.interfaceIndex != 0 { return packet.interfaceIndex }
            if let captured, let index = indexByName[captured] { return index ?? 0 }
        }
        return packet.destinationMAC.flatMap { indexByMAC[$0] ?? nil } ?? 0
    }

    /// The address is one of the machines' own.
    func isOwn(_ mac: MACAddress) -> Bool { macs.contains(mac) }

    /// The direction of an Ethernet frame, by whose address it bears.
    func direction(source: MACAddress?, destination: MACAddress?, captured: String?) -> Direction {
        guard let source, let destination, !source.isZero else { return .unknown }
        if let captured, let own = macByName[captured] {
            return source == own ? .egress : .ingress
        }
        switch (macs.contains(source), macs.contains(destination)) {
        case (true, false): return .egress
        case (false, true): return .ingress
        default: return .unknown
        }
    }
}
