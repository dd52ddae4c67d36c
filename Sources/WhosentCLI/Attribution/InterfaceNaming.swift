import Records

/// Names and directions that a capture leaves out, from what the evidence says about the machine's interfaces.
struct InterfaceNaming {
    private var nameByIndex: [UInt32: String?] = [:]
    private var macByName: [String: MACAddress] = [:]
    private var macs: Set<MACAddress> = []

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
            guard let mac = interface.mac, !mac.isZero else { continue }
            macs.insert(mac)
            macByName[interface.name] = mac
        }
    }

    /// The interface that a packet crossed: the capture's own, or for cooked captures the one with this index.
    func name(of packet: PacketRecord, captured: String?) -> String? {
        if packet.interfaceIndex != 0 { return nameByIndex[packet.interfaceIndex] ?? nil }
        return captured == "any" ? nil : captured
    }

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
