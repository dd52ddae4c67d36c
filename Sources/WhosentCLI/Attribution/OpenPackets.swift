import DequeModule
import Records

/// Packets that cannot be counted yet, because their tag or the look at their tunnel is still open, in capture order.
///
/// Of so many packets as may wait where lines keep their order, those that would have to leave there with what is known leave
/// here too: all ways of running say the same.
struct OpenPackets<Packet> {
    private var packets = Deque<Packet>()
    /// Of each packet; apart, so that looking at them copies no packet.
    private var marks = Deque<(deadline: Timestamp, number: UInt64, isOpen: Bool)>()
    private let limit: UInt64
    /// The first one leaves with a packet later than this.
    private(set) var nextDeadline = Timestamp.distantFuture
    /// It leaves when so many packets have come.
    private(set) var nextNumber = UInt64.max

    /// - Parameter limit: how many packets may wait.
    init(limit: Int) { self.limit = UInt64(limit) }

    /// Adds a packet.
    ///
    /// - Parameters:
    ///   - deadline: the last moment of capture time that has a say.
    ///   - number: how many packets there were with this one.
    ///   - isOpen: it waits for an answer of somebody else, besides.
    mutating func append(_ packet: Packet, until deadline: Timestamp, number: UInt64, isOpen: Bool = false) {
        packets.append(packet)
        marks.append((deadline, number, isOpen))
        if marks.count == 1 { noteNext() }
    }

    /// The next packet that is to be counted now, when `reported` packets have come, the latest at `time`.
    ///
    /// - Parameter hasAnswer: if it waits for an answer, that has come.
    mutating func popDue(
        at time: Timestamp, _ reported: UInt64, isLast: Bool = false, hasAnswer: Bool = true
    ) -> Packet? {
        guard isLast || time > nextDeadline || reported >= nextNumber, hasAnswer || marks.first?.isOpen == false,
            let packet = packets.popFirst()
        else { return nil }
        marks.removeFirst()
        noteNext()
        return packet
    }

    private mutating func noteNext() {
        nextDeadline = marks.first?.deadline ?? .distantFuture
        nextNumber = marks.first.map { $0.number + limit } ?? .max
    }
}
