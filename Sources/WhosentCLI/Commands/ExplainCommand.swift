import ArgumentParser
import Capture
import Correlation
import Evidence
import PacketDecoding
import Records
import TextEscaping

/// `whosent explain`
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show every record that was considered for one packet, and why each was taken or rejected.",
        discussion: """
            Examples:
              whosent explain 17 capture.pcap --evidence evidence.pcapng
            """)

    @Argument(help: ArgumentHelp("The packet's position in the capture, from 1.", valueName: "frame"))
    var frame: UInt64

    @Argument(help: ArgumentHelp("The capture file.", valueName: "capture"), completion: .file())
    var capture: String

    @Option(help: ArgumentHelp("Evidence, told by its content (repeatable).", valueName: "file"), completion: .file())
    var evidence: [String]

    @Flag(help: "Leave command lines, which may hold secrets, out of the output.")
    var noArgs = false

    func validate() throws {
        if frame < 1 { throw ValidationError("frames are counted from 1") }
        if evidence.isEmpty { throw ValidationError("name the evidence with --evidence FILE") }
    }

    func run() throws {
        var explanation = try Explanation(capture: capture, evidence: evidence, withoutArguments: noArgs)
        var output = StandardOutput()
        output.buffer = Array(try explanation.text(frame: frame).utf8)
        try output.flush()
    }
}

/// Replays a capture up to one packet and tells what was weighed for it.
private struct Explanation {
    private var captures: CaptureFeed
    private var evidence: EvidenceFeed
    private var records: ExplainedRecords

    init(capture: String, evidence paths: [String], withoutArguments: Bool) throws(CommandFailure) {
        evidence = try EvidenceFeed(paths: paths)
        if let file = evidence.foreign.first {
            throw CommandFailure(
                ExitStatus.noUsableInput,
                "\(file.path) is \(file.reader.kind.name), which holds no packets that could be compared; "
                    + "whosent join says what follows from it, with its reasons (--format ndjson)")
        }
        captures = try CaptureFeed(paths: [capture])
        records = ExplainedRecords(withoutArguments: withoutArguments)
        for (host, coverage) in evidence.coverages { records.setCoverage(coverage, host: host) }
    }

    mutating func text(frame wanted: UInt64) throws(CommandFailure) -> String {
        let passed = try PassedFilters(evidence.coverages)
        var last: UInt64 = 0
        while last < wanted {
            var found: (packet: PacketRecord, mask: UInt64)?
            var problem: String?
            let more = captures.next { frame, bytes, _, interface in
                last = frame.frame
                let decoded = decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength)
                problem = decoded.problem?.description
                guard let ip = decoded.ip else { return }
                let mask =
                    passed?.mask(bytes, networkOffset: decoded.networkOffset, originalLength: frame.originalLength)
                    ?? .max
                let packet = PacketRecord(frame, decoded, ip: ip, interface: interface)
                found = (packet, mask)
            }
            guard more else { break }
            guard var found, found.packet.ip.isReported else {
                if last == wanted {
                    return "frame \(wanted) is neither UDP nor ICMP\(problem.map { ": \($0)" } ?? "")\n"
                }
                continue
            }
            try evidence.advance(through: found.packet.time.advanced(by: Correlator.Window().lookahead), into: &records)
            let number = Int(found.packet.interface)
            records.locate(
                &found.packet,
                captured: number < captures.interfaces.count ? captures.interfaces[number].name : nil)
            let verdict = records.correlator.judge(found.packet, passesFilters: found.mask)
            if last == wanted { return records.text(found.packet, verdict: verdict) }
        }
        let reason = last == 0 ? "no packets" : "only \(last) packets"
        throw CommandFailure(ExitStatus.noUsableInput, "there is no frame \(wanted): the capture holds \(reason)")
    }
}

/// The correlator and the processes of an explanation, and its words.
private struct ExplainedRecords: EvidenceSink {
    var correlator = Correlator(seed: 0x5eed)
    private var processes = ProcessSource()
    private var hosts: [UInt16: Coverage] = [:]
    private var naming = InterfaceNaming([HostInterface]())
    private let withoutArguments: Bool

    init(withoutArguments: Bool) { self.withoutArguments = withoutArguments }

    mutating func add(_ records: Span<SendRecord>, _ index: Int, _ lookup: PacketLookup?) {
        correlator.add(records, index, lookup)
    }
    mutating func add(_ record: WireRecord) { correlator.add(record) }
    mutating func add(_ record: ProcessRecord) { processes.add(record) }
    mutating func add(_ scan: TunnelScan) { correlator.add(scan) }
    mutating func add(_ loss: LossInterval) { correlator.add(loss) }
    mutating func add(_ damage: [Damage]) {
        for finding in damage { Diagnostics.report("\(finding.file), offset \(finding.offset): \(finding.what)") }
    }
    mutating func setCoverage(_ coverage: Coverage, host: UInt16) {
        hosts[host] = coverage
        naming = InterfaceNaming(hosts.values)
        correlator.setCoverage(coverage, host: host)
    }

    /// Sets where the packet left or came in, as far as the capture or the evidence tells.
    mutating func locate(_ packet: inout PacketRecord, captured: String?) { naming.locate(&packet, captured: captured) }

    mutating func text(_ packet: PacketRecord, verdict: Verdict) -> String {
        var lines = ["frame \(packet.frame)  \(packet.time)", "  \(shown(packet.ip))"]
        var answer = "verdict: \(verdict.kind.name), \(verdict.confidence.name)"
        if verdict.method != .none { answer += ", by \(verdict.method.name)" }
        lines.append(answer)
        if let sender = verdict.sender { lines.append("  sender: \(shown(sender))") }
        if let ingress = verdict.ingressInterface { lines.append("  came in on: \(ingress)") }
        if let sender = verdict.onBehalfOf { lines.append("  on behalf of: \(shown(sender))") }
        lines.append("  reason: \(verdict.reason.description)")
        let considered = correlator.considerations(for: packet)
        lines.append(
            considered.isEmpty
                ? "no send record between these addresses is at hand"
                : "send records considered (\(considered.count), nearest first):")
        for (index, record) in considered.enumerated() {
            lines.append("  \(index + 1). \(shown(record.sender)), \(milliseconds(record.delay))")
            lines.append("     \(shown(record.packet))")
            lines.append("     \(record.reason)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func shown(_ sender: Sender) -> String {
        let process = processes.description(of: sender)
        var text = "\(process.name ?? "?")[\(process.pid)]"
        if sender.thread != 0, sender.thread != process.pid { text += " thread \(sender.thread)" }
        if let path = process.executable { text += " \(path)" }
        if !withoutArguments, let arguments = process.arguments { text += " (\(arguments.joined(separator: " ")))" }
        return text
    }

    private func shown(_ ip: IPPacket) -> String {
        let isUDP = ip.transport == .udp
        var text = "\(ip.transport) "
        text +=
            isUDP
            ? "\(ip.source) port \(ip.sourcePort) to \(ip.destination) port \(ip.destinationPort)"
            : "\(ip.source) to \(ip.destination)"
        if !isUDP { text += ", type \(ip.icmpType) code \(ip.icmpCode) id \(ip.sourcePort) seq \(ip.destinationPort)" }
        if ip.version == .v4 { text += ", IP id \(ip.identification)" }
        if ip.isFragment { text += ", fragment at \(ip.fragmentOffset)\(ip.moreFragments ? ", more follow" : "")" }
        text += ", \(ip.totalLength) bytes, payload \(ip.payloadLength)"
        let hex = (0..<Int(ip.payloadPrefix.count)).map { index in
            let byte = ip.payloadPrefix[index]
            return String(decoding: [hexDigit(byte >> 4), hexDigit(byte)], as: UTF8.self)
        }
        return hex.isEmpty ? text : "\(text) (\(hex.joined()))"
    }

    private func milliseconds(_ delay: Int64) -> String {
        let micros = delay.magnitude / 1000
        let fraction = String(micros % 1000)
        let padded = String(repeating: "0", count: 3 - fraction.count) + fraction
        return "\(micros / 1000).\(padded) ms \(delay >= 0 ? "before" : "after") the packet"
    }
}
