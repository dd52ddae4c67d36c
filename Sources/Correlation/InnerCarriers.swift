import Records

/// How often each packet was carried by a tunnel's outer packets lately.
///
/// An inner packet that was sent once and carried twice was copied on the way: at least one of the outer packets is not its
/// sender's doing, and nothing tells which.
struct InnerCarriers: Sendable {
    private struct Carrier {
        let time: Timestamp
        /// Over stacked devices one outer packet is recorded at each.
        let interface: UInt32
    }

    /// Of one packet no more are kept; so many are more than were sent, for all that is known.
    private static let most = 32

    private var recent: [UInt64: [Carrier]] = [:]
    private var older: [UInt64: [Carrier]] = [:]
    private let half: Int

    /// - Parameter capacity: inner packets that are remembered at least half the time.
    init(capacity: Int = 1 << 15) { half = max(capacity / 2, 1) }

    /// Notes an outer packet.
    ///
    /// - Parameter inner: the hash of the identity of the packet inside. Equal ones count as one packet.
    mutating func note(_ inner: UInt64, interface: UInt32, time: Timestamp) {
        var carriers = recent[inner] ?? older.removeValue(forKey: inner) ?? []
        if carriers.count == Self.most { carriers.removeFirst() }
        carriers.append(Carrier(time: time, interface: interface))
        if recent[inner] == nil, recent.count >= half {
            older = recent
            recent = [:]
        }
        recent[inner] = carriers
    }

    /// Outer packets that carried it in a span of time, as the interface saw it that saw most.
    func count(_ inner: UInt64, from start: Timestamp, to end: Timestamp) -> Int {
        let carriers = (recent[inner] ?? older[inner] ?? []).filter { start <= $0.time && $0.time <= end }
        if carriers.count == Self.most { return .max }
        return Set(carriers.map(\.interface)).map { interface in carriers.count { $0.interface == interface } }.max()
            ?? 0
    }
}
