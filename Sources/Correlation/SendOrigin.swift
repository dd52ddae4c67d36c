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
    /// Of what few records say (``RareFacts``); 0 for nothing. Two facts are taken for the same with a chance of one in 2⁶⁴.
    let rareFacts: UInt64

    @inline(__always)
    init(_ record: SendRecord) {
        sender = Sender(record)
        segmentSize = record.segmentSize
        proof = record.proof
        interface = record.interface
        rareFacts = RareFacts(record)?.fingerprint ?? 0
    }

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
            && left.rareFacts == right.rareFacts
    }
}

/// What few send records say. Kept apart, by their slots' numbers: an origin is kept for every record, and is twice as large
/// with these, and slow to copy.
struct RareFacts: Hashable, Sendable {
    /// See ``SendRecord/beforeNAT``.
    let beforeNAT: UntranslatedTuple?
    /// See ``SendRecord/creator``.
    let creator: SocketCreator?

    /// Nil where there is nothing to say.
    @inline(__always)
    init?(_ record: SendRecord) {
        guard record.beforeNAT != nil || record.creator != nil else { return nil }
        beforeNAT = record.beforeNAT
        creator = record.creator
    }

    /// Never 0.
    var fingerprint: UInt64 { UInt64(truncatingIfNeeded: hashValue) | 1 }
}
