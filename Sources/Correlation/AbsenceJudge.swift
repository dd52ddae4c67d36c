import Records

/// What it means that no record matches: absence proves something only inside coverage.
struct AbsenceJudge: Sendable {
    /// An interface that a packet may have come in on.
    struct Device {
        let host: UInt16
        let namespace: UInt32
        let index: UInt32
    }

    private struct Host: Sendable {
        let number: UInt16
        let coverage: Coverage
    }

    /// When one evidence covers everything: small, since each packet is compared with it.
    private struct Span: Sendable {
        let number: UInt16
        /// The first evidence of the same boot.
        let machine: UInt16
        let start: Timestamp
        let stop: Timestamp
        /// Neither a filter nor an interface limits it.
        let isWhole: Bool

        func holds(_ time: Timestamp) -> Bool { time >= start && time <= stop }
    }

    /// The newest times of what bounded tables let go.
    struct Horizons {
        let sends: Timestamp
        let forwarded: Timestamp
    }

    private var hosts: [Host] = []
    private var spans: [Span] = []
    /// Of all machines together.
    private var addresses = OwnAddresses<IPAddress>([])
    private var macs = OwnAddresses<MACAddress>([])
    private var networks: [HostInterface.Network] = []
    private var haveWire = true

    var hasEvidence: Bool { !hosts.isEmpty }

    mutating func set(_ coverage: Coverage, host: UInt16) {
        hosts.removeAll { $0.number == host }
        hosts.append(Host(number: host, coverage: coverage))
        spans = hosts.map { host in
            let boot = host.coverage.bootID
            let same = hosts.first { boot != nil && $0.coverage.bootID == boot } ?? host
            return Span(
                number: host.number, machine: same.number, start: host.coverage.start,
                stop: host.coverage.stop ?? .distantFuture,
                isWhole: host.coverage.filter.isEmpty && host.coverage.onlyInterface == nil)
        }
        let interfaces = hosts.flatMap(\.coverage.interfaces)
        networks = interfaces.flatMap(\.addresses)
        addresses = OwnAddresses(networks.map(\.address))
        macs = OwnAddresses(interfaces.compactMap(\.mac).filter { !$0.isZero })
        haveWire = hosts.allSatisfy(\.coverage.includesWire)
    }

    func verdict(
        _ packet: PacketRecord, passesFilters: UInt64, seenHere: Bool, losses: LossHistory,
        window: Correlator.Window, horizons: Horizons
    ) -> Verdict {
        guard hasEvidence else { return .unknown(.noEvidence) }
        if let gap = gap(packet, passesFilters: passesFilters) { return .unknown(gap) }
        let ahead = packet.time.advanced(by: window.lookahead)
        // What a table let go is known to the record, and old records are let go all the time.
        let lost =
            losses.isEmpty
            ? 0
            : losses.count([.send, .wire], from: packet.time.advanced(by: -window.lookback), to: ahead)
                + losses.count([.table], from: packet.time.advanced(by: -window.arrivalLookback), to: ahead)
        if lost > 0 { return .unknown(.evidenceLost(count: lost)) }
        if packet.ip.fragmentOffset > 0, packet.direction != .ingress { return .unknown(.firstFragmentMissing) }
        let isPartlyHeld = horizons.sends >= packet.time.advanced(by: -window.lookback)
        let nothingMatches = isPartlyHeld ? Reason.recordsLetGo : .nothingMatches
        if packet.direction == .egress || isLocal(packet.ip.source) || packet.sourceMAC.map(isLocal) == true {
            return .unknown(nothingMatches)
        }
        guard cameIn(packet, seenHere: seenHere) else {
            return .unknown(isLocal(packet.ip.destination) ? nothingMatches : .foreignAddresses)
        }
        if packet.isBehindRareHeaders { return .unknown(.rareHeaders) }
        guard haveWire else { return .unknown(.noWireRecords) }
        if horizons.forwarded >= packet.time.advanced(by: -ForwardedFlows.lifetime), !isForUs(packet.ip.destination) {
            return .unknown(.recordsLetGo)
        }
        if isPartlyHeld {
            return Verdict(kind: .received, confidence: .probable, method: .none, reason: .arrivedWindowNotHeld)
        }
        // It may still be passed on later than anybody waits for.
        guard isForUs(packet.ip.destination) else {
            return Verdict(kind: .received, confidence: .probable, method: .none, reason: .arrivedForOthers)
        }
        return Verdict(kind: .received, confidence: .exact, method: .none, reason: .arrived)
    }

    /// The interfaces that a packet may have come in on: several where namespaces use the same index.
    func devices(of packet: PacketRecord) -> [Device] {
        var found: [(interface: HostInterface, host: UInt16)] = []
        for host in hosts {
            for interface in host.coverage.interfaces
            where
                (packet.ingressIndex == 0 ? isAddressed(packet, to: interface) : interface.index == packet.ingressIndex)
                && (packet.namespace == 0 || interface.namespace == packet.namespace)
            {
                found.append((interface, host.number))
            }
        }
        if found.count > 1, found.contains(where: { isAddressed(packet, to: $0.interface) }) {
            found.removeAll { !isAddressed(packet, to: $0.interface) }
        }
        return found.map { Device(host: $0.host, namespace: $0.interface.namespace, index: $0.interface.index) }
    }

    private func isAddressed(_ packet: PacketRecord, to interface: HostInterface) -> Bool {
        if let mac = packet.destinationMAC, mac == interface.mac { return true }
        return interface.addresses.contains { $0.address == packet.ip.destination }
    }

    private func isForUs(_ destination: IPAddress) -> Bool {
        isLocal(destination) || destination.isMulticast || destination.isLimitedBroadcast
            || isSubnetBroadcast(destination)
    }

    /// Why the recordings of one evidence's machine do not cover the moment of a packet; nil if one does, or if nothing is
    /// known of the evidence.
    func gap(_ packet: PacketRecord, of host: UInt16) -> Reason? {
        guard let own = spans.first(where: { $0.number == host }) else { return nil }
        var reason: Reason?
        for other in spans where other.machine == own.machine {
            if other.holds(packet.time) { return nil }
            if packet.time < other.start {
                reason = reason ?? .beforeCoverage(start: other.start)
            } else {
                reason = .afterCoverage(stop: other.stop)
            }
        }
        return reason
    }

    /// The interface that an evidence is limited to.
    func onlyInterface(of host: UInt16) -> String? {
        hosts.first { $0.number == host }?.coverage.onlyInterface
    }

    /// Why no evidence could have seen the packet; nil if one could.
    private func gap(_ packet: PacketRecord, passesFilters: UInt64) -> Reason? {
        for span in spans where span.isWhole && span.holds(packet.time) { return nil }
        var reason: Reason?
        for host in hosts {
            let coverage = host.coverage
            if packet.time < coverage.start {
                reason = .beforeCoverage(start: coverage.start)
            } else if let stop = coverage.stop, packet.time > stop {
                reason = .afterCoverage(stop: stop)
            } else if !coverage.filter.isEmpty, passesFilters & (1 << UInt64(host.number & 63)) == 0 {
                reason = .outsideFilter(coverage.filter)
            } else if let name = coverage.onlyInterface {
                reason = .outsideInterface(name)
            } else {
                return nil
            }
        }
        return reason
    }

    /// The packet came to this machine: to one of its addresses, or to a group on a network that it has a leg in.
    private func cameIn(_ packet: PacketRecord, seenHere: Bool) -> Bool {
        if seenHere, packet.direction == .ingress { return true }
        if isLocal(packet.ip.destination) || packet.destinationMAC.map(isLocal) == true { return true }
        let toMany = packet.ip.destination.isMulticast || packet.ip.destination.isLimitedBroadcast
        return isSubnetBroadcast(packet.ip.destination) || toMany && isOnLink(packet.ip.source)
    }

    func isLocal(_ address: IPAddress) -> Bool {
        address.isLoopback || addresses.contains(address)
    }

    func isLocal(_ mac: MACAddress) -> Bool { macs.contains(mac) }

    private func isOnLink(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    private func isSubnetBroadcast(_ address: IPAddress) -> Bool {
        address.version == .v4 && networks.contains { $0.address.version == .v4 && $0.broadcast == address }
    }
}

extension HostInterface.Network {
    fileprivate func contains(_ other: IPAddress) -> Bool {
        guard other.version == address.version else { return false }
        let bits = address.version == .v4 ? 32 : 128
        let free = bits - Int(min(prefixLength, UInt8(bits)))
        if free >= 64 {
            return free == 128 || free == 64
                ? free == 128 || other.high == address.high
                : other.high >> UInt64(free - 64) == address.high >> UInt64(free - 64)
        }
        return other.high == address.high && other.low >> UInt64(free) == address.low >> UInt64(free)
    }

    /// The directed broadcast address (RFC 919); nil for networks without one (RFC 3021).
    fileprivate var broadcast: IPAddress? {
        guard address.version == .v4, prefixLength < 31 else { return nil }
        return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) | (UInt32.max >> UInt32(prefixLength)))
    }
}

/// A machine's own addresses, which every packet is compared with: most machines have few, and a look at each of a few
/// is cheaper than a hash.
private struct OwnAddresses<Address: Hashable & Sendable & BriefAddress>: Sendable {
    private static var few: Int { 24 }
    private let listed: [Address]
    private let hashed: Set<Address>
    /// A bit for each: most addresses that are asked for are none of these, and have another one.
    private let sieve: UInt64

    init(_ addresses: [Address]) {
        let distinct = Set(addresses)
        let areFew = distinct.count <= Self.few
        listed = areFew ? Array(distinct) : []
        hashed = areFew ? [] : distinct
        sieve = distinct.reduce(0) { $0 | $1.sieveBit }
    }

    @inline(__always)
    func contains(_ address: Address) -> Bool { sieve & address.sieveBit != 0 && isAmong(address) }

    private func isAmong(_ address: Address) -> Bool {
        for own in listed where own == address { return true }
        return !hashed.isEmpty && hashed.contains(address)
    }
}

/// An address that can be told in one of 64 bits from most others.
private protocol BriefAddress {
    var bits64: UInt64 { get }
}

extension BriefAddress {
    fileprivate var sieveBit: UInt64 { 1 << ((bits64 &* 0x9E37_79B9_7F4A_7C15) >> 58) }
}

extension IPAddress: BriefAddress {
    fileprivate var bits64: UInt64 { high ^ low }
}

extension MACAddress: BriefAddress {
    fileprivate var bits64: UInt64 { bits }
}
