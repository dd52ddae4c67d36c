import PacketDecoding
import PcapNG
import Records

/// Turns the packets of an annotated capture back into records.
struct AnnotatedPackets {
    /// A file that names more processes than this is damaged or hostile; its later packets have no start time.
    private static let processLimit = 1 << 22

    private var processes: [(process: ProcessKey, imageVersion: UInt32)] = []

    /// Notes a process event block in its order.
    mutating func note(_ process: ProcessKey, imageVersion: UInt32) {
        if processes.count < Self.processLimit { processes.append((process, imageVersion)) }
    }

    /// What a packet's comment says, as far as records can say it.
    enum Finding {
        case send(SendRecord)
        case wire(WireRecord)
        /// No comment, or a verdict that names no sender.
        case nothing
        /// A comment that is not of the known form.
        case malformed
    }

    /// The record of a packet.
    func record(
        _ packet: PacketBlock, _ bytes: RawSpan, comment: RawSpan, linkType: UInt16, time: Timestamp, host: UInt16
    ) -> Finding {
        guard !comment.isEmpty else { return .nothing }
        guard let said = Annotation(comment) else { return .malformed }
        guard said.isProcess && said.pid != 0 || said.isKernel, !said.isFromSocketTables, !said.isGuess else {
            return .nothing
        }
        guard let ip = decodeFrame(bytes, linkType: linkType, originalLength: packet.originalLength).ip else {
            return .malformed
        }
        if said.isKernel {
            return .wire(
                WireRecord(time: time, packet: ip, origin: .kernel, hasKernelSocket: said.isExact, host: host))
        }
        var key = ProcessKey(pid: said.pid, startTime: 0)
        var version: UInt32 = 0
        if let index = packet.processIndex, Int(index) < processes.count {
            // A process block of another pid would name the wrong process: then the comment and the block contradict.
            guard processes[Int(index)].process.pid == said.pid else { return .malformed }
            (key, version) = processes[Int(index)]
        }
        return .send(
            SendRecord(
                time: time, packet: ip, process: key, thread: said.thread, imageVersion: version, path: .foreign,
                proof: said.isExact ? .verified : .unverified, host: host))
    }
}

/// The one-line comment of an annotated packet.
private struct Annotation {
    var pid: UInt32 = 0
    var thread: UInt32 = 0
    var isProcess = false
    var isKernel = false
    var isExact = false
    /// Possible at most, which must not become more by being read again.
    var isGuess = false
    /// Taken from socket tables, which are no record of the send.
    var isFromSocketTables = false

    /// Nil where the line is malformed, repeats a field, or gives a process to another verdict.
    init?(_ line: RawSpan) {
        var scanner = PacketCommentScanner(line)
        var verdicts = 0
        var confidences = 0
        while scanner.next() {
            if scanner.isNamed("PID") {
                guard pid == 0, let number = scanner.number(UInt32.self), number != 0 else { return nil }
                pid = number
            } else if scanner.isNamed("TID") {
                guard thread == 0, let number = scanner.number(UInt32.self) else { return nil }
                thread = number
            } else if scanner.isNamed("VERDICT") {
                verdicts += 1
                isProcess = scanner.isWord("process")
                isKernel = scanner.isWord("kernel")
            } else if scanner.isNamed("CONFIDENCE") {
                confidences += 1
                isExact = scanner.isWord("exact")
                isGuess = !isExact && !scanner.isWord("probable")
            } else if scanner.isNamed("METHOD") {
                isFromSocketTables = scanner.isWord("socket-table")
            }
        }
        guard !scanner.isMalformed, verdicts == 1, confidences == 1, pid == 0 || isProcess else { return nil }
    }
}
