internal import Classification
internal import Correlation
internal import Records
internal import TextEscaping

/// The parts of a packet's line of text.
struct PacketLine {
    /// `eth0 Out UDP 192.0.2.1:36003 > 198.51.100.7:2762, length 8`
    let packet: String
    /// `store[2136] exact`, or why it is not known.
    let verdict: String
    /// `newmail possible`
    let tag: String?

    /// The most candidates that are named in a line.
    private static let candidateLimit = 3

    init(_ reported: ReportedPacket) {
        packet = Self.packet(reported)
        verdict = Self.verdict(reported)
        tag = reported.tag.map { "\(TerminalText.name($0.name)) \($0.confidence.name)" }
    }

    private static func packet(_ reported: ReportedPacket) -> String {
        let ip = reported.packet.ip
        var text = ""
        if let interface = reported.interfaceName, !interface.isEmpty { text = TerminalText.name(interface) + " " }
        switch reported.packet.direction {
        case .egress: text += "Out "
        case .ingress: text += "In  "
        case .unknown: break
        }
        text += ip.transport == .udp ? "UDP " : ip.transport == .icmp ? "ICMP " : "ICMP6 "
        text += endpoint(ip.source, ip.knownSourcePort) + " > " + endpoint(ip.destination, ip.knownDestinationPort)
        if ip.hasICMPHeader {
            text += " " + ICMPNames.text(type: ip.icmpType, code: ip.icmpCode, isV6: ip.transport == .icmpv6)
            if ip.isEcho { text += " id \(ip.sourcePort) seq \(ip.destinationPort)" }
        }
        if ip.isFragment {
            text += " fragment \(ip.fragmentOffset)\(ip.moreFragments ? "+" : "") of id \(ip.identification)"
        }
        return text + (ip.isTruncated ? ", headers cut" : ", length \(ip.payloadLength)")
    }

    /// `192.0.2.1:53`, `[2001:db8::1]:53`, or the address alone.
    static func endpoint(_ address: IPAddress, _ port: UInt16?) -> String {
        guard let port else { return address.description }
        return address.version == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    private static func verdict(_ reported: ReportedPacket) -> String {
        let verdict = reported.verdict
        switch verdict.kind {
        case .process where verdict.confidence <= .ambiguous: return "ambiguous: \(candidates(reported))"
        case .process:
            guard let process = reported.shownProcess else { return "process \(verdict.confidence.name)" }
            // How it was joined matters where it is less than the packet's own identity.
            let method = verdict.method == .packet ? "" : " by \(verdict.method.name)"
            return "\(sender(process)) \(verdict.confidence.name)\(method)"
        case .forwarded:
            let from = reported.ingressInterface.map { " from \(TerminalText.name($0))" } ?? ""
            return "forwarded\(from) \(verdict.confidence.name)\(holders(reported))"
        case .kernel:
            let whose = reported.onBehalfOf.map { " for \(sender($0))" } ?? ""
            return "kernel \(verdict.confidence.name)\(whose)"
        case .received: return "received \(verdict.confidence.name)"
        case .unknown: return "unknown: \(TerminalText.visible(verdict.reason.description))"
        }
    }

    /// What a summary says beside the verdict where no single process sent the packet.
    static func remark(_ reported: ReportedPacket) -> String? {
        switch reported.verdict.kind {
        case .process: reported.verdict.confidence <= .ambiguous ? candidates(reported) : nil
        case .unknown: TerminalText.visible(reported.verdict.reason.description)
        case .forwarded, .kernel, .received: nil
        }
    }

    /// `store[2136]`, or `?[2136]` where the name is not known: a process of the name `?` would be in quotes.
    static func sender(_ process: ProcessDescription) -> String {
        sender(name: process.name, pid: process.pid)
    }

    private static func sender(name: String?, pid: UInt32) -> String {
        "\(name.map { TerminalText.name($0) } ?? "?")[\(pid)]"
    }

    /// `, written by vpnd[311]` or several, for what came out of a TUN or TAP device.
    private static func holders(_ reported: ReportedPacket) -> String {
        guard let holders = reported.verdict.tunnel?.holders, !holders.isEmpty else { return "" }
        let named = holders.prefix(candidateLimit).map { sender(name: $0.name, pid: $0.process.pid) }
        let more = holders.count - named.count
        return ", written by " + named.joined(separator: " or ") + (more > 0 ? " or \(more) more" : "")
    }

    private static func candidates(_ reported: ReportedPacket) -> String {
        let candidates = reported.verdict.candidates
        let named = candidates.prefix(candidateLimit).enumerated().map { index, candidate in
            let host = reported.candidateHost(index).map { "@\(TerminalText.name($0))" } ?? ""
            return sender(name: reported.candidateName(index), pid: candidate.sender.process.pid) + host
        }
        let more = candidates.count - named.count
        return named.joined(separator: " or ") + (more > 0 ? " or \(more) more" : "")
    }
}
