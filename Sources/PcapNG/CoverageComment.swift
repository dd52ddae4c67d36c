public import Records
public import TextEscaping

/// What a file says it covers, as the JSON comment of its section header and, for interfaces that do not fit there or come
/// later, of statistics blocks.
public enum CoverageComment {
    /// The section header's comment.
    ///
    /// - Parameters:
    ///   - kind: what kind of file it is.
    ///   - clock: how time stamps were made.
    ///   - coverage: `interfaces`, `stop` and `losses` are not taken from it.
    ///   - interfaces: the first of the coverage's ``portions(_:)``; the others follow in statistics blocks.
    public static func header(
        kind: String, clock: String, _ coverage: Coverage, interfaces: [HostInterface]
    ) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("whosent", kind)
            json.member("host", coverage.host)
            json.member("boot_id", coverage.bootID)
            json.member("clock", clock)
            json.member("start", coverage.start.description)
            json.member("filter", coverage.filter)
            json.member("only_interface", coverage.onlyInterface)
            json.key("wire")
            json.value(coverage.includesWire)
            json.member("interface_count", coverage.interfaces.count)
            write(interfaces, to: &json)
        }
        return json.bytes
    }

    /// Interfaces in portions that a comment can hold. One with very many addresses is written several times; the
    /// reader adds the addresses up.
    public static func portions(_ interfaces: [HostInterface]) -> [[HostInterface]] {
        var portions: [[HostInterface]] = []
        var room = 0
        for interface in interfaces {
            var rest = interface.addresses[...]
            repeat {
                var part = interface
                part.addresses = Array(rest.prefix(500))
                rest = rest.dropFirst(500)
                // 200 bytes hold the other members; an address with its prefix takes at most 46.
                let size = 200 + 2 * interface.name.utf8.count + 46 * part.addresses.count
                if size > room {
                    portions.append([])
                    room = 48_000
                }
                room -= size
                portions[portions.count - 1].append(part)
            } while !rest.isEmpty
        }
        return portions
    }

    /// The comment of a statistics block with one of the ``portions(_:)``.
    public static func interfaces(_ interfaces: [HostInterface]) -> [UInt8] {
        var json = JSONWriter()
        json.object { write(interfaces, to: &$0) }
        return json.bytes
    }

    private static func write(_ interfaces: [HostInterface], to json: inout JSONWriter) {
        json.key("interfaces")
        json.array { json in
            for interface in interfaces {
                json.object { json in
                    json.member("index", interface.index)
                    json.member("name", interface.name)
                    json.member("netns", interface.namespace)
                    json.member("mac", interface.mac?.description)
                    if interface.isTunnel {
                        json.key("tunnel")
                        json.value(true)
                    }
                    if interface.isVirtual {
                        json.key("virtual")
                        json.value(true)
                    }
                    json.key("addresses")
                    json.array { json in
                        for network in interface.addresses { json.value("\(network.address)/\(network.prefixLength)") }
                    }
                }
            }
        }
    }
}

// Reading.
extension CoverageComment {
    /// What a section header's comment says; nil where it is not one of ours.
    public static func readHeader(_ json: JSONValue) -> (kind: String, coverage: Coverage, interfaceCount: Int)? {
        guard let kind = json["whosent"]?.string,
            let start = json["start"]?.string.flatMap({ Timestamp($0) }), let wire = json["wire"]?.flag
        else { return nil }
        let coverage = Coverage(
            host: json.escaped("host"), bootID: json.escaped("boot_id"), start: start,
            filter: json.escaped("filter") ?? "", onlyInterface: json.escaped("only_interface"),
            interfaces: readInterfaces(json) ?? [], includesWire: wire)
        return (kind, coverage, json["interface_count"]?.integer() ?? 0)
    }

    /// The interfaces of a comment; nil where it has none.
    public static func readInterfaces(_ json: JSONValue) -> [HostInterface]? {
        json["interfaces"]?.elements?.compactMap { element in
            guard let index = element["index"]?.integer(UInt32.self), let name = element.escaped("name"),
                let namespace = element["netns"]?.integer(UInt32.self)
            else { return nil }
            var interface = HostInterface(
                index: index, name: name, namespace: namespace,
                mac: element["mac"]?.string.flatMap(MACAddress.init(text:)),
                addresses: (element["addresses"]?.elements ?? []).compactMap {
                    $0.string.flatMap(HostInterface.Network.init)
                })
            interface.isTunnel = element["tunnel"]?.flag ?? false
            interface.isVirtual = element["virtual"]?.flag ?? false
            return interface
        }
    }
}
