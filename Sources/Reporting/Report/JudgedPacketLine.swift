internal import Classification
internal import Correlation
internal import Records
internal import TextEscaping

extension JudgedPacket {
    /// A packet's line of NDJSON as `live`, `join` and `classify` write it; nil for what is none.
    init?(line: JSONValue) {
        guard let time = line["@timestamp"]?.string.flatMap({ Timestamp($0) }), let own = line["whosent"],
            let frame = own["frame"]?.integer(UInt64.self), let payload = own["payload"],
            let length = payload["length"]?.integer(UInt32.self),
            let kind = Verdict.Kind.allCases.first(where: { $0.name == own["verdict"]?.string }),
            let confidence = Verdict.Confidence.allCases.first(where: { $0.name == own["confidence"]?.string }),
            let method = Verdict.Method.allCases.first(where: { $0.name == own["method"]?.string }),
            let reason = own["reason"]?.string, let action = line["event"]?["action"]?.string,
            let prefix = Self.prefix(payload["prefix"]?.string)
        else { return nil }
        self.time = time
        self.method = method
        self.reason = printable(reason)
        place = SenderGroup.FramePlace(capture: printable(own["capture"]?.string ?? ""), frame: frame)
        identity = GroupIdentity(kind: kind, confidence: confidence)
        protocolName = Self.protocolName(action: action)
        bytes = line["network"]?["bytes"]?.integer() ?? 0
        payloadLength = length
        payloadPrefix = prefix
        destination = Self.destination(line, isUDP: action == "udp-send")
        guard takeSender(line, own) else { return nil }
        if let tag = own["tag"]?.string {
            identity.tag = printable(tag)
            identity.tagConfidence = Tag.Confidence.allCases.first { $0.name == own["tag_confidence"]?.string }
            tagReasons = (own["tag_reasons"]?.elements ?? []).compactMap(\.string).map(printable)
        }
        settle()
    }

    /// A verdict that names a process without having one, or two names for one packet, is no line of ours.
    private mutating func takeSender(_ line: JSONValue, _ own: JSONValue) -> Bool {
        identity.host = line["host"]?["name"]?.string.map(printable)
        identity.candidates = (own["candidates"]?.elements ?? []).map(Self.candidate)
        identity.onBehalfOf = own["on_behalf_of"].map(Self.candidate)
        identity.tunnelOwner = own["tunnel"]?["owner"].map(Self.candidate)
        if identity.kind == .forwarded {
            identity.origin = line["observer"]?["ingress"]?["interface"]?["name"]?.string.map(printable)
        }
        let isNamed = identity.kind == .process && identity.confidence > .ambiguous
        guard isNamed == (line["process"] != nil) else { return false }
        guard let object = line["process"] else { return true }
        guard var process = ProcessDescription(object, depth: 0) else { return false }
        process.containerID = line["container"]?["id"]?.string
        process.serviceName = line["service"]?["name"]?.string
        process.image = own["image"]?.string.flatMap { ProcessDescription.ImageState(rawValue: $0) }
        take(process)
        return true
    }

    private static func candidate(_ object: JSONValue) -> SenderGroup.Candidate {
        candidate(object["pid"]?.integer() ?? 0, object["name"]?.string, host: object["host"]?.string)
    }

    /// `192.0.2.1:53`, `[2001:db8::1]:53`, or the address alone, as in the other formats.
    private static func destination(_ line: JSONValue, isUDP: Bool) -> String? {
        guard let object = line["destination"], let address = object["ip"]?.string,
            (line["whosent"]?["fragment"]?["offset"]?.integer(UInt32.self) ?? 0) == 0
        else { return nil }
        guard isUDP else { return printable(address) }
        guard let port = object["port"]?.integer(UInt16.self) else { return nil }
        return address.utf8.contains(UInt8(ascii: ":"))
            ? "[\(printable(address))]:\(port)" : "\(printable(address)):\(port)"
    }

    /// The hexadecimal digits of at most 16 bytes; nil for anything else.
    private static func prefix(_ text: String?) -> PayloadPrefix? {
        guard let text else { return PayloadPrefix() }
        let digits = text.utf8.map(hexValue)
        guard digits.count.isMultiple(of: 2), digits.count <= 2 * PayloadPrefix.capacity else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return PayloadPrefix(bytes)
    }
}

extension ProcessDescription {
    /// ECS's `process` object; ancestors are nested in it, so `depth` bounds them.
    fileprivate init?(_ object: JSONValue, depth: Int) {
        guard let pid = object["pid"]?.integer(UInt32.self) else { return nil }
        self.init(pid: pid, name: object["name"]?.string)
        innerPID = object["vpid"]?.integer()
        executable = object["executable"]?.string
        arguments = object["args"]?.elements?.compactMap(\.string)
        start = object["start"]?.string.flatMap { Timestamp($0) }
        entityID = object["entity_id"]?.string
        sha256 = object["hash"]?["sha256"]?.string
        user = Self.principal(object["user"])
        group = Self.principal(object["group"])
        guard let parent = object["parent"], depth < Self.ancestorLimit,
            var nearest = ProcessDescription(parent, depth: depth + 1)
        else { return }
        let rest = nearest.parents
        nearest.parents = []
        parents = [nearest] + rest
    }

    private static func principal(_ object: JSONValue?) -> Principal? {
        object?["id"]?.string.map { Principal(id: $0, name: object?["name"]?.string) }
    }
}
