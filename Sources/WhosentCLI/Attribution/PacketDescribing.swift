import Classification
import Correlation
import ProcessMetadata
import Records
import Reporting

// What outputs show of a packet beside its verdict: names of processes, machines and interfaces.

extension Attribution {
    /// All there is to say of a packet.
    mutating func report(_ packet: PacketRecord, verdict: Verdict, tag: Tag?) -> ReportedPacket {
        var report = describe(packet, verdict: verdict, tag: tag)
        if tag?.confidence == .shape, let name = report.process?.name {
            report.tag = tag?.considering(processName: name)
        }
        return report
    }

    private mutating func describe(_ packet: PacketRecord, verdict: Verdict, tag: Tag?) -> ReportedPacket {
        var reported = ReportedPacket(
            packet: packet, captureName: settings.captureNames[Int(packet.capture)], verdict: verdict, tag: tag)
        reported.interfaceName = naming.name(of: packet, captured: capturedName(packet.interface))
        if verdict.kind == .forwarded { describeSource(&reported) }
        if let sender = verdict.onBehalfOf { reported.onBehalfOf = description(of: sender) }
        if let sender = verdict.sender {
            reported.process = description(of: sender)
            if sender.thread != 0, sender.threadName != .empty { reported.threadName = sender.threadName.description }
            if settings.namesHosts { reported.hostName = hostName(sender.host) }
        }
        for candidate in verdict.candidates {
            reported.candidateNames.append(description(of: candidate.sender).name)
            reported.candidateHosts.append(settings.namesHosts ? hostName(candidate.sender.host) : nil)
        }
        return reported
    }

    /// The frame of a packet that was routed bears the router's own address on its way out.
    private mutating func describeSource(_ reported: inout ReportedPacket) {
        let packet = reported.packet
        if packet.direction == .ingress { return ingressSources.note(packet) }
        guard let mac = packet.sourceMAC, naming.isOwn(mac) else { return }
        reported.isRouted = true
        reported.ingressMAC = ingressSources.source(of: packet)
    }

    mutating func description(of sender: Sender) -> ProcessDescription {
        var description = foreign?.description(of: sender) ?? processes.description(of: sender)
        if settings.withoutArguments { description.removeArguments() }
        return description
    }

    private func hostName(_ number: UInt16) -> String? { hosts[number]?.host ?? foreign?.hostName(number) }
}

extension ProcessDescription {
    /// Command lines may hold secrets (`--no-args`).
    mutating func removeArguments() {
        arguments = nil
        for index in parents.indices { parents[index].removeArguments() }
    }
}
