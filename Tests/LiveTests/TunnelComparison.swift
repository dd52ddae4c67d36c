/// Rows 31, 31b and 34: what is said of packets around a tunnel.
extension Comparison {
    private static let vxlanPort = 4789
    private static let wireguardPorts = 51820...51821
    private static let host: [Family: String] = [.ipv4: "192.0.2.1", .ipv6: "2001:db8:1::1"]

    /// Whom a line says to have written a packet into a TUN device.
    static func judge(
        _ line: ReportedLine, of packet: SentPacket, from interface: String, _ holding: TunnelHolding
    ) -> Sighting {
        let tunnel = line.whosent.tunnel
        let holders = (line.whosent.candidates ?? []).map(\.pid)
        let said =
            "tunnel \(tunnel?.name ?? "none"), owner \(tunnel?.owner?.pid ?? 0), holders \(holders); \(packet.pid)"
        guard tunnel?.name == interface else { return .incomplete(said) }
        let isProbable = line.whosent.confidence == "probable"
        switch holding {
        case .owner, .gone:
            guard let owner = tunnel?.owner else { return holding == .gone ? .right : .incomplete(said) }
            if owner.pid != packet.pid { return .wrong(said) }
            return isProbable && holders.isEmpty ? .right : .incomplete(said)
        case .several:
            if tunnel?.owner != nil { return .wrong("one of two: \(said)") }
            return isProbable && holders.count == 2 && holders.contains(packet.pid) ? .right : .incomplete(said)
        }
    }

    /// The packets that carry row 31's, in the order of those.
    ///
    /// Over IPv6 the outer packets of one inner flow are alike: where several processes share the flow, nobody is named.
    func vxlanResult(carrying inner: [SentPacket], _ family: Family) -> RowResult {
        var result = RowResult(
            row: "31", title: "VXLAN, outer packets", expected: "kernel, on behalf of the process", way: way,
            family: family)
        result.sent = inner.count
        // 14 bytes of Ethernet, 8 of VXLAN, 8 of UDP, and the IP header before the inner IP packet.
        let lengths = Set(inner.map { $0.length + 8 + 30 + (family == .ipv4 ? 40 : 80) })
        let outer = strays.filter {
            $0.source.ip == Self.host[family] && $0.destination.port == Self.vxlanPort
                && lengths.contains($0.network.bytes)
        }.sorted { $0.whosent.frame < $1.whosent.frame }
        guard outer.count == inner.count else {
            result.miscounted = abs(inner.count - outer.count)
            result.note("\(outer.count) outer packets, not \(inner.count)")
            return result
        }
        for (line, packet) in zip(outer, inner) {
            let isShared = family == .ipv6 && packet.mode == "shared-in-turn"
            result.add([judgeOuter(line, of: packet, mayBeAnybody: isShared)])
        }
        return result
    }

    private func judgeOuter(_ line: ReportedLine, of packet: SentPacket, mayBeAnybody: Bool) -> Sighting {
        let named = line.whosent.onBehalfOf?.pid
        let said = "\(line.whosent.verdict) for \(named ?? 0), \(line.whosent.reason); \(packet.mode) \(packet.pid)"
        if line.whosent.verdict == "unknown" { return .unknown(said) }
        guard line.whosent.verdict == "kernel", named == nil || named == packet.pid else { return .wrong(said) }
        guard line.whosent.confidence == "exact" else { return .incomplete(said) }
        return named != nil || mayBeAnybody ? .right : .incomplete(said)
    }

    /// WireGuard's own packets, its handshakes among them.
    func wireguardResult(atLeast count: Int, _ family: Family) -> RowResult {
        var result = RowResult(
            row: "31b", title: "WireGuard, outer packets", expected: "kernel", way: way, family: family)
        let outer = strays.filter {
            $0.source.ip == Self.host[family] && Self.wireguardPorts.contains($0.destination.port ?? 0)
        }
        result.sent = max(outer.count, count)
        for line in outer {
            let said = "\(line.whosent.verdict) \(line.whosent.confidence): \(line.whosent.reason)"
            switch (line.whosent.verdict, line.whosent.confidence) {
            case ("kernel", "probable"), ("kernel", "exact"): result.add([.right])
            case ("unknown", _): result.add([.unknown(said)])
            case ("kernel", _): result.add([.incomplete(said)])
            default: result.add([.wrong(said)])
            }
        }
        if outer.count < count { result.note("\(outer.count) outer packets, fewer than \(count)") }
        return result
    }
}

extension LabSession {
    /// What the kernel made to carry the packets of rows 31 and 31b.
    func outerResults(_ comparison: Comparison, _ way: Way, _ family: Family) -> [RowResult] {
        func inner(_ row: String) -> [SentPacket] { sent.filter { $0.row == row && $0.family == family } }
        var results = [comparison.vxlanResult(carrying: inner("31"), family)]
        var wireguard = comparison.wireguardResult(atLeast: max(inner("31b").count, 1), family)
        wireguard.notRun = skipped["31b"]
        results.append(wireguard)
        return results
    }
}
