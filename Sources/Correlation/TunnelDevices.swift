public import Records

/// The TUN or TAP device that a packet came out of: some process wrote it there.
public struct TunnelOrigin: Hashable, Sendable {
    /// The device's name.
    public var interface: String
    /// The inode of its network namespace: names repeat across namespaces.
    public var namespace: UInt32
    /// Which evidence says so.
    public var host: UInt16
    /// The processes that held the device around that time, as far as is known.
    public var holders: [TunnelHolder] = []
}

/// The machine's TUN and TAP devices, and who held them when. Bounded: the oldest looks go first.
struct TunnelDevices: Sendable {
    private struct Device: Hashable {
        var host: UInt16
        var namespace: UInt32
        var index: UInt32
    }

    private static let mostScans = 64
    /// A look this long before or after a packet still tells who held the device, in nanoseconds.
    private static let lookback: Int64 = 2_000_000_000
    /// Looks are half a second apart at least, so that the one after a packet may be as late as that.
    static let lookahead: Int64 = 700_000_000

    private var names: [Device: String] = [:]
    /// Devices of which it is known that no process of this machine writes to them unseen.
    private var outside: Set<Device> = []
    private var scans: [TunnelScan] = []

    mutating func set(_ interfaces: [HostInterface], host: UInt16) {
        names = names.filter { $0.key.host != host }
        outside = outside.filter { $0.host != host }
        for interface in interfaces where !interface.isTunnel && !interface.isVirtual {
            outside.insert(Device(host: host, namespace: interface.namespace, index: interface.index))
        }
        for interface in interfaces where interface.isTunnel {
            names[Device(host: host, namespace: interface.namespace, index: interface.index)] = interface.name
        }
    }

    mutating func note(_ scan: TunnelScan) {
        if scans.count == Self.mostScans { scans.removeFirst() }
        scans.append(scan)
    }

    /// Whether what comes in on a device is certainly not sent by a process of this machine that no hook sees.
    func leadsOutside(host: UInt16, namespace: UInt32, index: UInt32) -> Bool {
        outside.contains(Device(host: host, namespace: namespace, index: index))
    }

    /// The device of this index, if it is one; without its holders.
    func origin(host: UInt16, namespace: UInt32, index: UInt32) -> TunnelOrigin? {
        names[Device(host: host, namespace: namespace, index: index)].map {
            TunnelOrigin(interface: $0, namespace: namespace, host: host)
        }
    }

    /// Who may have written a packet of this time: the holders that the last look before it and the first after it
    /// show, and whether these looks saw every process. Nil where there was no look.
    func holders(of origin: TunnelOrigin, at time: Timestamp) -> (found: [TunnelHolder], isWhole: Bool)? {
        let near = scans.filter {
            $0.host == origin.host && $0.time >= time.advanced(by: -Self.lookback)
                && $0.time <= time.advanced(by: Self.lookahead)
        }
        let before = near.filter { $0.time <= time }.max { $0.time < $1.time }
        let after = near.filter { $0.time > time }.min { $0.time < $1.time }
        guard before != nil || after != nil else { return nil }
        var found: [TunnelHolder] = []
        for holder in (before?.holders ?? []) + (after?.holders ?? [])
        where holder.namespace == origin.namespace && holder.interface == origin.interface && !found.contains(holder) {
            found.append(holder)
        }
        return (found, before?.isWhole != false && after?.isWhole != false)
    }
}

extension Correlator {
    /// How long after a packet out of a TUN or TAP device a look at its holders may come, in nanoseconds.
    public static var tunnelLookahead: Int64 { TunnelDevices.lookahead }

    /// Adds a look at who holds the TUN and TAP devices.
    public mutating func add(_ scan: TunnelScan) { tunnels.note(scan) }

    /// Whether a forwarded packet's record says that it came out of a TUN or TAP device.
    public func cameFromTunnel(_ record: WireRecord) -> Bool {
        guard case .forwarded(let index, _) = record.origin else { return false }
        return tunnels.origin(host: record.host, namespace: record.namespace, index: index) != nil
    }

    /// Completes the verdict on a packet that came out of a TUN or TAP device with the device's holders: when the looks
    /// up to ``tunnelLookahead`` after the packet are in. A holder is no more than probably the writer.
    public func addHolders(to verdict: inout Verdict, at time: Timestamp) {
        guard let origin = verdict.tunnel, let (holders, isWhole) = tunnels.holders(of: origin, at: time) else {
            return
        }
        verdict.tunnel?.holders = holders
        if !holders.isEmpty { verdict.confidence = isWhole ? .probable : .possible }
        if verdict.reason == .fromTunnel(holders: nil) { verdict.reason = .fromTunnel(holders: holders.count) }
        if verdict.reason == .arrivedFromTunnel(holders: nil) {
            verdict.reason = .arrivedFromTunnel(holders: holders.count)
        }
    }
}
