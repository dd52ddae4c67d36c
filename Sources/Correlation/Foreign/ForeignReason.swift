public import Records

/// Why a verdict by other tools' evidence is what it is.
public enum ForeignReason: Hashable, Sendable {
    /// Records with the packet's addresses, ports and length, all of one process.
    case sameFlow(Place, records: UInt64, holdsPacket: Bool)
    /// The same, but the record does not say how long the packet was.
    case sameFlowWithoutLength(Place)
    /// A packet of which the evidence knows only which process was running.
    case running(Place)
    /// The same, but records that could speak against it found no room.
    case sameFlowNotHeld(Place)
    /// A record with the packet's ports and length between other addresses.
    case portsOnly(Place, from: IPAddress, to: IPAddress)
    /// Several processes have such a record.
    case severalFlows(count: Int)
    /// Several processes have a record with these ports and this length.
    case severalPorts(count: Int)
    /// Several processes had the process id at that time.
    case severalLives(pid: UInt32)
    /// The record does not say who sent the packet.
    case namesNobody(Place)
    /// The evidence's clock could not be compared with the capture's.
    case noMatches
    /// The matches contradict each other.
    case contradictoryMatches(Int)
    /// Before or after everything that the evidence holds.
    case outsideTrace(first: Timestamp, last: Timestamp)
    /// The evidence holds no sends.
    case noSends
    /// It is ICMP, and the evidence holds none.
    case noICMP
    /// The process's name comes from a listing, taken so many nanoseconds from the record's time; nil where unknown.
    indirect case named(ForeignReason, listing: Place, taken: Timestamp?, distance: Int64?)
    /// Why a ping is thought to be a process's.
    case ping(PingReason)

    /// Where a record stands.
    public struct Place: Hashable, Sendable, CustomStringConvertible {
        /// The file, as it is shown.
        public var file: String
        /// The line of a text or the packet of a pcapng, from 1.
        public var position: UInt64
        /// The file is a text.
        public var isText: Bool

        /// A place.
        public init(file: String, position: UInt64, isText: Bool) {
            self.file = file
            self.position = position
            self.isText = isText
        }

        /// `line 3 of trace.csv`
        public var description: String { "\(isText ? "line" : "packet") \(position) of \(file)" }
    }
}

extension ForeignReason: CustomStringConvertible {
    /// The sentence.
    public var description: String {
        switch self {
        case .sameFlow(let place, let records, let holdsPacket):
            let identity = holdsPacket ? "addresses, ports, IP id, length and payload" : "addresses, ports and length"
            return records == 1
                ? "matches the only send record with these \(identity) around this time: \(place)"
                : "matches \(records) send records with these \(identity) around this time, all of this process, "
                    + "from \(place) on"
        case .sameFlowWithoutLength(let place):
            return "matches a send record with these addresses and ports, which does not say the length: \(place)"
        case .running(let place):
            return "this process was running when the packet passed, which need not be its sender: \(place)"
        case .sameFlowNotHeld(let place):
            return "matches a send record with these addresses, ports and length (\(place)), but more records lie "
                + "around this time than are held"
        case .portsOnly(let place, let from, let to):
            return "ports match, address differs: the send record with these ports and this length is from \(from) "
                + "to \(to), \(place)"
        case .severalFlows(let count):
            return "\(count) processes have a send record with these addresses, ports and length around this time"
        case .severalPorts(let count):
            return
                "ports match, address differs: \(count) processes have a send record with these ports and this length"
        case .severalLives(let pid):
            return "the process id \(pid) was used by more than one process around this time"
        case .namesNobody(let place): return "a send record matches, but it does not say which process sent: \(place)"
        case .noMatches:
            return "no packet has a record of its own in the evidence, so its clock cannot be compared with the "
                + "capture's: --clock-offset states it"
        case .contradictoryMatches(let count):
            return "the \(count) matches that could tell the evidence's clock contradict each other: --clock-offset "
                + "states it"
        case .outsideTrace(let first, let last):
            return "no coverage: the evidence holds what happened from \(first) to \(last) by the capture's clock"
        case .noICMP: return "the evidence holds no ICMP, so that nothing is known of who sent this packet"
        case .noSends: return "the evidence lists processes, but holds nothing that was sent"
        case .ping(let reason): return reason.description
        case .named(let reason, let place, let taken, let distance):
            let source = taken.map { "taken at \($0)\(Self.apart(distance))" } ?? "that does not say when it was taken"
            return "\(reason); its name is from a listing \(source) (\(place))"
        }
    }

    private static func apart(_ nanoseconds: Int64?) -> String {
        nanoseconds.map { ", \($0 / 1_000_000_000) s from the packet" } ?? ""
    }
}
