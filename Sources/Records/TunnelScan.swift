/// Which processes held this machine's TUN and TAP devices at one moment: what such a device receives, one of them wrote.
public struct TunnelScan: Hashable, Sendable {
    /// When the look at all processes began.
    public var time: Timestamp
    /// Every process with such a device open, once for each device.
    public var holders: [TunnelHolder]
    /// Every process could be looked at. Else there may be holders that are not named here.
    public var isWhole: Bool
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A scan.
    public init(time: Timestamp, holders: [TunnelHolder], isWhole: Bool = true, host: UInt16 = 0) {
        self.time = time
        self.holders = holders
        self.isWhole = isWhole
        self.host = host
    }
}

/// A process that has a TUN or TAP device open.
public struct TunnelHolder: Hashable, Sendable {
    /// The inode of the device's network namespace.
    public var namespace: UInt32
    /// The device's name (escaped).
    public var interface: String
    /// The process. Its start time is exact to a clock tick only.
    public var process: ProcessKey
    /// The process's name (escaped).
    public var name: String?

    /// A holder of a device.
    public init(namespace: UInt32, interface: String, process: ProcessKey, name: String?) {
        self.namespace = namespace
        self.interface = interface
        self.process = process
        self.name = name
    }
}
