extension PacketFilter {
    /// The first word of an expression that would have to be looked up: a host's name in the DNS, a port's or a
    /// protocol's in the machine's own tables. Nil where there is none: then the expression means the same everywhere,
    /// and compiling it sends nothing.
    public static func nameToLookUp(in expression: String) -> String? {
        expression.split { " \t\n\r()[]!&|<>=+*,^%~".contains($0) }
            .first { !means(String($0).lowercased()) }
            .map(String.init)
    }

    private static func means(_ word: String) -> Bool {
        // A backslash makes a protocol of a keyword.
        let bare = word.hasPrefix("\\") ? String(word.dropFirst()) : word
        return words.contains(bare) || isNumeric(bare)
    }

    /// Numbers, ranges, addresses with and without prefix length.
    private static func isNumeric(_ word: String) -> Bool {
        let digits = "0123456789"
        if word.hasPrefix("0x") { return word.dropFirst(2).allSatisfy { "\(digits)abcdef".contains($0) } }
        // IPv6 and Ethernet addresses: no name has a colon.
        if word.contains(":") { return word.allSatisfy { "\(digits)abcdef:./-".contains($0) } }
        return !word.isEmpty && word.allSatisfy { "\(digits)./-".contains($0) }
    }

    /// What pcap-filter(7) itself gives a meaning.
    private static let words: Set<String> = [
        "src", "dst", "host", "net", "mask", "port", "portrange", "gateway", "proto", "protochain", "less", "greater",
        "byte", "broadcast", "multicast", "and", "or", "not", "len", "length", "inbound", "outbound", "vlan", "mpls",
        "pppoed", "pppoes", "geneve", "link", "ether", "ppp", "slip", "arp", "rarp", "ip", "ip6", "sctp", "tcp", "udp",
        "icmp", "icmp6", "igmp", "pim", "vrrp", "carp", "ah", "esp", "stp", "type", "icmptype", "icmpcode",
        "icmp-echo", "icmp-echoreply", "icmp-unreach", "icmp-redirect", "icmp-timxceed", "icmp-paramprob",
        "icmp6type", "icmp6code", "icmp6-echo", "icmp6-echoreply", "icmp6-destinationrunreach", "icmp6-packettoobig",
        "icmp6-timeexceeded", "icmp6-parameterproblem", "tcpflags", "tcp-fin", "tcp-syn", "tcp-rst", "tcp-push",
        "tcp-ack", "tcp-urg", "tcp-ece", "tcp-cwr",
    ]
}
