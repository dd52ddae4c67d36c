/// Formats with 8 bytes of payload for which a rule is enough. Facts only, each with where it is known from.
enum StarterPack {
    /// The narrow ones first: what they fit, a wide one may fit too.
    static let rules: [Rule] = games + voice + telephony + tunnels + others + weak

    private static let games: [Rule] = [
        rule(
            "quake-connectionless", "a connectionless game message (FFFFFFFF and a word), as in Quake's ping",
            "Quake network protocol; Valve developer wiki, Server queries",
            bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], mask: [0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x80, 0x80, 0x80]),
        rule(
            "enet-ping", "a ping of the ENet game library", "ENet protocol.h: header with sent time, command 5 | 0x80",
            bytes: [0x80, 0, 0, 0, 0x85, 0xFF, 0, 0], mask: [0x80, 0, 0, 0, 0xFF, 0xFF, 0, 0]),
    ]

    private static let voice: [Rule] = [
        rule(
            "discord-ping", "a Discord voice ping (1337CAFE and a counter)", "nDPI discord.c",
            bytes: [0x13, 0x37, 0xCA, 0xFE]),
        rule(
            "discord-pong", "the answer to a Discord voice ping (1337F00D and its counter)",
            "Discord voice clients' observed answer", bytes: [0x13, 0x37, 0xF0, 0x0D]),
        rule(
            "teamspeak-3-init", "a TeamSpeak 3 message without body", "TeamSpeak 3 protocol: MAC of the low-level init",
            bytes: Array("TS3INIT1".utf8)),
        rule(
            "teamspeak-2", "a TeamSpeak 2 message", "l7-filter teamspeak.pat; libprotoident lpi_teamspeak.cc",
            bytes: [0xF4, 0xBE, 0x03, 0]),
        rule(
            "teamspeak-ping", "8 bytes at TeamSpeak 3's own port 9987", "nDPI teamspeak.c",
            either: 9987...9987),
        rule(
            "teamspeak-2-ping", "8 bytes at TeamSpeak 2's own port 8767", "nDPI teamspeak.c", either: 8767...8767),
        rule(
            "line-call-keepalive", "a keep-alive of a LINE call (B6070004)", "nDPI line.c",
            bytes: [0xB6, 0x07, 0, 0x04]),
    ]

    private static let telephony: [Rule] = [
        rule(
            "rtcp-empty-rr", "an RTCP receiver report without blocks, which keeps a conference's path open",
            "RFC 3550, section 6.4.2", bytes: [0x80, 0xC9, 0, 0x01]),
        rule("rtcp-bye", "an RTCP BYE of one source", "RFC 3550, section 6.6", bytes: [0x81, 0xCB, 0, 0x01]),
        rule(
            "rtcp-short", "an RTCP packet of two words", "RFC 3550, section 6.1; types 192 to 223 by RFC 5761",
            bytes: [0x80, 0xC0, 0, 0x01], mask: [0xC0, 0xE0, 0xFF, 0xFF]),
        rule(
            "gtpv1-echo", "a GTPv1 echo request without a sequence number", "3GPP TS 29.281, sections 5.1 and 7.2.1",
            bytes: [0x30, 0x01, 0, 0]),
        rule(
            "gtpv1-end-marker", "a GTP-U end marker", "3GPP TS 29.281, section 7.3.2", bytes: [0x30, 0xFE, 0, 0]),
        rule(
            "gtpv2-echo", "a GTPv2-C echo request or version notice of 8 bytes", "3GPP TS 29.274, sections 5.1 and 7.1",
            bytes: [0x40, 0x01, 0, 0x04], mask: [0xFF, 0xFD, 0xFF, 0xFF]),
        rule(
            "turn-channel-data", "TURN ChannelData with 4 bytes of data",
            "RFC 5766, section 11.4; RFC 8656, section 12.4",
            bytes: [0x40, 0, 0, 0x04], mask: [0xC0, 0, 0xFF, 0xFF]),
    ]

    private static let tunnels: [Rule] = [
        rule(
            "vxlan-bare", "a VXLAN header without a frame", "RFC 7348, section 5", bytes: [0x08, 0, 0, 0, 0, 0, 0, 0],
            mask: [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0xFF]),
        rule(
            "geneve-bare", "a GENEVE header without a frame", "RFC 8926, section 3.4",
            bytes: [0, 0, 0x65, 0x58, 0, 0, 0, 0], mask: [0xFF, 0x3F, 0xFF, 0xFF, 0, 0, 0, 0xFF]),
        rule(
            "geneve-bare-port", "a GENEVE header without payload, at its own port", "RFC 8926, sections 3.3 and 3.4",
            bytes: [0, 0, 0, 0, 0, 0, 0, 0], mask: [0xFF, 0x3F, 0, 0, 0, 0, 0, 0xFF], either: 6081...6081),
    ]

    private static let others: [Rule] = [
        rule(
            "hart-ip", "a HART-IP header without a body", "Wireshark packet-hartip.c: version 1, types to 15, length 8",
            bytes: [0x01, 0, 0, 0, 0, 0, 0, 0x08], mask: [0xFF, 0xF0, 0xFC, 0, 0, 0, 0xFF, 0xFF]),
        rule(
            "hncp-request", "a request for a node's state by HNCP (one DNCP TLV)",
            "RFC 7787, section 7.1.2; RFC 7788: node identifiers of 4 bytes", bytes: [0, 0x02, 0, 0x04]),
        rule(
            "hncp-port", "8 bytes at HNCP's own port 8231", "RFC 7788, section 13", either: 8231...8231),
        rule(
            "memcached-header", "a memcached UDP header without a command", "memcached protocol.txt, UDP protocol",
            bytes: [0, 0, 0, 0x01, 0, 0], offset: 2),
        rule(
            "memcached-port", "a memcached UDP header at its own port", "memcached protocol.txt, UDP protocol",
            bytes: [0, 0], offset: 6, either: 11211...11211),
    ]

    private static let weak: [Rule] = [
        // A counter alone says little; Discord's voice servers are in this port range.
        rule(
            "discord-counter", "a Discord library's voice keep-alive (a little-endian counter and four zeros)",
            "discord.js VoiceUDPSocket: a counter every 5 s", bytes: [0, 0, 0, 0], offset: 4, either: 50000...65535)
    ]

    private static func rule(
        _ name: String, _ description: String, _ reference: String, bytes: [UInt8] = [], mask: [UInt8]? = nil,
        offset: Int = 0, either: ClosedRange<UInt16>? = nil
    ) -> Rule {
        var rule = Rule(name: name, description: description, transports: .udp)
        rule.reference = reference
        rule.payloadLength = 8...8
        if let either { rule.eitherPorts = [either] }
        guard !bytes.isEmpty else { return rule }
        do throws(PayloadPattern.Problem) {
            try rule.pattern.add(bytes, mask: mask, at: offset)
        } catch {
            // A pattern of this file that does not fit is a mistake of this file.
            preconditionFailure("the pattern of \(name) does not fit: \(error)")
        }
        return rule
    }
}
