internal import Correlation
internal import Records

/// What the headers say in the contract's words: shared by all formats, so that they cannot differ.
extension IPPacket {
    /// ECS `event.action`. Without an identifier and a sequence number an echo cannot be told as one.
    var eventAction: String {
        if transport == .udp { return "udp-send" }
        guard hasICMPHeader else { return "icmp-other" }
        return isEchoRequest ? "icmp-echo-request" : isEchoReply ? "icmp-echo-reply" : "icmp-other"
    }

    /// ECS `network.transport`: IANA's protocol names.
    var transportName: String {
        switch transport {
        case .udp: "udp"
        case .icmp: "icmp"
        case .icmpv6: "ipv6-icmp"
        case .tcp: "tcp"
        case .other: "other"
        }
    }

    /// ECS `network.type`.
    var versionName: String { version == .v4 ? "ipv4" : "ipv6" }

    /// The ICMP header was there to be read: later fragments have none, cut ones cannot be told from zero.
    var hasICMPHeader: Bool {
        (transport == .icmp || transport == .icmpv6) && fragmentOffset == 0 && !isTruncated
    }

    /// The identifier and sequence number of an echo.
    var isEcho: Bool { hasICMPHeader && (isEchoRequest || isEchoReply) }

    /// The source port, where the packet has one and it was captured.
    var knownSourcePort: UInt16? { known(sourcePort) }

    /// The destination port, where the packet has one and it was captured.
    var knownDestinationPort: UInt16? { known(destinationPort) }

    private func known(_ port: UInt16) -> UInt16? {
        guard transport == .udp, fragmentOffset == 0, !isTruncated || port != 0 else { return nil }
        return port
    }
}

extension Direction {
    /// ECS `network.direction`.
    var name: String {
        switch self {
        case .unknown: "unknown"
        case .egress: "egress"
        case .ingress: "ingress"
        }
    }
}

extension ReportedPacket {
    /// The interface it came in on: the evidence's word for a forwarded packet at both sightings, else the capture's.
    ///
    /// A forwarded packet always has one; where the interface is gone and nobody knows its name, `?` stands for it.
    var ingressInterface: String? {
        let name = verdict.ingressInterface ?? (packet.direction == .ingress ? interfaceName : nil)
        return name ?? (verdict.kind == .forwarded ? "?" : nil)
    }

    /// The interface it left by.
    var egressInterface: String? {
        packet.direction == .egress ? interfaceName ?? verdict.egressInterface : verdict.egressInterface
    }

    /// The sending process as it may be shown: none for an ambiguous verdict, and the bare id where nothing else is
    /// known of it.
    var shownProcess: ProcessDescription? {
        guard verdict.kind == .process, verdict.confidence > .ambiguous else { return nil }
        guard var shown = process ?? verdict.sender.map({ ProcessDescription(pid: $0.process.pid) }) else { return nil }
        // The record has the identity at the moment of the send; a process may change it (setuid) later.
        if let user = verdict.sender?.user, shown.user?.id != String(user) {
            shown.user = ProcessDescription.Principal(id: String(user))
        }
        if let group = verdict.sender?.group, shown.group?.id != String(group) {
            shown.group = ProcessDescription.Principal(id: String(group))
        }
        return shown
    }

    /// The sending thread's id, where known.
    var threadID: UInt32? {
        guard let thread = verdict.sender?.thread, thread != 0 else { return nil }
        return thread
    }

    /// The machine of the candidate at `index`, where there are several.
    func candidateHost(_ index: Int) -> String? {
        candidateHosts.indices.contains(index) ? candidateHosts[index] : nil
    }

    /// The name of the candidate at `index`, where known.
    func candidateName(_ index: Int) -> String? {
        candidateNames.indices.contains(index) ? candidateNames[index] : nil
    }
}
