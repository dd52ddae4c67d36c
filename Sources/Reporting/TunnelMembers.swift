internal import Correlation
internal import Records
internal import TextEscaping

/// What is said of a packet that has to do with a tunnel: whose packet is inside, or out of which device it came.
extension ReportedPacket {
    /// The only process that held the TUN or TAP device that the packet came out of.
    var tunnelOwner: TunnelHolder? {
        guard let holders = verdict.tunnel?.holders, holders.count == 1 else { return nil }
        return holders.first
    }

    /// Several processes held the device: they are candidates.
    var hasSeveralHolders: Bool { (verdict.tunnel?.holders.count ?? 0) > 1 }

    /// The link-layer address of the source.
    var sourceMAC: MACAddress? { isRouted ? ingressMAC : packet.sourceMAC }

    /// Writes `on_behalf_of` and `tunnel` as the next members.
    func writeTunnels(to json: inout JSONWriter) {
        if let process = onBehalfOf {
            json.member("on_behalf_of") { json in
                json.member("pid", process.pid)
                json.text("name", process.name)
            }
        }
        guard let tunnel = verdict.tunnel else { return }
        json.member("tunnel") { json in
            json.text("name", tunnel.interface)
            guard let owner = tunnelOwner else { return }
            json.member("owner") { json in
                json.member("pid", owner.process.pid)
                json.text("name", owner.name)
            }
        }
    }

    /// Appends the holders of a device that several processes hold to an array of candidates.
    func writeHolders(to json: inout JSONWriter) {
        guard hasSeveralHolders, let holders = verdict.tunnel?.holders else { return }
        for holder in holders {
            json.object { json in
                json.member("pid", holder.process.pid)
                json.text("name", holder.name)
                json.text("reason", "holds the TUN or TAP device that the packet came out of")
            }
        }
    }
}
