import Records

/// What the machine's interfaces said lately of packets that came in: they go to few addresses, and each question is put to
/// every interface. Direct-mapped; to be begun anew where the interfaces change.
struct ArrivalMemory: Sendable {
    /// Where a packet came in.
    enum Arrival: UInt8, Sendable {
        /// On a device that no process of this machine sends on unseen, as far as is known.
        case outside
        /// On one on which it may, or that is not known.
        case here
        /// Out of a TUN or TAP device.
        case tunnel
    }

    /// All that the answer depends on.
    struct Question: Equatable, Sendable {
        private let destination: IPAddress
        private let mac: MACAddress?
        private let index: UInt32
        private let namespace: UInt32

        init(_ packet: PacketRecord) {
            destination = packet.ip.destination
            mac = packet.destinationMAC
            index = packet.ingressIndex
            namespace = packet.namespace
        }

        fileprivate var place: Int {
            let mixed = (destination.low ^ destination.high &* 31 ^ UInt64(index) << 32) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: mixed >> 56)
        }
    }

    private struct Entry: Sendable {
        let question: Question
        let arrival: Arrival
    }

    private var entries = [Entry?](repeating: nil, count: 256)

    subscript(question: Question) -> Arrival? {
        get {
            guard let entry = entries[question.place], entry.question == question else { return nil }
            return entry.arrival
        }
        set { entries[question.place] = newValue.map { Entry(question: question, arrival: $0) } }
    }
}

extension Correlator {
    /// On some devices a process of this machine can let packets come in that no hook sees it send.
    mutating func weaken(_ verdict: inout Verdict, of packet: PacketRecord) {
        let question = ArrivalMemory.Question(packet)
        var known = arrivals[question]
        if known == nil {
            known = arrival(of: packet)
            arrivals[question] = known
        }
        switch known {
        case .outside, nil: return
        case .here:
            verdict.confidence = .probable
            if verdict.reason == .arrived { verdict.reason = .arrivedFromHere }
        case .tunnel:
            verdict.tunnel = tunnelOrigins(packet).first
            verdict.confidence = .probable
            verdict.reason = .arrivedFromTunnel(holders: nil)
        }
    }

    private func arrival(of packet: PacketRecord) -> ArrivalMemory.Arrival {
        let devices = absence.devices(of: packet)
        if tunnelOrigins(packet).count == 1 { return .tunnel }
        guard !devices.isEmpty || packet.ingressIndex != 0 else { return .outside }
        let leadsOutside = devices.contains {
            tunnels.leadsOutside(host: $0.host, namespace: $0.namespace, index: $0.index)
        }
        return leadsOutside ? .outside : .here
    }

    /// The devices that a packet came out of, if all that it may have come in on are such; none otherwise.
    private func tunnelOrigins(_ packet: PacketRecord) -> [TunnelOrigin] {
        let devices = absence.devices(of: packet)
        guard devices.count == 1, let device = devices.first else { return [] }
        return tunnels.origin(host: device.host, namespace: device.namespace, index: device.index).map { [$0] } ?? []
    }
}
