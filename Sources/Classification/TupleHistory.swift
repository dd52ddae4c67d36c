internal import Records

/// A directed UDP tuple as 64 bits: source and destination with their ports.
struct TupleFingerprint: Hashable, Sendable {
    let bits: UInt64

    /// Of no tuple.
    init() { bits = 0 }

    /// A tuple's fingerprint; never 0. Two tuples of one capture share it with a chance of one in 2⁶⁴.
    init(
        _ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16, seed: UInt64
    ) {
        let ports = UInt64(sourcePort) << 32 | UInt64(destinationPort) << 8 | UInt64(source.version.rawValue)
        let from = folded(source.low ^ seed, source.high ^ 0xA076_1D64_78BD_642F)
        let to = folded(destination.low ^ 0xE703_7ED1_A0B4_28DB, destination.high ^ seed)
        let mixed = folded(from ^ ports, (to << 23 | to >> 41) ^ 0x8EBC_6AF0_9C88_C6E3)
        bits = mixed == 0 ? 1 : mixed
    }
}

/// Which UDP tuples were seen, in a fixed amount of memory: what tells an answer from an unasked datagram.
///
/// A set-associative cache: a tuple has four places, the one that was silent longest gives way. Forgetting can only
/// hide that a datagram was answered, never make up an answer.
struct TupleHistory: Sendable {
    private static let ways = 4
    private var places: [UInt64]
    private let mask: Int
    /// Of no use but that what is loaded into it is loaded.
    private var loaded: UInt64 = 0

    /// A history of at least `capacity` tuples.
    init(capacity: Int) {
        var sets = 1
        while sets * Self.ways < min(max(capacity, Self.ways), 1 << 30) { sets <<= 1 }
        mask = sets - 1
        places = Array(repeating: 0, count: sets * Self.ways)
    }

    /// Whether the tuple was seen and is not forgotten.
    func contains(_ fingerprint: TupleFingerprint) -> Bool {
        let first = (Int(truncatingIfNeeded: fingerprint.bits) & mask) * Self.ways
        return places[first] == fingerprint.bits || places[first + 1] == fingerprint.bits
            || places[first + 2] == fingerprint.bits || places[first + 3] == fingerprint.bits
    }

    /// Brings a tuple's place into the processor's caches. What does not depend on it goes on meanwhile, the next call first
    /// of all: so many places come at once, where each would be waited for otherwise.
    @inline(__always)
    mutating func fetch(_ fingerprint: TupleFingerprint) {
        loaded ^= places[(Int(truncatingIfNeeded: fingerprint.bits) & mask) * Self.ways]
    }

    /// Remembers a tuple as the latest of its set.
    @inline(__always)
    mutating func insert(_ fingerprint: TupleFingerprint) {
        let first = (Int(truncatingIfNeeded: fingerprint.bits) & mask) * Self.ways
        // The tuple is mostly the latest already, and a line that is not written need not be written back.
        if places[first] != fingerprint.bits { insert(fingerprint, from: first) }
    }

    private mutating func insert(_ fingerprint: TupleFingerprint, from first: Int) {
        var carried = fingerprint.bits
        for place in first..<first + Self.ways {
            let displaced = places[place]
            places[place] = carried
            if displaced == fingerprint.bits || displaced == 0 { return }
            carried = displaced
        }
    }
}
