import Capture
import Classification
import Correlation
import DequeModule
import Records

/// A packet whose line is not settled yet, or a frame that has none and leaves in its place.
///
/// An object: as a value it would be copied, nearly a thousand bytes, with every look at it.
final class WaitingPacket {
    fileprivate(set) var frame: CapturedFrame
    /// The interface's number in the run.
    fileprivate(set) var interface: UInt16
    fileprivate(set) var packet: PacketRecord?
    fileprivate(set) var passesFilters: UInt64
    fileprivate(set) var tag: TagDecision
    var verdict: Verdict?

    fileprivate init(
        _ frame: CapturedFrame, interface: UInt16, packet: PacketRecord?, passesFilters: UInt64, tag: TagDecision
    ) {
        self.frame = frame
        self.interface = interface
        self.packet = packet
        self.passesFilters = passesFilters
        self.tag = tag
    }
}

/// Packets in capture order. The objects of those that have left are used again: none is allocated for every packet.
struct WaitingPackets {
    private static let spareLimit = 1 << 10
    private var queue = Deque<WaitingPacket>()
    private var spare: [WaitingPacket] = []

    var count: Int { queue.count }
    var isEmpty: Bool { queue.isEmpty }
    var first: WaitingPacket? { queue.first }

    subscript(index: Int) -> WaitingPacket { queue[index] }

    mutating func append(
        _ frame: CapturedFrame, interface: UInt16, packet: PacketRecord?, passesFilters: UInt64, tag: TagDecision
    ) {
        guard let entry = spare.popLast() else {
            queue.append(
                WaitingPacket(frame, interface: interface, packet: packet, passesFilters: passesFilters, tag: tag))
            return
        }
        entry.frame = frame
        entry.interface = interface
        entry.packet = packet
        entry.passesFilters = passesFilters
        entry.tag = tag
        entry.verdict = nil
        queue.append(entry)
    }

    mutating func removeFirst() -> WaitingPacket { queue.removeFirst() }

    /// Takes back an object that nobody looks at any more.
    mutating func reuse(_ entry: WaitingPacket) { if spare.count < Self.spareLimit { spare.append(entry) } }
}
