public import Records

/// One record that was considered for a packet, and why it was taken or rejected.
public struct Consideration: Sendable {
    /// Who the record names.
    public var sender: Sender
    /// The record's packet.
    public var packet: IPPacket
    /// From record to packet in nanoseconds; negative where the record came after.
    public var delay: Int64
    /// It agrees with the packet, inside the window, and its task may be the sender.
    public var isTaken: Bool
    /// Why, in a sentence.
    public var reason: String
}

extension Correlator {
    /// Every held send record between the packet's addresses, nearest first: those inside the window and the nearest
    /// outside it.
    ///
    /// - Parameter limit: the most that are returned.
    public func considerations(for packet: PacketRecord, limit: Int = 50) -> [Consideration] {
        var found: [Consideration] = []
        sends.forEach { slot in
            let comparison = compare(packet.ip, with: slot.packet, segmentSize: slot.origin.segmentSize)
            if comparison == .differs(.addresses) { return }
            found.append(consider(packet, slot, comparison))
        }
        found.sort { ($0.isTaken ? 0 : 1, $0.delay.magnitude) < ($1.isTaken ? 0 : 1, $1.delay.magnitude) }
        return Array(found.prefix(limit))
    }

    private func consider(
        _ packet: PacketRecord, _ slot: PacketIndex<SendOrigin>.Slot, _ comparison: PacketComparison
    ) -> Consideration {
        let inWindow = window.holds(slot.first, slot.last, packet)
        let taken = comparison.agrees && inWindow && slot.origin.proof != .borrowed
        return Consideration(
            sender: slot.origin.sender, packet: slot.packet, delay: slot.delay(to: packet.time), isTaken: taken,
            reason: sentence(comparison, inWindow: inWindow, proof: slot.origin.proof))
    }

    private func sentence(_ comparison: PacketComparison, inWindow: Bool, proof: SendRecord.Proof) -> String {
        let agreement: String
        switch comparison {
        case .complete: agreement = "the complete identity agrees"
        case .segment(let index):
            agreement = index.map { "it is segment \($0 + 1) of this batch" } ?? "it fits a segment of this batch"
        case .fragment: agreement = "it is a fragment of this datagram"
        case .cut(let bytes): agreement = "it agrees as far as \(bytes) payload bytes show"
        case .differs(let field): return "rejected: the \(field.rawValue) differs"
        }
        guard inWindow else { return "rejected: \(agreement), but the record lies outside the window" }
        switch proof {
        case .verified: return "taken: \(agreement), and the task uses the packet's socket"
        case .unverified:
            return "taken as probable: \(agreement), but the task's ownership of the socket was not checked"
        case .socketUser:
            return "taken: \(agreement); a queue's daemon re-injected it, and this process used the packet's socket"
        case .likelySocketUser:
            return
                "taken as probable: \(agreement); a queue's daemon re-injected it, and this process used the packet's socket, perhaps not alone"
        case .borrowed: return "rejected: \(agreement), but the task does not use the packet's socket"
        }
    }
}
