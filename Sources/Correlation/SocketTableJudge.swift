public import Records

/// Names the holder of the socket that a packet must have left by, from readings of the socket tables before and after
/// it: what can be said where nothing recorded the send itself.
///
/// Never better than `probable`. A reading before and one after the packet must both show the socket: one that was
/// opened or closed between may have had the port after or before somebody else. Nothing is ever `received` here:
/// socket tables cover no absence.
public struct SocketTableJudge: Sendable {
    /// Readings that are kept.
    static let limit = 64
    /// The most nanoseconds between two readings that speak for what lies between.
    static let longestSpan: Int64 = 5_000_000_000

    private var readings: [IndexedSockets] = []
    /// The namespace's own addresses.
    private var addresses: Set<IPAddress> = []

    /// A judge that has no reading yet.
    public init() {}

    /// States the addresses of the capture's namespace.
    public mutating func setAddresses(_ addresses: Set<IPAddress>) { self.addresses = addresses }

    /// Adds a reading, later than those before.
    public mutating func add(_ snapshot: SocketSnapshot) {
        readings.append(IndexedSockets(snapshot))
        if readings.count > Self.limit { readings.removeFirst() }
    }

    /// Whether a new reading would help with packets like this one: the last one shows no socket for it.
    public func isUnfamiliar(_ packet: PacketRecord) -> Bool {
        guard packet.direction == .egress, packet.ip.fragmentOffset == 0, isOwn(packet.ip.source),
            packet.ip.transport == .udp || packet.ip.isEchoRequest, let last = readings.last
        else { return false }
        return last.senders(of: packet.ip, isOwn: isOwn).isEmpty
    }

    /// Decides whose socket a packet left by.
    ///
    /// - Parameter onLoopback: it was seen on a loopback interface, where nothing comes from outside.
    public func judge(_ packet: PacketRecord, onLoopback: Bool) -> Verdict {
        if packet.ip.isTruncated { return .unknown(.notDecodable) }
        if let reason = notToBeTold(packet, onLoopback: onLoopback) { return .unknownBySockets(reason) }
        guard let (before, after) = bracket(packet.time) else { return .unknownBySockets(.notRead) }
        if let reason = madeElsewhere(packet.ip, before, after) { return .unknownBySockets(reason) }
        let reading = SocketReadingSpan(
            before: packet.time.since(before.snapshot.ended), after: after.snapshot.began.since(packet.time))
        let earlier = before.senders(of: packet.ip, isOwn: isOwn)
        let later = after.senders(of: packet.ip, isOwn: isOwn)
        var stable = later.filter { socket in earlier.contains { $0.inode == socket.inode } }
        let raw = before.rawSockets(for: packet.ip) + after.rawSockets(for: packet.ip)
        var tie = SocketTie.bound
        if earlier.isEmpty, later.isEmpty, packet.ip.isEchoRequest {
            stable = Self.withOwnIdentifier(raw, packet.ip.sourcePort, in: (before, after))
            guard !stable.isEmpty else {
                return .unknownBySockets(.rawSocketsOnly(count: Set(raw.map(\.inode)).count, reading))
            }
            tie = .identifier
        }
        guard !stable.isEmpty else {
            return .unknownBySockets(earlier.isEmpty && later.isEmpty ? .noSocket(reading) : .cameOrWent(reading))
        }
        return decide(
            earlier + later + stable + raw, packet: packet, tie: tie, reading: reading,
            isHidden: before.snapshot.hidesProcesses || after.snapshot.hidesProcesses)
    }

    // MARK: What a socket table cannot tell

    private func notToBeTold(_ packet: PacketRecord, onLoopback: Bool) -> SocketTableReason? {
        guard packet.direction == .egress || onLoopback else { return .cameIn }
        guard isOwn(packet.ip.source) else { return .sourceNotOwn }
        if packet.ip.fragmentOffset > 0 { return .fragmentWithoutPorts }
        if packet.ip.transport != .udp, !packet.ip.isEchoRequest { return .kernelOrRawSocket }
        return nil
    }

    private func isOwn(_ address: IPAddress) -> Bool { address.isLoopback || addresses.contains(address) }

    /// Why the packet may have been made or changed where no socket of a process tells of it.
    private func madeElsewhere(_ ip: IPPacket, _ before: IndexedSockets, _ after: IndexedSockets) -> SocketTableReason?
    {
        let source = SourceEndpoint(address: ip.source, port: ip.sourcePort)
        for translations in [before.snapshot.translations, after.snapshot.translations] {
            switch translations {
            case .none: continue
            case .known(let sources): if sources.contains(source) { return .translatedSource }
            case .hidden: return .translationHidden
            }
        }
        // The kernel's tunnels send to the port that they listen on, from one that is nobody's.
        let isTunnel =
            ip.transport == .udp && (before.isKernelPort(ip.destinationPort) || after.isKernelPort(ip.destinationPort))
        return isTunnel ? .kernelTunnelPort(ip.destinationPort) : nil
    }

    /// The last reading that was complete before a moment, and the first that began after it.
    private func bracket(_ time: Timestamp) -> (before: IndexedSockets, after: IndexedSockets)? {
        guard let before = readings.last(where: { $0.snapshot.ended <= time }),
            let after = readings.first(where: { $0.snapshot.began >= time }),
            after.snapshot.began.since(before.snapshot.ended) <= Self.longestSpan
        else { return nil }
        return (before, after)
    }

    // MARK: Whose socket it is

    /// Raw sockets, there at both readings, of processes whose id is the echo's identifier: most programs that make
    /// their own echoes choose it so. A raw socket has no identifier of its own to tell by.
    private static func withOwnIdentifier(
        _ raw: [OpenSocket], _ identifier: UInt16, in bracket: (before: IndexedSockets, after: IndexedSockets)
    ) -> [OpenSocket] {
        raw.filter { socket in
            bracket.before.contains(socket) && bracket.after.contains(socket)
                && socket.holders.contains { holder in
                    let low = UInt16(truncatingIfNeeded: holder.process.pid)
                    return low == identifier || low == identifier.byteSwapped
                }
        }
    }

    private func decide(
        _ sockets: [OpenSocket], packet: PacketRecord, tie: SocketTie, reading: SocketReadingSpan, isHidden: Bool
    ) -> Verdict {
        guard sockets.allSatisfy({ $0.inode != 0 }) else { return .unknownBySockets(.kernelSocket) }
        let held = Dictionary(grouping: sockets, by: \.inode).values.map { $0.flatMap(\.holders) }
        guard held.allSatisfy({ !$0.isEmpty }), !sockets.contains(where: \.hasUnknownHolder) else {
            return .unknownBySockets(.holderNotSeen(reading))
        }
        let holders = Set(held.joined())
        let processes = Dictionary(grouping: holders, by: \.process)
        guard processes.values.allSatisfy({ $0.count == 1 }) else { return .unknownBySockets(.imageChanged(reading)) }
        let senders = holders.sorted { $0.process.pid < $1.process.pid }.map { Sender($0, time: packet.time) }
        guard senders.count > 1 else {
            return Verdict(
                kind: .process, confidence: isHidden || tie == .identifier ? .possible : .probable,
                method: .socketTable, reason: .socketTables(.onlyHolder(tie, reading, isHidden: isHidden)),
                sender: senders.first)
        }
        return Verdict(
            kind: .process, confidence: .ambiguous, method: .socketTable,
            reason: .socketTables(.severalHolders(count: senders.count, reading)),
            candidates: senders.map { Candidate(sender: $0, reason: .socketTables(.holder(reading))) })
    }
}

extension Verdict {
    fileprivate static func unknownBySockets(_ reason: SocketTableReason) -> Verdict {
        .unknown(.socketTables(reason))
    }
}

extension Sender {
    fileprivate init(_ holder: SocketHolder, time: Timestamp) {
        self.init(
            SendRecord(
                time: time,
                packet: IPPacket(source: .unspecified(.v4), destination: .unspecified(.v4), transport: .other),
                process: holder.process, imageVersion: holder.imageVersion))
    }
}

/// A reading, prepared for being asked about packets.
private struct IndexedSockets: Sendable {
    private struct Key: Hashable {
        var kind: OpenSocket.Kind
        var port: UInt16
    }

    let snapshot: SocketSnapshot
    private var bound: [Key: [OpenSocket]] = [:]
    private var raw: [OpenSocket] = []

    init(_ snapshot: SocketSnapshot) {
        self.snapshot = snapshot
        for socket in snapshot.sockets {
            if case .raw = socket.kind {
                raw.append(socket)
            } else if socket.port != 0 {
                bound[Key(kind: socket.kind, port: socket.port), default: []].append(socket)
            }
        }
    }

    /// The sockets that are bound to what the packet came from.
    func senders(of ip: IPPacket, isOwn: (IPAddress) -> Bool) -> [OpenSocket] {
        let key = Key(kind: ip.transport == .udp ? .udp : .ping, port: ip.sourcePort)
        return (bound[key] ?? []).filter { socket in
            if socket.address == ip.source { return true }
            guard socket.address.version == ip.version || socket.isDual else { return false }
            // Bound to a group or to a broadcast address, a socket sends from whatever address routing chooses.
            return socket.address.isUnspecified || !isOwn(socket.address)
        }
    }

    /// The raw sockets that could send any packet of its protocol.
    func rawSockets(for ip: IPPacket) -> [OpenSocket] {
        let number: UInt8 = ip.transport == .udp ? 17 : ip.transport == .icmp ? 1 : 58
        return raw.filter { $0.address.version == ip.version && ($0.kind == .raw(number) || $0.kind == .raw(255)) }
    }

    func contains(_ socket: OpenSocket) -> Bool {
        raw.contains { $0.inode == socket.inode && $0.kind == socket.kind }
    }

    func isKernelPort(_ port: UInt16) -> Bool {
        bound[Key(kind: .udp, port: port)]?.contains { $0.inode == 0 } ?? false
    }
}

extension IPAddress {
    fileprivate var isUnspecified: Bool { high == 0 && low == 0 }
}
