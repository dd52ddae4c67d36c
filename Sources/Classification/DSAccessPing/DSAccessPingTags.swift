internal import Records

extension DSAccessPingClassifier.Finding {
    /// The tag: `probable` with TCP to the directory, `possible` without; one level less where the client sends pings
    /// with another byte too, and for a reply whose request is not in the capture.
    var tag: Tag {
        var reasons = [form]
        var level = Tag.Confidence.possible
        if let directoryPort {
            level = .probable
            reasons.append(
                "TCP from \(isReply ? "the requester" : "the same source") to port \(directoryPort) of "
                    + "\(isReply ? "this" : "the same") server is in the capture")
        }
        if isReply, !answersRequest {
            level = level.lowered
            reasons.append("the request that it answers is not in the capture, or another one came after it")
        }
        if pings.requests > 1 {
            reasons.append("such pings repeat: \(pings.requests) from \(pair.client) to \(pair.server) so far")
        }
        if clients > 1 { reasons.append("\(clients) sources have sent such pings to \(pair.server) so far") }
        if let system = Self.windows(identifier) {
            reasons.append(
                "its identifier 0x\(String(UInt32(identifier) + 0x10000, radix: 16).dropFirst()) is what \(system) uses, which is weak evidence"
            )
        }
        if pings.hasOtherByte {
            level = level.lowered
            reasons.append(
                "against it: \(pair.client) also sends \(pair.server) pings with one byte of another value, as a tool does"
            )
        }
        if pings.hasSlowLinkTest {
            reasons.append(
                "against it: \(pair.client) also sends \(pair.server) pings of 0 or 2048 bytes, as Group Policy does")
        }
        return Tag(name: "dsaccess-ping", confidence: level, reasons: reasons)
    }

    private var form: String {
        guard isReply else {
            return "an echo request with 1 payload byte, 0x3F, as DSAccess sends it to its directory servers"
        }
        guard answersRequest else {
            return "an echo reply to \(pair.client) with 1 payload byte, 0x3F, as DSAccess sends it"
        }
        let place = requestFrame.map { " in frame \($0)" } ?? ""
        return
            "an echo reply whose cause is the requester, \(pair.client): it sent the request with 1 payload byte, 0x3F,"
            + (place.isEmpty ? " before" : place)
    }

    /// What is known of ICMP identifiers of Windows' own echoes.
    private static func windows(_ identifier: UInt16) -> String? {
        switch identifier {
        case 0x0200: "Windows 2000"
        case 0x0300: "Windows XP"
        case 0x0400: "Windows Server 2003"
        case 0x0001: "Windows since Vista"
        default: nil
        }
    }
}
