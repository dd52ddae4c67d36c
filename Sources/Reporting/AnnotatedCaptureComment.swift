import Classification
import Correlation
import PcapNG
import Records

/// The one-line comment of an annotated packet.
enum PacketAnnotation {
    /// The process that may be named as the sender: only that of an unambiguous `process` verdict.
    static func sender(of packet: ReportedPacket) -> Sender? {
        guard packet.verdict.kind == .process, packet.verdict.confidence > .ambiguous else { return nil }
        return packet.verdict.sender
    }

    /// `PID=2136 TID=2140 VERDICT=process CONFIDENCE=exact METHOD=packet TAG=newmail NAME="store"`; other verdicts have
    /// no PID, TID and NAME.
    static func write(_ packet: ReportedPacket, to line: inout PacketCommentWriter) {
        let sender = sender(of: packet)
        if let sender {
            line.field("PID", UInt64(sender.process.pid))
            if sender.thread != 0 { line.field("TID", UInt64(sender.thread)) }
        }
        line.field("VERDICT", data: packet.verdict.kind.name)
        line.field("CONFIDENCE", data: packet.verdict.confidence.name)
        line.field("METHOD", data: packet.verdict.method.name)
        if let tag = packet.tag, !tag.name.isEmpty { line.field("TAG", data: tag.name) }
        if sender != nil, let name = packet.process?.name, !name.isEmpty { line.text("NAME", name) }
    }
}
