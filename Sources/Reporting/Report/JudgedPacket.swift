internal import Classification
internal import Correlation
internal import Records

/// What a report takes of one packet, whether it was just judged or is a line of an earlier run's NDJSON.
struct JudgedPacket {
    var time: Timestamp
    var place: SenderGroup.FramePlace
    var identity: GroupIdentity
    var hash: String?
    var parents: [ProcessDescription] = []
    var method: Verdict.Method
    var reason: String
    var tagReasons: [String] = []
    var protocolName: String
    var bytes: UInt32
    /// nil for fragments, which have no ports.
    var destination: String?
    var payloadLength: UInt32
    var payloadPrefix: PayloadPrefix
}

/// What tells one group of a report from another.
struct GroupIdentity: Hashable {
    var kind: Verdict.Kind
    var confidence: Verdict.Confidence
    /// The process without its hash and its parents, which may become known while it runs.
    var process: ProcessDescription?
    var host: String?
    var candidates: [SenderGroup.Candidate] = []
    var origin: String?
    var onBehalfOf: SenderGroup.Candidate?
    var tunnelOwner: SenderGroup.Candidate?
    var tag: String?
    var tagConfidence: Tag.Confidence?
    /// For unknown packets the reason without its figures.
    var reasonForm: String?
}

extension JudgedPacket {
    /// The packet as it was judged.
    init(_ reported: ReportedPacket) {
        let packet = reported.packet
        let verdict = reported.verdict
        time = packet.time
        place = SenderGroup.FramePlace(capture: printable(reported.captureName), frame: packet.frame)
        method = verdict.method
        reason = printable(verdict.reason.description)
        identity = GroupIdentity(kind: verdict.kind, confidence: verdict.confidence)
        identity.host = reported.hostName.map(printable)
        identity.candidates = Self.candidates(reported)
        identity.onBehalfOf = reported.onBehalfOf.map { Self.candidate($0.pid, $0.name) }
        identity.tunnelOwner = reported.tunnelOwner.map { Self.candidate($0.process.pid, $0.name) }
        if verdict.kind == .forwarded { identity.origin = reported.ingressInterface.map(printable) }
        protocolName = Self.protocolName(action: packet.ip.eventAction)
        bytes = packet.ip.totalLength
        payloadLength = packet.ip.payloadLength
        payloadPrefix = packet.ip.payloadPrefix
        if SummaryTable.Destination(packet.ip) != nil {
            destination = PacketLine.endpoint(packet.ip.destination, packet.ip.knownDestinationPort)
        }
        if let tag = reported.tag {
            identity.tag = printable(tag.name)
            identity.tagConfidence = tag.confidence
            tagReasons = tag.reasons.map(printable)
        }
        if let process = reported.shownProcess { take(process) }
        settle()
    }

    /// Takes the process apart into what identifies its group and what may become known later.
    mutating func take(_ shown: ProcessDescription) {
        var process = shown.madePrintable
        hash = process.sha256
        parents = process.parents
        process.sha256 = nil
        process.parents = []
        identity.process = process
    }

    /// Command lines may hold secrets (`--no-args`).
    mutating func removeArguments() {
        identity.process?.arguments = nil
        for index in parents.indices { parents[index].arguments = nil }
    }

    /// What follows from the rest.
    mutating func settle() {
        identity.candidates.sort { ($0.pid, $0.name ?? "", $0.host ?? "") < ($1.pid, $1.name ?? "", $1.host ?? "") }
        if identity.kind == .unknown { identity.reasonForm = ReasonForm.of(reason) }
    }

    private static func candidates(_ reported: ReportedPacket) -> [SenderGroup.Candidate] {
        var candidates = reported.verdict.candidates.enumerated().map { index, candidate in
            Self.candidate(
                candidate.sender.process.pid, reported.candidateName(index), host: reported.candidateHost(index))
        }
        if reported.hasSeveralHolders, let holders = reported.verdict.tunnel?.holders {
            candidates += holders.map { Self.candidate($0.process.pid, $0.name) }
        }
        return candidates
    }

    static func candidate(_ pid: UInt32, _ name: String?, host: String? = nil) -> SenderGroup.Candidate {
        SenderGroup.Candidate(pid: pid, name: name.flatMap(known), host: host.flatMap(known))
    }

    /// Absent means unknown, and so does empty.
    private static func known(_ text: String) -> String? { text.isEmpty ? nil : printable(text) }

    /// ECS `event.action` in words.
    static func protocolName(action: String) -> String {
        switch action {
        case "udp-send": "UDP"
        case "icmp-echo-request": "ICMP echo request"
        case "icmp-echo-reply": "ICMP echo reply"
        default: "other ICMP"
        }
    }
}

/// Reasons without the figures that differ from packet to packet.
enum ReasonForm {
    /// The sentence with every run of digits as one sign.
    static func of(_ reason: String) -> String {
        var form: [UInt8] = []
        form.reserveCapacity(reason.utf8.count)
        for byte in reason.utf8 {
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                if form.last != UInt8(ascii: "#") { form.append(UInt8(ascii: "#")) }
            } else {
                form.append(byte)
            }
        }
        return String(decoding: form, as: UTF8.self)
    }
}

extension ProcessDescription {
    /// Every text through the last gate before output, and nothing that is empty.
    var madePrintable: ProcessDescription {
        func checked(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : printable($0) } }
        func checked(_ principal: Principal?) -> Principal? {
            principal.flatMap { $0.id.isEmpty ? nil : Principal(id: printable($0.id), name: checked($0.name)) }
        }
        var result = self
        result.name = checked(name)
        result.executable = checked(executable)
        result.arguments = arguments?.map(printable)
        result.entityID = checked(entityID)
        result.user = checked(user)
        result.group = checked(group)
        result.sha256 = checked(sha256)
        result.containerID = checked(containerID)
        result.serviceName = checked(serviceName)
        result.parents = Array(parents.prefix(Self.ancestorLimit).prefix { $0.pid != 0 }).map(\.madePrintable)
        return result
    }
}
