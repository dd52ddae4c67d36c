public import Records

/// Joins captured packets with what other tools say: by addresses, ports and lengths, inside a window that the matches
/// themselves have aligned.
///
/// Works in two steps. First everything is noted once: it tells the clocks, who owned which connection, and how far the
/// evidence is out of order. Then packets are judged in the order of time while the records around them are added; what
/// is small enough stays from the first step, and need not be added again. Pure, and bounded by its limits.
public struct ForeignMatching: Sendable {
    /// One file of evidence.
    public struct Evidence: Sendable {
        /// Files of one machine share its number and its clock.
        public var machine: UInt16
        /// How far it may be believed.
        public var trust: EvidenceTrust
        /// Its name, as it is shown.
        public var file: String
        /// It has lines, not packets.
        public var isText: Bool

        /// A file.
        public init(machine: UInt16, trust: EvidenceTrust, file: String, isText: Bool) {
            self.machine = machine
            self.trust = trust
            self.file = file
            self.isText = isText
        }
    }

    struct Source: Sendable {
        var evidence: Evidence
        var resolution: Int64 = 1
        var sends: UInt64 = 0
        var holdsICMP = false
        var first = Timestamp.distantFuture
        var last = Timestamp.distantPast
        /// How far a record's time lay behind one before it, at most, in nanoseconds.
        var disorder: Int64 = 0
        /// All its records are held since they were noted.
        var isHeld = true
        var votes = ClockVotes()
        var clock: ClockState = .unknown
        /// The newest time of the records added in the second step.
        var reached = Timestamp.distantPast
        /// The addresses that all packets without a stated direction share.
        var common: Set<IPAddress>?
    }

    /// What is known of a machine's clock.
    enum ClockState: Hashable {
        case unknown
        case aligned(ClockOffset)
        case failed(ForeignReason)
    }

    /// What fits is held since it was noted, and its file need not be read again.
    private let heldLimit: Int
    private static let addressLimit = 1 << 12

    let window: Int64
    var sources: [UInt16: Source] = [:]
    var index: ForeignIndex
    var connections = DirectoryConnections()
    var pings = PingSeries()
    /// The addresses that a machine was seen to send from.
    var locals: [UInt16: Set<IPAddress>] = [:]

    /// Nothing known yet.
    ///
    /// - Parameters:
    ///   - limit: records that are held at once.
    ///   - window: how far a record may lie from its packet once the clocks are aligned, at most, in nanoseconds.
    public init(limit: Int = 1 << 20, window: Int64 = ClockVotes.tolerance) {
        index = ForeignIndex(limit: limit)
        heldLimit = min(limit, 1 << 16)
        self.window = window
    }

    /// Announces a file.
    public mutating func declare(_ evidence: Evidence, number: UInt16) { sources[number] = Source(evidence: evidence) }

    // MARK: The first step

    /// States when the capture has one-byte pings, and when not.
    public mutating func set(_ series: PingSeries) { pings = series }

    /// Notes a record.
    public mutating func note(_ record: TrafficRecord, evidence number: UInt16, sample: PacketSample) {
        guard let place = sources.index(forKey: number) else { return }
        // In place: a copy of the source would be one of all its votes, for each record.
        sources.values[place].note(record, sample: sample)
        let machine = sources.values[place].evidence.machine
        connections.add(record, machine: machine, evidence: number)
        if record.action == .sent, locals[machine]?.count ?? 0 < Self.addressLimit {
            locals[machine, default: []].insert(record.localAddress)
        }
        if record.namesPacket, sources.values[place].isHeld {
            index.add(record, evidence: number)
            if index.entries.count >= heldLimit {
                sources.values[place].isHeld = false
                index.removeAll(evidence: number)
            }
        }
    }

    /// Notes a socket of a listing.
    public mutating func note(_ socket: SocketSighting, evidence number: UInt16) {
        guard let source = sources[number] else { return }
        connections.add(socket, machine: source.evidence.machine, evidence: number)
    }

    /// Decides the offset of a file's clock, after everything was noted.
    ///
    /// - Parameters:
    ///   - clock: what its times mean.
    ///   - given: the offset in nanoseconds, where it was given.
    /// - Returns: the offset; nil where there is none.
    @discardableResult
    public mutating func align(
        evidence number: UInt16, clock: EvidenceClock, given: Int64?, sample: PacketSample
    ) -> ClockOffset? {
        guard let source = sources[number] else { return nil }
        let state: ClockState
        if let given {
            state = .aligned(ClockOffset(nanoseconds: given, spread: nil, matches: 0))
        } else {
            state =
                switch source.votes.estimate(sample: sample) {
                case .aligned(let offset): .aligned(offset)
                case .noMatch: .failed(.noMatches)
                case .contradictory(let count): .failed(.contradictoryMatches(count))
                }
        }
        sources[number]?.clock = state
        sources[number]?.resolution = clock.resolution
        sources[number]?.votes = ClockVotes()
        if case .aligned(let offset) = state { return offset }
        return nil
    }

    // MARK: The second step

    /// Whether a file has to be read again, since not all its records are held.
    public func needsRecords(of number: UInt16) -> Bool {
        guard let source = sources[number], source.sends > 0, !source.isHeld, offset(of: number) != nil else {
            return false
        }
        return true
    }

    /// Whether more records of a file are needed to judge packets of a moment by the capture's clock.
    public func needsRecords(of number: UInt16, through time: Timestamp) -> Bool {
        guard let source = sources[number], let offset = offset(of: number) else { return false }
        let needed = time.advanced(by: -offset.nanoseconds).advanced(by: reach(source))
        return source.reached.advanced(by: -source.disorder) <= needed
    }

    /// Adds a record for the packets that are judged next.
    public mutating func add(_ record: TrafficRecord, evidence number: UInt16) {
        if let time = record.time {
            let reached = max(sources[number]?.reached ?? time, time); sources[number]?.reached = reached
        }
        if record.namesPacket { index.add(record, evidence: number) }
    }

    /// States that no packet from before a moment will be judged.
    public mutating func awaitPackets(from time: Timestamp) {
        for (number, source) in sources where !source.isHeld {
            guard let offset = offset(of: number) else { continue }
            index.letGo(
                before: time.advanced(by: -offset.nanoseconds).advanced(by: -2 * reach(source)).nanoseconds,
                evidence: number)
        }
    }

    /// Records of sent UDP and ICMP packets.
    public var records: UInt64 { sources.values.reduce(0) { $0 + $1.sends } }
    /// Those that no packet matched.
    public var unmatchedRecords: UInt64 { records - min(index.matched, records) }
    /// Records that found no room.
    public var droppedRecords: UInt64 { index.dropped.values.reduce(0) { $0 + $1.count } }

    // MARK: Clocks

    /// The offset of a file's clock, by its own records or by those of another file of its machine.
    public func offset(of number: UInt16) -> ClockOffset? {
        guard let source = sources[number] else { return nil }
        if case .aligned(let offset) = source.clock { return offset }
        return source.sends == 0 ? offset(ofMachine: source.evidence.machine) : nil
    }

    func offset(ofMachine machine: UInt16) -> ClockOffset? {
        for (_, source) in sources.sorted(by: { $0.key < $1.key }) where source.evidence.machine == machine {
            if case .aligned(let offset) = source.clock { return offset }
        }
        return nil
    }

    /// How far a record of a file may lie from its packet.
    func reach(_ source: Source) -> Int64 {
        guard case .aligned(let offset) = source.clock, let spread = offset.spread else {
            return window + source.resolution
        }
        return min(window, max(1_000_000_000, 2 * spread + 2 * source.resolution)) + source.resolution
    }
}

extension ForeignMatching.Source {
    /// Notes what a record says of the file itself: its clock, its order, its directions.
    fileprivate mutating func note(_ record: TrafficRecord, sample: PacketSample) {
        votes.add(record, sample: sample)
        if let time = record.time {
            if time < last { disorder = max(disorder, last.since(time)) }
            first = min(first, time)
            last = max(last, time)
        }
        guard record.namesPacket else { return }
        sends += 1
        if record.transport != .udp { holdsICMP = true }
        if record.action == .other {
            let ends: Set = [record.localAddress, record.remoteAddress]
            common = common?.intersection(ends) ?? ends
        }
    }
}

extension TrafficRecord {
    /// It says who sent a packet, or at least names the packet's process.
    var namesPacket: Bool {
        transport != .tcp && transport != .other && (action == .sent || action == .other && packet != nil)
    }
}
