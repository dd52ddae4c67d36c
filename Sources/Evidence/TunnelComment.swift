import PcapNG
import Records
import TextEscaping

/// A look at who holds the TUN and TAP devices, as the JSON comment of a statistics block.
enum TunnelComment {
    /// Beyond these a comment might not fit into its option.
    private static let mostHolders = 256

    static func encode(_ scan: TunnelScan) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("tunnels") { json in
                json.member("time", scan.time.description)
                json.key("whole")
                json.value(scan.isWhole && scan.holders.count <= mostHolders)
                json.key("holders")
                json.array { json in
                    for holder in scan.holders.prefix(mostHolders) { write(holder, to: &json) }
                }
            }
        }
        return json.bytes
    }

    private static func write(_ holder: TunnelHolder, to json: inout JSONWriter) {
        json.object { json in
            json.member("netns", holder.namespace)
            json.member("name", holder.interface)
            json.member("pid", holder.process.pid)
            json.member("start", holder.process.startTime)
            json.member("process", holder.name)
        }
    }

    /// The scan of a comment; nil where it has none. A holder that is malformed is left out, and the scan is not whole
    /// then.
    static func decode(_ json: JSONValue, host: UInt16) -> TunnelScan? {
        guard let scan = json["tunnels"], let time = scan["time"]?.string.flatMap({ Timestamp($0) }),
            let elements = scan["holders"]?.elements
        else { return nil }
        let holders = elements.prefix(mostHolders).compactMap(holder)
        return TunnelScan(
            time: time, holders: holders, isWhole: scan["whole"]?.flag == true && holders.count == elements.count,
            host: host)
    }

    private static func holder(_ json: JSONValue) -> TunnelHolder? {
        guard let namespace = json["netns"]?.integer(UInt32.self), let interface = json.escaped("name"),
            let pid = json["pid"]?.integer(UInt32.self), pid != 0, let start = json["start"]?.integer(UInt64.self)
        else { return nil }
        return TunnelHolder(
            namespace: namespace, interface: interface, process: ProcessKey(pid: pid, startTime: start),
            name: json.escaped("process"))
    }
}
