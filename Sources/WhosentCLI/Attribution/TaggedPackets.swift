import Classification
import Correlation
import Records

/// UDP and ICMP packets in the order of the capture, with what the classifier says of them.
///
/// A tag that later packets may change is told by itself, once it is settled: in the order of the packets that wait for
/// theirs.
struct TaggedPackets: Sendable {
    /// What is known of a tag when its packet comes.
    enum KnownTag: Sendable {
        case settled(Tag)
        /// It will be among ``TaggedPackets/settled``, of these packets or of later ones.
        case open
    }

    /// A tag that was open.
    struct SettledTag: Sendable {
        /// How many of the packets had come when it was settled.
        let position: Int
        let tag: Tag?
    }

    private(set) var packets: [PacketRecord] = []
    /// By what each is looked up among the records, and told from its copies at other places.
    private(set) var lookups: [PacketLookup] = []
    private(set) var identities: [UInt64] = []
    /// Of the packets that have a tag or may get one, by their place.
    private(set) var tags: [(index: Int, tag: KnownTag)] = []
    private(set) var settled: [SettledTag] = []
    /// Of the packets that do not pass the filters of all evidence, by their place: bit n for evidence n.
    private(set) var filters: [(index: Int, passed: UInt64)] = []
    /// It is known of each which way it went, and by which interfaces.
    var areLocated = false
    /// Frames that are neither UDP nor ICMP.
    var others: UInt64 = 0
    /// The latest of all frames.
    var latest = Timestamp.distantPast
    /// Nothing comes behind these.
    var areLast = false

    mutating func append(_ packet: PacketRecord, passesFilters: UInt64 = .max) {
        if passesFilters != .max { filters.append((packets.count, passesFilters)) }
        packets.append(packet)
    }

    /// Tags the packet that came last.
    mutating func tag(_ tag: KnownTag) { tags.append((packets.count - 1, tag)) }

    /// Tells a tag that was open.
    mutating func settle(_ tag: Tag?) { settled.append(SettledTag(position: packets.count, tag: tag)) }

    /// Hashes the packets that came since it was done last.
    mutating func hash(with hasher: PacketHasher) {
        for index in lookups.count..<packets.count {
            let lookup = hasher.lookups.lookup(packets.span, index)
            lookups.append(lookup)
            identities.append(hasher.identities.identity(packets[index].ip))
        }
    }

    /// Hands a packet over to be changed.
    mutating func update(_ index: Int, _ body: (inout PacketRecord) -> Void) { body(&packets[index]) }

    mutating func removeAll() {
        packets.removeAll(keepingCapacity: true)
        lookups.removeAll(keepingCapacity: true)
        identities.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
        settled.removeAll(keepingCapacity: true)
        filters.removeAll(keepingCapacity: true)
        others = 0
    }
}

/// Makes what packets are found by in a run's tables.
struct PacketHasher: Sendable {
    let lookups: LookupMaker
    let identities: DistinctPackets.Hasher
}
