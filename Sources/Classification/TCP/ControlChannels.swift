internal import PacketDecoding
internal import Records

/// Takes what happens on followed connections.
protocol ControlChannelSink {
    /// The next unit of a connection, whose DCE/RPC state is the sink's to change.
    mutating func take(_ unit: ControlUnit, on connection: inout ControlConnection)
    /// The connection is coming to its end, has ended, or is not followed any more.
    mutating func end(_ connection: ControlConnection, isLost: Bool, at seen: Sighting)
}

/// The connections that may carry Exchange's control channel, told from all others by their first bytes.
///
/// An ordinary segment costs a look at its ports and its first bytes. Of a connection whose begin is seen, SYNs are
/// remembered until its first byte has decided; nothing of others is ever copied, unless they come shuffled right at
/// their begin.
struct ControlChannels: Sendable {
    private let seed: UInt64
    private let heldLimit: Int
    private var undecided: ConnectionTable
    private var followed: ConnectionTable
    /// How many remembered connections have ports with this difference: most packets need no further look.
    private var occupancy = [UInt16](repeating: 0, count: 1 << 16)
    private(set) var heldBytes = 0
    private var nextID: UInt64 = 1
    private var units: [ControlUnit] = []

    init(seed: UInt64, connectionLimit: Int, heldLimit: Int) {
        self.seed = seed
        self.heldLimit = heldLimit
        undecided = ConnectionTable(capacity: connectionLimit)
        followed = ConnectionTable(capacity: connectionLimit)
    }

    /// Whether a TCP packet needs more than this look.
    @inline(__always)
    func concerns(_ ip: IPPacket) -> Bool {
        concerns(ip.sourcePort, ip.destinationPort, flags: ip.tcpFlags, begin: ip.payloadPrefix.high)
    }

    /// Whether a TCP packet needs more than a glance.
    @inline(__always)
    func concerns(_ glance: PacketGlance) -> Bool {
        concerns(glance.sourcePort, glance.destinationPort, flags: glance.tcpFlags, begin: glance.payload)
    }

    @inline(__always)
    private func concerns(_ port: UInt16, _ other: UInt16, flags: UInt8, begin: UInt64) -> Bool {
        if occupancy[Int(port ^ other)] != 0 || flags & TCPSegment.Flag.syn != 0 { return true }
        return begin >> 56 == 5 && begin >> 48 & 0xFF <= 1
    }

    /// Takes a packet that ``concerns(_:)`` the control channels.
    ///
    /// - Parameters:
    ///   - bytes: from the TCP header on.
    ///   - sink: takes what comes of it.
    mutating func observe(
        _ packet: PacketRecord, _ bytes: RawSpan, into sink: inout some ControlChannelSink
    ) {
        guard let segment = TCPSegment(packet.ip, bytes) else { return }
        let source = TCPEndpoint(address: packet.ip.source, port: packet.ip.sourcePort)
        let destination = TCPEndpoint(address: packet.ip.destination, port: packet.ip.destinationPort)
        let isForward =
            (source.address.high, source.address.low, source.port)
            <= (destination.address.high, destination.address.low, destination.port)
        let ends = isForward ? (source, destination) : (destination, source)
        let key = TupleFingerprint(ends.0.address, ends.0.port, ends.1.address, ends.1.port, seed: seed)
        let seen = Sighting(packet)
        let direction = isForward ? 0 : 1
        if segment.has(TCPSegment.Flag.syn) {
            synchronise(segment, direction, key, ends, seen, &sink)
        } else if let place = followed.find(key) {
            follow(place, key, segment, bytes, direction, seen, &sink)
        } else if let place = undecided.find(key) {
            decide(place, key, segment, bytes, direction, seen, &sink)
        } else if beginsInTheMiddle(segment, bytes) {
            let place = add(key, ends, isUndecided: false, seen, &sink)
            follow(place, key, segment, bytes, direction, seen, &sink)
        }
    }

    private mutating func synchronise(
        _ segment: TCPSegment, _ direction: Int, _ key: TupleFingerprint, _ ends: (TCPEndpoint, TCPEndpoint),
        _ seen: Sighting, _ sink: inout some ControlChannelSink
    ) {
        if let place = followed.find(key) {
            if followed[place].synchronise(segment, direction) { return }
            end(key, lost: false, seen, &sink)
        } else if let place = undecided.find(key) {
            if undecided[place].synchronise(segment, direction) { return }
            forget(key)
        }
        let place = add(key, ends, isUndecided: true, seen, &sink)
        _ = undecided[place].synchronise(segment, direction)
    }

    /// No SYN was seen: only a whole header begins anything.
    private func beginsInTheMiddle(_ segment: TCPSegment, _ bytes: RawSpan) -> Bool {
        guard segment.payload.count >= PDUHeader.length else { return false }
        var begin: [UInt8] = []
        begin.append(copying: bytes, in: segment.payload.prefix(PDUHeader.length))
        return PDUHeader(begin) != nil
    }

    private mutating func add(
        _ key: TupleFingerprint, _ ends: (TCPEndpoint, TCPEndpoint), isUndecided: Bool, _ seen: Sighting,
        _ sink: inout some ControlChannelSink
    ) -> Int {
        if isUndecided, undecided.isFull, let oldest = undecided.removeOldest() { leave(oldest.connection) }
        if !isUndecided { makeRoom(seen, &sink) }
        let connection = ControlConnection(id: nextID, ends: ends, isUndecided: isUndecided)
        nextID += 1
        occupancy[Int(ends.0.port ^ ends.1.port)] &+= 1
        return isUndecided ? undecided.insert(key, connection) : followed.insert(key, connection)
    }

    private mutating func makeRoom(_ seen: Sighting, _ sink: inout some ControlChannelSink) {
        guard followed.isFull, let oldest = followed.removeOldest()?.connection else { return }
        leave(oldest)
        sink.end(oldest, isLost: true, at: seen)
    }

    private mutating func decide(
        _ place: Int, _ key: TupleFingerprint, _ segment: TCPSegment, _ bytes: RawSpan, _ direction: Int,
        _ seen: Sighting, _ sink: inout some ControlChannelSink
    ) {
        let before = undecided[place].heldBytes
        let outcome = undecided[place].take(segment, bytes, direction, at: seen, into: &units)
        heldBytes += undecided[place].heldBytes - before
        let isUndecided = undecided[place].isUndecided
        if isUndecided, outcome == .goesOn || outcome == .ending, heldBytes <= heldLimit { return }
        guard !isUndecided, outcome != .unrelated, let connection = undecided.remove(key) else {
            units.removeAll(keepingCapacity: true)
            return forget(key)
        }
        makeRoom(seen, &sink)
        settle(followed.insert(key, connection), key, outcome, seen, &sink)
    }

    private mutating func follow(
        _ place: Int, _ key: TupleFingerprint, _ segment: TCPSegment, _ bytes: RawSpan, _ direction: Int,
        _ seen: Sighting, _ sink: inout some ControlChannelSink
    ) {
        let before = followed[place].heldBytes
        let outcome = followed[place].take(segment, bytes, direction, at: seen, into: &units)
        if heldBytes > heldLimit { followed[place].giveUp(into: &units) }
        heldBytes += followed[place].heldBytes - before
        settle(place, key, outcome, seen, &sink)
    }

    /// Hands over what a segment brought about.
    private mutating func settle(
        _ place: Int, _ key: TupleFingerprint, _ outcome: ControlOutcome, _ seen: Sighting,
        _ sink: inout some ControlChannelSink
    ) {
        for unit in units { sink.take(unit, on: &followed[place]) }
        units.removeAll(keepingCapacity: true)
        switch outcome {
        case .goesOn: break
        // Kept, so that what is sent again afterwards begins nothing.
        case .ending, .ended: sink.end(followed[place], isLost: false, at: seen)
        case .unrelated: end(key, lost: true, seen, &sink)
        }
    }

    private mutating func end(
        _ key: TupleFingerprint, lost: Bool, _ seen: Sighting, _ sink: inout some ControlChannelSink
    ) {
        guard let connection = followed.remove(key) else { return }
        leave(connection)
        sink.end(connection, isLost: lost, at: seen)
    }

    private mutating func forget(_ key: TupleFingerprint) {
        if let connection = undecided.remove(key) { leave(connection) }
    }

    private mutating func leave(_ connection: ControlConnection) {
        occupancy[Int(connection.ends.0.port ^ connection.ends.1.port)] &-= 1
        heldBytes -= connection.heldBytes
    }
}
