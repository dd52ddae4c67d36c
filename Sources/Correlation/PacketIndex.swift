import Records

/// A bounded store of recorded packets, newest first, found by identity or by IPv4 datagram.
///
/// A ring of slots with hash chains: by identity, by datagram, and segmented batches by flow and time. A chain links
/// sequence numbers, newest to oldest; a number that the ring has passed is gone, and so is all behind it, so that letting
/// go of the oldest slot costs nothing. Equal packets of one origin that follow each other closely share a slot: a flood of
/// identical packets stays one entry.
///
/// The chains by datagram are made when somebody first walks one: few captures have fragments or cut packets.
///
/// The links lie apart from the slots, with a part of each hash: most walks are for packets that have no record, and pass
/// no slot, of which there are more than fit into the processor's caches.
struct PacketIndex<Origin: Equatable & Sendable>: Sendable {
    struct Slot: Sendable {
        var packet: IPPacket
        var first: Timestamp
        var last: Timestamp
        var records: UInt64
        var matches: UInt64
        /// How many packets matched at the first places.
        var places: (Sightings, Sightings)
        /// The next older segmented batch in its chain.
        var olderBatch: UInt32
        var origin: Origin
    }

    /// Packets that matched at one place.
    struct Sightings: Sendable {
        var place: Place?
        var count: UInt64 = 0
    }

    enum Chain { case identity, datagram, batch }

    /// A slot's place in a chain.
    private struct Link: Sendable {
        /// A part of the hash.
        var mark: UInt32
        /// The next older one: the lower half of its sequence number, which is enough to tell those that are held.
        var older: UInt32
    }

    /// How far a walk along a chain, or along several of batches, has come.
    struct Walk {
        fileprivate let chain: Chain
        /// What the hash has in common with those that are looked for.
        fileprivate let mark: UInt32
        fileprivate var next: Int
        fileprivate var steps = 0
        fileprivate let oldest: Int
        /// Of batches: the flow's hash, and the slices of time whose chains are to be walked.
        fileprivate var flow: UInt64 = 0
        fileprivate var slice: Int64 = 0
        fileprivate var oldestSlice: Int64 = 0
        /// More candidates may hide behind the last one.
        fileprivate(set) var wasCutShort = false

        /// The last one was no candidate, being younger than the packet: among batches it does not count, for a flow of many
        /// batches a second has hundreds of them.
        mutating func passOver() {
            if chain == .batch { steps -= 1 }
        }
    }

    /// Slots this far apart in time are never merged, so a slot's span has no hole longer than this.
    static var mergeGap: Int64 { 20_000_000 }
    /// How far back a record's equal is looked for.
    private static var mergeLimit: Int { 8 }
    /// The longest chain that is walked. Behind it more candidates may hide, which the caller is told.
    static var walkLimit: Int { 512 }
    /// Batches lie in a chain for each 33.6 ms (2 to the 25th ns), so that those around a packet are found without those that
    /// followed.
    private static var sliceBits: Int64 { 25 }

    /// The most slots, and places of one, that are counted beyond the first two.
    private static var furtherLimit: Int { 1 << 14 }
    private static var furtherPlaceLimit: Int { 256 }

    private(set) var capacity: Int
    private var slots: [Slot] = []
    private var identityLinks: [Link] = []
    /// Empty before the first walk along such a chain.
    private var datagramLinks: [Link] = []
    private var nextSequence = 0
    /// How many packets matched at places beyond those of the slots.
    private var furtherPlaces: [Int: [Place: UInt64]] = [:]
    /// At which slot those of slots that are gone are looked for again.
    private var nextSweep = 0
    private var identityHeads: [UInt32]
    private var datagramHeads: [UInt32] = []
    /// Some record was of a part of a datagram, of several packets, or lacks a part of its packet: a packet's identity does not
    /// find it.
    private(set) var hasPartialRecords = false
    /// By flow and slice of time; empty before the first segmented batch.
    private var batchHeads: [UInt32] = []
    /// The newest batch by flow alone.
    private var newestBatches: [UInt32] = []
    /// Taken for the number of a slot that is long gone.
    private static var nowhere: UInt32 { 1 << 31 }
    /// The newest time of a slot that the ring let go.
    private(set) var horizon = Timestamp.distantPast
    /// Records let go without a match.
    private(set) var forgotten: UInt64 = 0
    /// The same since it was last asked.
    var letGo = LetGo()

    /// - Parameter capacity: slots, at least 1.
    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        var buckets = 1024
        // Two for each slot: half as many links to pass as with one.
        while buckets < 2 * self.capacity { buckets *= 2 }
        identityHeads = Array(repeating: Self.nowhere, count: buckets)
    }

    /// Records that are held and were never matched.
    var unmatched: UInt64 {
        var count: UInt64 = 0
        for slot in slots where slot.records > slot.matches { count += slot.records - slot.matches }
        return count
    }

    /// Nothing was ever added.
    var isEmpty: Bool { slots.isEmpty }

    /// Adds a record.
    ///
    /// - Parameter isBatch: packets of its flow may be segments of it.
    /// - Returns: it has a slot of its own.
    @discardableResult
    mutating func add(
        _ packet: IPPacket, _ hashes: PacketKey.Hashes, origin: Origin, time: Timestamp, key: PacketKey,
        isBatch: Bool = false
    ) -> Bool {
        if mayMerge(hashes), merge(packet, hashes, origin: origin, time: time) { return false }
        let sequence = nextSequence
        nextSequence += 1
        let link = Self.link(sequence, hashes.identity, at: bucket(hashes.identity), of: &identityHeads)
        if isBatch || packet.isPartial { hasPartialRecords = true }
        var olderBatch = Self.nowhere
        if isBatch {
            if batchHeads.isEmpty {
                batchHeads = Array(repeating: Self.nowhere, count: identityHeads.count)
                newestBatches = batchHeads
            }
            let flow = key.flow(packet, hashes)
            let bucket = batchBucket(flow, Self.slice(time))
            olderBatch = batchHeads[bucket]
            batchHeads[bucket] = UInt32(truncatingIfNeeded: sequence)
            newestBatches[self.bucket(flow)] = UInt32(truncatingIfNeeded: sequence)
        }
        let slot = Slot(
            packet: packet, first: time, last: time, records: 1, matches: 0, places: (Sightings(), Sightings()),
            olderBatch: olderBatch, origin: origin)
        if slots.count < capacity {
            // Room for all at once: a list that grows copies itself, and pages that nobody writes to cost nothing.
            if slots.isEmpty {
                slots.reserveCapacity(capacity)
                identityLinks.reserveCapacity(capacity)
            }
            slots.append(slot)
            identityLinks.append(link)
        } else {
            letGo(index(sequence))
            slots[index(sequence)] = slot
            identityLinks[index(sequence)] = link
        }
        if !datagramHeads.isEmpty { linkDatagram(of: packet, hashes, sequence, key: key) }
        return true
    }

    /// Puts a slot at the head of a chain.
    private static func link(_ sequence: Int, _ hash: UInt64, at bucket: Int, of heads: inout [UInt32]) -> Link {
        let link = Link(mark: mark(hash), older: heads[bucket])
        heads[bucket] = UInt32(truncatingIfNeeded: sequence)
        return link
    }

    private mutating func linkDatagram(
        of packet: IPPacket, _ hashes: PacketKey.Hashes, _ sequence: Int, key: PacketKey
    ) {
        var link = Link(mark: 0, older: Self.nowhere)
        if packet.version == .v4 {
            let hash = key.datagram(packet, hashes)
            link = Self.link(sequence, hash, at: bucket(hash), of: &datagramHeads)
        }
        if index(sequence) == datagramLinks.count {
            datagramLinks.append(link)
        } else {
            datagramLinks[index(sequence)] = link
        }
    }

    /// Makes the chains by datagram, of what is held.
    private mutating func linkDatagrams(key: PacketKey) {
        datagramHeads = Array(repeating: Self.nowhere, count: identityHeads.count)
        datagramLinks = Array(repeating: Link(mark: 0, older: Self.nowhere), count: slots.count)
        for sequence in max(0, nextSequence - slots.count)..<nextSequence {
            let packet = slots[index(sequence)].packet
            linkDatagram(of: packet, key.hashes(packet), sequence, key: key)
        }
    }

    /// The slot of a number that ``next(_:)`` gave.
    subscript(number: Int) -> Slot { _read { yield slots[index(number)] } }

    /// Walks the slots that may hold a packet's identity.
    func walk(identity hashes: PacketKey.Hashes) -> Walk {
        walk(.identity, from: number(identityHeads[bucket(hashes.identity)]), Self.mark(hashes.identity))
    }

    /// Walks the slots that may hold a packet's IPv4 datagram.
    mutating func walk(datagram packet: IPPacket, _ hashes: PacketKey.Hashes, key: PacketKey) -> Walk {
        if datagramHeads.isEmpty { linkDatagrams(key: key) }
        let hash = key.datagram(packet, hashes)
        return walk(.datagram, from: number(datagramHeads[bucket(hash)]), Self.mark(hash))
    }

    /// Walks the segmented batches of a time that may be of a flow, roughly from the newest to the oldest.
    func walk(batchesOf flow: UInt64, from first: Timestamp, to last: Timestamp) -> Walk {
        var walk = walk(.batch, from: -1, 0)
        walk.flow = flow
        walk.oldestSlice = Self.slice(first)
        walk.slice = Self.slice(last) + 1
        return walk
    }

    /// There may be a segmented batch of a flow.
    func mayHaveBatch(of flow: UInt64) -> Bool {
        guard !newestBatches.isEmpty else { return false }
        return number(newestBatches[bucket(flow)]) >= max(nextSequence - slots.count, 0)
    }

    private static func slice(_ time: Timestamp) -> Int64 { time.nanoseconds >> sliceBits }

    private func batchBucket(_ flow: UInt64, _ slice: Int64) -> Int {
        // Neighbouring slices of a flow lie beside each other, and so in few lines of the cache.
        bucket(flow &+ UInt64(bitPattern: slice))
    }

    private func walk(_ chain: Chain, from head: Int, _ mark: UInt32) -> Walk {
        Walk(chain: chain, mark: mark, next: head, oldest: max(nextSequence - slots.count, 0))
    }

    /// The next slot's number; nil at the chain's end, and where it was too long.
    func next(_ walk: inout Walk) -> Int? {
        while walk.next >= walk.oldest || beginOlderSlice(&walk) {
            if walk.steps == Self.walkLimit {
                walk.wasCutShort = true
                return nil
            }
            walk.steps += 1
            let found = walk.next
            let isMeant: Bool
            switch walk.chain {
            case .identity:
                let link = identityLinks[index(found)]
                isMeant = link.mark == walk.mark
                walk.next = older(than: found, link.older)
            case .datagram:
                let link = datagramLinks[index(found)]
                isMeant = link.mark == walk.mark
                walk.next = older(than: found, link.older)
            case .batch:
                isMeant = Self.slice(slots[index(found)].first) == walk.slice
                walk.next = older(than: found, slots[index(found)].olderBatch)
            }
            if isMeant { return found }
        }
        return nil
    }

    /// Goes on with the next older slice that has batches.
    private func beginOlderSlice(_ walk: inout Walk) -> Bool {
        guard walk.chain == .batch else { return false }
        while walk.slice > walk.oldestSlice {
            walk.slice -= 1
            walk.next = number(batchHeads[batchBucket(walk.flow, walk.slice)])
            if walk.next >= walk.oldest { return true }
        }
        return false
    }

    /// The sequence number with this lower half that is held, or was last; it may be negative.
    private func number(_ lowerHalf: UInt32) -> Int {
        nextSequence - Int(UInt32(truncatingIfNeeded: nextSequence) &- lowerHalf)
    }

    /// The same of a slot behind another one: chains lead back in time only.
    private func older(than sequence: Int, _ lowerHalf: UInt32) -> Int {
        let older = number(lowerHalf)
        return older < sequence ? older : -1
    }

    /// The bits of a hash that do not choose its bucket.
    private static func mark(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    /// What ``only(_:from:to:)`` finds.
    enum Only {
        case none
        case slot(Int)
        /// There are several, or it takes a walk to tell.
        case unclear
    }

    /// The only slot with a packet's identity and records between two moments: what a walk finds, for the usual case.
    @inline(__always)
    func only(_ hashes: PacketKey.Hashes, from first: Timestamp, to last: Timestamp) -> Only {
        let mark = Self.mark(hashes.identity)
        let oldest = max(nextSequence - slots.count, 0)
        var found = -1
        var next = number(identityHeads[bucket(hashes.identity)])
        var steps = 0
        while next >= oldest {
            steps += 1
            guard steps < 16 else { return .unclear }
            let place = index(next)
            let link = identityLinks[place]
            if link.mark == mark, slots[place].first <= last, slots[place].last >= first {
                guard found < 0 else { return .unclear }
                found = next
            }
            next = older(than: next, link.older)
        }
        return found < 0 ? .none : .slot(found)
    }

    /// A slot's records begin by `latest`, and their packet equals a whole one in all that tells packets apart.
    @inline(__always)
    func isOf(_ packets: Span<PacketRecord>, _ packet: Int, _ number: Int, by latest: Timestamp) -> Bool {
        let slots = slots.span
        let place = index(number)
        guard slots[place].first <= latest else { return false }
        return isWhole(packets, packet, equalTo: slots, place)
    }

    /// Of a whole IPv4 packet: ``compare(_:with:segmentSize:)`` says that they agree completely.
    ///
    /// Field by field where they lie, since a packet that is handed over is copied; and in a guard, because behind `&&` each
    /// field would be looked at in a closure, which crashes the compiler (6.3).
    @inline(__always)
    private func isWhole(
        _ packets: Span<PacketRecord>, _ packet: Int, equalTo slots: Span<Slot>, _ place: Int
    ) -> Bool {
        guard packets[packet].ip.identification == slots[place].packet.identification,
            packets[packet].ip.source == slots[place].packet.source,
            packets[packet].ip.destination == slots[place].packet.destination,
            packets[packet].ip.transport == slots[place].packet.transport,
            packets[packet].ip.sourcePort == slots[place].packet.sourcePort,
            packets[packet].ip.destinationPort == slots[place].packet.destinationPort,
            packets[packet].ip.icmpType == slots[place].packet.icmpType,
            packets[packet].ip.icmpCode == slots[place].packet.icmpCode,
            packets[packet].ip.totalLength == slots[place].packet.totalLength,
            packets[packet].ip.fragmentOffset == slots[place].packet.fragmentOffset,
            packets[packet].ip.moreFragments == slots[place].packet.moreFragments,
            packets[packet].ip.payloadPrefix == slots[place].packet.payloadPrefix
        else { return false }
        return true
    }

    /// There may be a slot with a packet's identity.
    func mayHold(_ hashes: PacketKey.Hashes) -> Bool {
        guard !isEmpty else { return false }
        var walk = walk(identity: hashes)
        return next(&walk) != nil || walk.wasCutShort
    }

    /// Reads what a look-up of a packet begins with; what it returns means nothing.
    func touch(_ hashes: PacketKey.Hashes) -> UInt32 {
        let number = number(identityHeads[bucket(hashes.identity)])
        guard number >= nextSequence - slots.count, number >= 0 else { return 0 }
        let link = identityLinks[index(number)]
        guard link.mark == Self.mark(hashes.identity) else { return link.mark }
        return UInt32(truncatingIfNeeded: slots[index(number)].records)
    }

    /// Reads what the adding of a record begins with; what it returns means nothing.
    func touchHead(_ hashes: PacketKey.Hashes) -> UInt32 { identityHeads[bucket(hashes.identity)] }

    /// Walks everything that is held, oldest first.
    func forEach(_ body: (Slot) -> Void) {
        for sequence in max(0, nextSequence - capacity)..<nextSequence { body(slots[index(sequence)]) }
    }

    /// The number of the oldest slot that is held.
    var oldestSequence: Int { nextSequence - slots.count }

    /// The number of the slot that was made last, -1 before the first.
    var newestSequence: Int { nextSequence - 1 }

    /// Counts a packet that a slot's records explain in part: a segment or a fragment.
    mutating func countMatch(_ sequence: Int) { slots[index(sequence)].matches += 1 }

    /// Counts a packet that a slot's records explain; false where the place has seen as many packets as there are
    /// records already, or where there are too many places to count at.
    mutating func claim(_ sequence: Int, at place: Place) -> Bool {
        let index = index(sequence)
        let records = slots[index].records
        let claimed =
            slots[index].places.0.claim(place, of: records) ?? slots[index].places.1.claim(place, of: records)
            ?? claimFurther(sequence, at: place, of: records)
        if claimed { slots[index].matches += 1 }
        return claimed
    }

    /// The same for places beyond the first few, which few packets have: a bridge of many ports floods one to all.
    private mutating func claimFurther(_ sequence: Int, at place: Place, of records: UInt64) -> Bool {
        if furtherPlaces[sequence] == nil {
            if furtherPlaces.count == Self.furtherLimit, nextSequence >= nextSweep {
                let oldest = nextSequence - slots.count
                furtherPlaces = furtherPlaces.filter { $0.key >= oldest }
                nextSweep = nextSequence + Self.furtherLimit
            }
            guard furtherPlaces.count < Self.furtherLimit else { return false }
        }
        var places = furtherPlaces[sequence] ?? [:]
        let count = places[place] ?? 0
        guard count < records, count > 0 || places.count < Self.furtherPlaceLimit else { return false }
        places[place] = count + 1
        furtherPlaces[sequence] = places
        return true
    }

    /// Among the latest slots of its chain one may be of an equal packet.
    @inline(__always)
    private func mayMerge(_ hashes: PacketKey.Hashes) -> Bool {
        let mark = Self.mark(hashes.identity)
        let oldest = max(nextSequence - slots.count, 0)
        var next = number(identityHeads[bucket(hashes.identity)])
        var steps = 0
        while next >= oldest, steps < Self.mergeLimit {
            let link = identityLinks[index(next)]
            if link.mark == mark { return true }
            next = older(than: next, link.older)
            steps += 1
        }
        return false
    }

    private mutating func merge(
        _ packet: IPPacket, _ hashes: PacketKey.Hashes, origin: Origin, time: Timestamp
    ) -> Bool {
        var walk = walk(identity: hashes)
        while walk.steps < Self.mergeLimit, let number = next(&walk) {
            let index = index(number)
            let gap = time.since(slots[index].last)
            guard gap <= Self.mergeGap, gap >= -Self.mergeGap, slots[index].origin == origin,
                slots[index].packet == packet
            else { continue }
            slots[index].last = max(slots[index].last, time)
            slots[index].first = min(slots[index].first, time)
            slots[index].records += 1
            return true
        }
        return false
    }

    private mutating func letGo(_ index: Int) {
        horizon = max(horizon, slots[index].last)
        let unmatched = slots[index].records &- slots[index].matches
        guard slots[index].records > slots[index].matches else { return }
        forgotten += unmatched
        letGo.note(unmatched, from: slots[index].first, to: slots[index].last)
    }

    /// Where a number's slot lies. Dividing takes longer than all else that is done here.
    @inline(__always)
    private func index(_ sequence: Int) -> Int {
        capacity & (capacity - 1) == 0 ? sequence & (capacity - 1) : sequence % capacity
    }

    private func bucket(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash & UInt64(identityHeads.count - 1)) }
}

extension PacketIndex.Sightings {
    /// Counts a packet if this is its place, or free, and there is a record left for it. Nil for another place.
    fileprivate mutating func claim(_ seen: Place, of records: UInt64) -> Bool? {
        if place == nil { place = seen }
        guard place == seen else { return nil }
        guard count < records else { return false }
        count += 1
        return true
    }
}
