internal import Classification
internal import Correlation
internal import Records
internal import TextEscaping

/// Comma-separated values (RFC 4180): the packet fields of NDJSON flattened with dots, one header line, no summary.
///
/// - Columns are fixed, see ``columns``; what is unknown is empty. Lines end in CR LF, as RFC 4180 has it.
/// - Arrays are JSON (`process.args`, `whosent.candidates`, `whosent.tag_reasons`), and so is what is nested without a
///   fixed depth: `process.parent.parent` holds the remaining ancestors as NDJSON's nested object.
/// - A field that a spreadsheet would take for a formula is neutralised with an apostrophe before it: one that begins
///   with `=`, `+`, `-` or `@`, also behind apostrophes. To undo it, take one apostrophe away from a field that begins
///   with apostrophes and one of these four.
public struct CSVFormat: ReportFormat {
    /// The names of the columns, in their order.
    public static let columns: [StaticString] = [
        "@timestamp", "event.action", "network.transport", "network.type", "network.direction", "network.bytes",
        "source.ip", "source.port", "source.mac", "destination.ip", "destination.port", "destination.mac",
        "icmp.type", "icmp.code", "icmp.id", "icmp.seq",
        "observer.ingress.interface.name", "observer.egress.interface.name", "host.name",
        "process.pid", "process.vpid", "process.thread.id", "process.thread.name", "process.name",
        "process.executable", "process.args", "process.start",
        "process.parent.pid", "process.parent.name", "process.parent.executable", "process.parent.args",
        "process.parent.parent", "process.user.id", "process.user.name", "process.group.id", "process.group.name",
        "process.hash.sha256", "process.entity_id", "container.id", "service.name",
        "whosent.frame", "whosent.packet_id", "whosent.capture", "whosent.payload.length", "whosent.payload.prefix",
        "whosent.fragment.offset", "whosent.fragment.more", "whosent.truncated",
        "whosent.verdict", "whosent.confidence", "whosent.method", "whosent.reason", "whosent.candidates",
        "whosent.before_nat.source.ip", "whosent.before_nat.source.port",
        "whosent.before_nat.destination.ip", "whosent.before_nat.destination.port",
        "whosent.socket_creator.pid", "whosent.socket_creator.name",
        "whosent.on_behalf_of.pid", "whosent.on_behalf_of.name",
        "whosent.tunnel.name", "whosent.tunnel.owner.pid", "whosent.tunnel.owner.name",
        "whosent.image", "whosent.tag", "whosent.tag_confidence", "whosent.tag_reasons",
    ]

    private var row = CSVRow()

    /// A format with an empty buffer.
    public init() {}

    /// Appends the header line.
    public mutating func begin(into output: inout [UInt8]) {
        row.removeAll()
        for column in Self.columns { row.text(column.description, isText: false) }
        row.end(into: &output)
    }

    /// Appends one packet's line.
    public mutating func packet(_ reported: ReportedPacket, into output: inout [UInt8]) {
        guard reported.packet.ip.isReported else { return }
        row.removeAll()
        appendHeaders(reported)
        appendProcess(reported)
        appendPlace(reported.packet, capture: reported.captureName)
        appendVerdict(reported)
        row.end(into: &output)
    }

    /// Nothing: a table of packets has no row of another kind.
    public mutating func summary(_ summary: RunSummary, into output: inout [UInt8]) {}

    private mutating func appendHeaders(_ reported: ReportedPacket) {
        let packet = reported.packet
        let ip = packet.ip
        row.time(packet.time)
        row.text(ip.eventAction)
        row.text(ip.transportName)
        row.text(ip.versionName)
        row.text(packet.direction.name)
        row.number(ip.totalLength)
        row.endpoint(ip.source, ip.knownSourcePort)
        row.text(reported.sourceMAC.flatMap { $0.isZero ? nil : $0.description })
        row.endpoint(ip.destination, ip.knownDestinationPort)
        row.text(packet.destinationMAC.flatMap { $0.isZero ? nil : $0.description })
        row.number(ip.hasICMPHeader ? ip.icmpType : nil)
        row.number(ip.hasICMPHeader ? ip.icmpCode : nil)
        row.number(ip.isEcho ? ip.sourcePort : nil)
        row.number(ip.isEcho ? ip.destinationPort : nil)
        row.text(reported.ingressInterface)
        row.text(reported.egressInterface)
        row.text(reported.hostName)
    }

    private mutating func appendProcess(_ reported: ReportedPacket) {
        let process = reported.shownProcess
        let parents = process?.parents ?? []
        let chain = parents.prefix { $0.pid != 0 }
        row.number(process?.pid)
        row.number(process?.innerPID)
        row.number(process == nil ? nil : reported.threadID)
        row.text(process == nil || reported.threadID == nil ? nil : reported.threadName)
        row.text(process?.name)
        row.text(process?.executable)
        row.json(when: process?.arguments) { json, arguments in json.texts(arguments) }
        if let start = process?.start { row.time(start) } else { row.empty() }
        row.number(chain.first?.pid)
        row.text(chain.first?.name)
        row.text(chain.first?.executable)
        row.json(when: chain.first?.arguments) { json, arguments in json.texts(arguments) }
        row.json(when: chain.dropFirst().first) { json, grandparent in
            var grandparent = grandparent
            grandparent.parents = Array(chain.dropFirst(2))
            grandparent.writeObject(to: &json)
        }
        row.text(process?.user?.id)
        row.text(process?.user?.name)
        row.text(process?.group?.id)
        row.text(process?.group?.name)
        row.text(process?.sha256)
        row.text(process?.entityID)
        row.text(process?.containerID)
        row.text(process?.serviceName)
    }

    private mutating func appendPlace(_ packet: PacketRecord, capture: String) {
        let ip = packet.ip
        row.number(packet.frame)
        row.number(packet.packetID)
        row.text(capture)
        row.number(ip.payloadLength)
        row.hexadecimal(ip.payloadPrefix)
        row.number(ip.isFragment ? ip.fragmentOffset : nil)
        row.text(ip.isFragment ? (ip.moreFragments ? "true" : "false") : nil)
        row.text(ip.isTruncated ? "true" : nil)
    }

    private mutating func appendVerdict(_ reported: ReportedPacket) {
        let verdict = reported.verdict
        row.text(verdict.kind.name)
        row.text(verdict.confidence.name)
        row.text(verdict.method.name)
        row.text(verdict.reason.description)
        row.json(when: verdict.candidates.isEmpty && !reported.hasSeveralHolders ? nil : reported) { json, reported in
            reported.writeCandidates(to: &json)
        }
        if let tuple = verdict.beforeNAT {
            let hasPorts = reported.packet.ip.transport == .udp
            row.endpoint(tuple.source, hasPorts ? tuple.sourcePort : nil)
            row.endpoint(tuple.destination, hasPorts ? tuple.destinationPort : nil)
        } else {
            for _ in 0..<4 { row.empty() }
        }
        row.number(verdict.socketCreator?.process.pid)
        row.text(verdict.socketCreator?.name.description)
        row.number(reported.onBehalfOf?.pid)
        row.text(reported.onBehalfOf?.name)
        row.text(verdict.tunnel?.interface)
        row.number(reported.tunnelOwner?.process.pid)
        row.text(reported.tunnelOwner?.name)
        row.text(reported.shownProcess?.image?.rawValue)
        row.text(reported.tag?.name)
        row.text(reported.tag?.confidence.name)
        row.json(when: reported.tag?.reasons) { json, reasons in json.texts(reasons) }
    }
}
