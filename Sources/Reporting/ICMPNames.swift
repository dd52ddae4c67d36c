/// Names of ICMP types as people know them (IANA, "ICMP Parameters" and "ICMPv6 Parameters").
enum ICMPNames {
    /// The type's name with what its code says where that matters, else its numbers.
    static func text(type: UInt8, code: UInt8, isV6: Bool) -> String {
        let name = isV6 ? nameV6(type: type, code: code) : nameV4(type: type, code: code)
        return name ?? "type \(type) code \(code)"
    }

    private static func nameV4(type: UInt8, code: UInt8) -> String? {
        switch (type, code) {
        case (0, 0): "echo reply"
        case (3, 0): "net unreachable"
        case (3, 1): "host unreachable"
        case (3, 2): "protocol unreachable"
        case (3, 3): "port unreachable"
        case (3, 4): "fragmentation needed"
        case (3, 9...10), (3, 13): "unreachable, prohibited"
        case (3, _): "unreachable, code \(code)"
        case (5, _): "redirect"
        case (8, 0): "echo request"
        case (9, _): "router advertisement"
        case (10, _): "router solicitation"
        case (11, _): "time exceeded"
        case (12, _): "parameter problem"
        case (13, _): "timestamp request"
        case (14, _): "timestamp reply"
        default: nil
        }
    }

    private static func nameV6(type: UInt8, code: UInt8) -> String? {
        switch (type, code) {
        case (1, 0): "no route"
        case (1, 1): "unreachable, prohibited"
        case (1, 3): "address unreachable"
        case (1, 4): "port unreachable"
        case (1, _): "unreachable, code \(code)"
        case (2, _): "packet too big"
        case (3, _): "time exceeded"
        case (4, _): "parameter problem"
        case (128, 0): "echo request"
        case (129, 0): "echo reply"
        case (130, _): "multicast listener query"
        case (131, _): "multicast listener report"
        case (132, _): "multicast listener done"
        case (133, _): "router solicitation"
        case (134, _): "router advertisement"
        case (135, _): "neighbor solicitation"
        case (136, _): "neighbor advertisement"
        case (137, _): "redirect"
        case (143, _): "multicast listener report v2"
        default: nil
        }
    }
}
