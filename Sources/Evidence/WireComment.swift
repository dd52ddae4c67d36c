import PacketDecoding
import PcapNG
import Records
import TextEscaping

/// What a wire record's packet block does not hold by itself, as its JSON comment.
enum WireComment {
    /// Enough of a packet inside another for its identity: the longest headers and 16 bytes of payload.
    private static let mostInnerBytes = 96

    /// - Parameter bytes: the packet from its IP header on, as far as it was recorded.
    static func write(_ record: WireRecord, bytes: RawSpan, originalLength: Int, to json: inout JSONWriter) {
        json.removeAll()
        json.object { json in
            switch record.origin {
            case .kernel:
                json.member("origin", "kernel")
            case .forwarded(let index, let name):
                json.member("origin", "forwarded")
                json.member("ingress") { json in
                    json.member("index", index)
                    json.member("name", name)
                }
            }
            json.key("kernel_socket")
            json.value(record.hasKernelSocket)
            if record.isAtPort {
                json.key("at_port")
                json.value(true)
            }
            if let before = record.beforeNAT {
                json.member("before_nat") { json in
                    json.member("source", before.source.description)
                    json.member("destination", before.destination.description)
                    json.member("source_port", before.sourcePort)
                    json.member("destination_port", before.destinationPort)
                }
            }
            writeInner(record, bytes, originalLength, to: &json)
            if record.namespace != 0 { json.member("netns", record.namespace) }
            if record.interface != 0 { json.member("interface", record.interface) }
        }
    }

    /// Sets what the comment says; false where it is malformed.
    static func read(_ comment: RawSpan, into record: inout WireRecord) -> Bool {
        guard let json = JSONValue(comment.array), let socket = json["kernel_socket"]?.flag else { return false }
        switch json["origin"]?.string {
        case "kernel": record.origin = .kernel
        case "forwarded":
            guard let index = json["ingress"]?["index"]?.integer(UInt32.self) else { return false }
            record.origin = .forwarded(ingressInterface: index, ingressName: json["ingress"]?.escaped("name"))
        default: return false
        }
        record.hasKernelSocket = socket
        record.isAtPort = json["at_port"]?.flag ?? false
        if let inner = json["inner"] {
            guard readInner(inner, into: &record) else { return false }
        }
        if let before = json["before_nat"] {
            guard let source = before["source"]?.string.flatMap({ IPAddress(text: Substring($0)) }),
                let destination = before["destination"]?.string.flatMap({ IPAddress(text: Substring($0)) })
            else { return false }
            record.beforeNAT = UntranslatedTuple(
                source: source, destination: destination, sourcePort: before["source_port"]?.integer() ?? 0,
                destinationPort: before["destination_port"]?.integer() ?? 0)
        }
        record.namespace = json["netns"]?.integer() ?? 0
        record.interface = json["interface"]?.integer() ?? 0
        return true
    }

    /// The packet inside stands behind what the file keeps of the outer one, so it goes into the comment.
    private static func writeInner(
        _ record: WireRecord, _ bytes: RawSpan, _ originalLength: Int, to json: inout JSONWriter
    ) {
        let offset = Int(record.innerOffset)
        guard offset > 0 else { return }
        let end = min(bytes.byteCount, offset + mostInnerBytes)
        json.member("inner") { json in
            json.member("offset", record.innerOffset)
            json.member("length", max(originalLength - offset, 0))
            guard record.inner != nil, offset < end else { return }
            var text = ""
            for index in offset..<end {
                let digits = String(bytes.byte(at: index), radix: 16)
                text += digits.count == 1 ? "0" + digits : digits
            }
            json.member("bytes", text)
        }
    }

    private static func readInner(_ json: JSONValue, into record: inout WireRecord) -> Bool {
        guard let offset = json["offset"]?.integer(UInt16.self), offset > 0,
            let length = json["length"]?.integer(Int.self), length >= 0
        else { return false }
        record.innerOffset = offset
        guard let text = json["bytes"]?.string else { return true }
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0, digits.count <= 2 * mostInnerBytes else { return false }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return false
            }
            bytes.append(byte)
        }
        record.inner = decodeIP(bytes.rawSpan, originalLength: length)
        return record.inner != nil
    }
}
