public import Records

/// Why a verdict is what it is: a value on the packet path, a sentence in reports.
public enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// A record with the complete identity; `delay` is from record to packet in nanoseconds.
    case completeIdentity(delay: Int64, records: Int, transport: IPPacket.Transport, hasIdentification: Bool)
    /// A segment of a UDP_SEGMENT batch, alone on its flow.
    case segment(index: Int?, size: UInt16, delay: Int64)
    /// A segment of a batch whose flow others may have used.
    case segmentOfSharedFlow
    /// A fragment of a recorded datagram.
    case fragment(delay: Int64)
    /// A later fragment of a datagram whose first fragment was matched.
    case laterFragment
    /// The capture or the record kept too little of the payload.
    case cutPayload(bytes: Int)
    /// The only task that could be it, but its ownership of the socket was not checked.
    case unverifiedContext
    /// Records were lost nearby and the identity is not distinctive enough to rule out an equal one.
    case lossNearIndistinctPacket
    /// The table of records was too small to hold the whole window.
    case windowNotHeld
    /// The evidence does not cover the packet's moment, so that an equal one of another process would not be recorded.
    case notCovered
    /// Several processes have an equal record.
    case severalSenders(count: Int)
    /// A queue's daemon re-injected it; no other process used its socket.
    case onlySocketUser(delay: Int64)
    /// The same, but others used the socket before, or may have.
    case likelySocketUser
    /// A queue's daemon re-injected it; several processes used its socket.
    case severalSocketUsers(count: Int)
    /// One of the processes that used the socket of a re-injected packet.
    case usedSocket(delay: Int64)
    /// One of several equal records; `delay` is from record to packet.
    case equalRecord(delay: Int64)
    /// More equal records than are looked through.
    case tooManyEqualRecords
    /// The kernel's own socket sent it.
    case kernelSocket
    /// Neither a socket nor an ingress interface at transmit.
    case noSocketAtTransmit
    /// A bridge or bond flooded it, and whose it is was not recorded.
    case floodedUnrecorded
    /// The kernel wrapped another packet into it.
    case wrapped(senderIsKnown: Bool)
    /// The kernel wraps this flow's packets, which came in.
    case wrappedForwarded
    /// It equals a packet that a process sent by another interface, and had no socket.
    case copiedAtTransmit
    /// The flow came out of a TUN or TAP device; nil where nobody looked who held it.
    case fromTunnel(holders: Int?)
    /// It came out of a TUN or TAP device, for this machine; nil where nobody looked who held it.
    case arrivedFromTunnel(holders: Int?)
    /// The flow was forwarded from a device that a process of this machine may write to unseen, or that is not known.
    case forwardedFromHere
    /// The flow was forwarded.
    case forwardedFlow
    /// The flow was forwarded, in a time when send records were lost.
    case forwardedNearLoss
    /// It came in, and nobody here sent it.
    case arrived
    /// The same, by a device that a process of this machine may write to unseen, or that is not known.
    case arrivedFromHere
    /// It came in behind headers that keep sends from being recorded.
    case rareHeaders
    /// It came in for an address that is not this machine's, and was not seen to leave.
    case arrivedForOthers
    /// It came in, and the window was held only in part.
    case arrivedWindowNotHeld
    /// A user's socket sent it, but from a context that was not its owner's.
    case borrowedContext
    /// A process sent an equal packet, and so did somebody from a borrowed context.
    case equalBorrowed
    /// More equal packets were seen at one place than were sent.
    case moreThanSent
    /// The kernel and a process both sent such a packet.
    case kernelAndProcess
    /// It came in, and resembles a packet that was sent too long before to be it for certain.
    case resemblesEarlier(delay: Int64)
    /// Sent by a process of this machine by all signs, but no record matches.
    case nothingMatches
    /// The same, and a table let records go that may have matched.
    case recordsLetGo
    /// Neither end belongs to a machine that the evidence speaks for.
    case foreignAddresses
    /// No evidence was given.
    case noEvidence
    /// Before the evidence begins.
    case beforeCoverage(start: Timestamp)
    /// After the evidence ends.
    case afterCoverage(stop: Timestamp)
    /// The evidence's filter leaves such packets out.
    case outsideFilter(String)
    /// The evidence covers another interface only.
    case outsideInterface(String)
    /// Evidence was lost around the packet's time.
    case evidenceLost(count: UInt64)
    /// The evidence does not hold forwarded packets.
    case noWireRecords
    /// The headers were cut.
    case notDecodable
    /// A later fragment without its first.
    case firstFragmentMissing
    /// What the socket tables say, where they are all there is.
    case socketTables(SocketTableReason)
    /// A machine's send record with other addresses and all else equal.
    case translatedElsewhere(delay: Int64)
    /// A machine's send record that is equal but for its time.
    case otherClock(delay: Int64)
    /// Several machines' processes have such a record.
    case severalHosts(count: Int)
    /// It came in; that it came from another machine of the evidence, translated, is not excluded.
    case arrivedMayBeTranslated
    /// It came in, at a time that not all of the evidence covers.
    case notAllHostsCover
    /// What other tools' evidence says.
    indirect case foreign(ForeignReason)

    /// It says that no record fits, and not that those which fit contradict each other: other evidence may be asked.
    public var isAbsence: Bool {
        switch self {
        case .nothingMatches, .foreignAddresses, .noEvidence, .beforeCoverage, .afterCoverage, .outsideFilter,
            .outsideInterface, .evidenceLost, .noWireRecords, .recordsLetGo, .notAllHostsCover:
            true
        default: false
        }
    }

    /// The sentence.
    public var description: String {
        switch self {
        case .completeIdentity(let delay, let records, let transport, let hasIdentification):
            let ends = transport == .udp ? "addresses, ports" : "addresses, ICMP type, id and sequence"
            let identity = "\(ends)\(hasIdentification ? ", IP id" : ""), length and payload"
            return records == 1
                ? "matches the only send record with these \(identity), \(span(delay))"
                : "matches \(records) send records with these \(identity), all of this process, the nearest \(span(delay))"
        case .segment(let index, let size, let delay):
            let which = index.map { "segment \($0 + 1)" } ?? "a segment"
            return
                "is \(which) of a batch that was sent in segments of \(size) bytes, \(span(delay)), and no other process sent on this flow"
        case .segmentOfSharedFlow:
            return "is a segment of a recorded batch, but another process may have sent on this flow within the window"
        case .fragment(let delay):
            return "is a fragment of the only recorded datagram with this identity, \(span(delay))"
        case .laterFragment: return "belongs to the datagram whose first fragment was matched, by its fragment id"
        case .cutPayload(let bytes):
            return "matches a send record as far as can be compared: only \(bytes) payload bytes were kept"
        case .unverifiedContext:
            return "matches a send record, but whether its task owns the socket could not be checked"
        case .lossNearIndistinctPacket:
            return
                "matches one send record, but records were lost nearby and this packet is not distinctive enough to rule out an equal one"
        case .windowNotHeld:
            return "matches one send record, but the table held less than the whole window at this rate"
        case .notCovered:
            return
                "matches one send record, but the evidence does not cover this moment: an equal one of another process would not be in it"
        case .severalSenders(let count): return "\(count) processes have an equal send record within the window"
        case .onlySocketUser(let delay):
            return
                "was held in a netfilter queue and re-injected (\(span(delay))); no other process used the socket it was sent on"
        case .likelySocketUser:
            return
                "was held in a netfilter queue and re-injected; this process used its socket, but it is not certain that no other did"
        case .severalSocketUsers(let count):
            return
                "was held in a netfilter queue and re-injected; \(count) processes used the socket it was sent on, and nothing tells which of them sent it"
        case .usedSocket(let delay): return "used the socket of this packet, which was re-injected (\(span(delay)))"
        case .equalRecord(let delay): return "has an equal send record, \(span(delay))"
        case .tooManyEqualRecords: return "more send records resemble this packet than are compared; it is not decided"
        case .kernelSocket: return "sent by the kernel itself, on its own socket"
        case .noSocketAtTransmit: return "transmitted without any socket and without having come in: made by the kernel"
        case .floodedUnrecorded:
            return "flooded by a bridge or bond, without its socket; no record says who sent it"
        case .wrapped(let senderIsKnown):
            return "made by the kernel to carry another packet through a tunnel; "
                + (senderIsKnown ? "that packet's send record names who sent it" : "who sent that one is not certain")
        case .wrappedForwarded:
            return "of a flow that the kernel makes, from an address of its own, to carry packets that came in"
        case .copiedAtTransmit:
            return
                "equals a packet that a process sent by another interface, but was transmitted without a socket: a copy"
        case .fromTunnel(let holders), .arrivedFromTunnel(let holders):
            let came = "came out of a TUN or TAP device\(isPassedOn ? " and was passed on" : ""); "
            switch holders {
            case nil: return came + "who held the device then was not seen"
            case 0?: return came + "no process was seen to hold the device around that time"
            case 1?: return came + "the process that holds the device probably wrote it"
            case let count?: return came + "one of \(count) processes that hold the device probably wrote it"
            }
        case .forwardedFlow: return "came in on another interface and was passed on; no process here sent it"
        case .forwardedFromHere:
            return
                "came in on another interface and was passed on; no process here is seen to have sent it, but one that bypasses the hooks could have"
        case .forwardedNearLoss: return "a packet of a forwarded flow, at a time when some send records were lost"
        case .arrived: return "came in from outside; inside the evidence's coverage no process here sent it"
        case .arrivedFromHere:
            return
                "came in, and no process here is seen to have sent it, but one that bypasses the hooks could have, on this interface"
        case .rareHeaders:
            return
                "nothing matches: packets behind such headers (MPLS, LLC, PPPoE, many tags or extension headers) leave no record"
        case .arrivedForOthers:
            return "came in from outside for an address that is not this machine's, and was not seen to be passed on"
        case .arrivedWindowNotHeld:
            return "came in from outside; the table held less than the whole window at this rate"
        case .borrowedContext:
            return "was sent from a borrowed context (a queue daemon or the like); the task that ran is not its sender"
        case .equalBorrowed:
            return "a process sent an equal packet, but so did another context whose sender is not known"
        case .moreThanSent:
            return "more equal packets were seen here than were sent: which of them is a copy cannot be told"
        case .kernelAndProcess:
            return "the kernel and a process both sent an equal packet: which of them is this cannot be told"
        case .resemblesEarlier(let delay):
            return
                "came in and equals a packet whose record was \(span(delay)); without an IP id it may be somebody else's"
        case .nothingMatches: return "nothing matches: no send record for this packet"
        case .recordsLetGo:
            return "evidence lost around this time: a full table let go of records that may have matched"
        case .foreignAddresses:
            return "nothing matches, and neither address belongs to a machine that the evidence speaks for"
        case .noEvidence: return "no evidence was given, so nothing is known about the sender"
        case .beforeCoverage(let start): return "no coverage: the evidence begins at \(start), after this packet"
        case .afterCoverage(let stop): return "no coverage: the evidence ends at \(stop), before this packet"
        case .outsideFilter(let filter): return "no coverage: the evidence holds only packets that pass \"\(filter)\""
        case .outsideInterface(let name): return "no coverage: the evidence holds only packets that left by \(name)"
        case .evidenceLost(let count): return "evidence lost around this time: \(count) records are missing"
        case .noWireRecords: return "no send record matches, and this evidence does not hold forwarded packets"
        case .notDecodable: return "not decodable: the capture cut the headers"
        case .firstFragmentMissing: return "a later fragment whose first fragment was not seen or not matched"
        case .socketTables(let reason): return reason.description
        case .foreign(let reason): return reason.description
        case .translatedElsewhere(let delay):
            return
                "matches the only send record with these ports, IP id, length and payload (\(span(delay))); an address was translated on the way"
        case .otherClock(let delay):
            return
                "matches the only send record with these addresses, ports, IP id, length and payload, \(span(delay)): on another machine's clock"
        case .severalHosts(let count):
            return
                "\(count) processes have a send record with these ports, IP id, length and payload, and addresses may have been translated on the way"
        case .arrivedMayBeTranslated:
            return
                "came in from outside; without an IP id it is not excluded that another machine of the evidence sent it by a translated address"
        case .notAllHostsCover:
            return
                "no coverage: not all of the evidence covers this time, and another machine of it may have sent this packet"
        }
    }

    private var isPassedOn: Bool { if case .fromTunnel = self { true } else { false } }

    /// "0.123 ms before", with the sign in words.
    private func span(_ nanoseconds: Int64) -> String {
        let micros = (nanoseconds.magnitude + 500) / 1000
        let digits = String(micros % 1000)
        let padded = String(repeating: "0", count: 3 - digits.count) + digits
        return "taken \(micros / 1000).\(padded) ms \(nanoseconds >= 0 ? "before" : "after") it"
    }
}
