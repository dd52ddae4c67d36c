import PcapNG
import Records
import TextEscaping

/// What a wire record's packet block does not hold by itself, as its JSON comment.
enum WireComment {
    static func write(_ record: WireRecord, to json: inout JSONWriter) {
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
            if let before = record.beforeNAT {
                json.member("before_nat") { json in
                    json.member("source", before.source.description)
                    json.member("destination", before.destination.description)
                    json.member("source_port", before.sourcePort)
                    json.member("destination_port", before.destinationPort)
                }
            }
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
}
