import Records

/// A process with the program that it ran: an exec between two equal packets leaves open which of both sent one of them.
struct SenderImage: Hashable, Sendable {
    let owner: HostProcess
    let image: UInt32
}

extension SenderImage {
    init(_ sender: Sender) {
        owner = sender.owner
        image = sender.imageVersion
    }
}

/// What the correlator keeps of a send record beside the packet. Equal origins of equal packets may share a slot.
struct SendOrigin: Equatable, Sendable {
    let sender: Sender
    let segmentSize: UInt16
    let proof: SendRecord.Proof
    let interface: UInt32
    private let rarities: Rarities

    /// Kept apart: one origin is kept for every record, and with these in it would be twice as large.
    private enum Rarities: Equatable, Sendable {
        case none
        indirect case some(beforeNAT: UntranslatedTuple?, creator: SocketCreator?)
    }

    init(_ record: SendRecord) {
        sender = Sender(record)
        segmentSize = record.segmentSize
        proof = record.proof
        interface = record.interface
        rarities =
            record.beforeNAT == nil && record.creator == nil
            ? .none : .some(beforeNAT: record.beforeNAT, creator: record.creator)
    }

    /// See ``SendRecord/beforeNAT``.
    var beforeNAT: UntranslatedTuple? { if case .some(let tuple, _) = rarities { tuple } else { nil } }
    /// See ``SendRecord/creator``.
    var creator: SocketCreator? { if case .some(_, let creator) = rarities { creator } else { nil } }

    /// Who sent on the record's flow: whoever did from a borrowed context is not known, but it was somebody.
    var flowSender: SenderImage {
        proof == .borrowed
            ? SenderImage(
                owner: HostProcess(machine: sender.machine, process: ProcessKey(pid: 0, startTime: 0)), image: 0)
            : SenderImage(sender)
    }

    static func == (left: SendOrigin, right: SendOrigin) -> Bool {
        left.sender.process == right.sender.process && left.sender.thread == right.sender.thread
            && left.sender.imageVersion == right.sender.imageVersion && left.sender.host == right.sender.host
            && left.sender.user == right.sender.user && left.sender.threadName == right.sender.threadName
            && left.segmentSize == 0 && right.segmentSize == 0 && left.proof == right.proof
            && left.rarities == right.rarities
    }
}
