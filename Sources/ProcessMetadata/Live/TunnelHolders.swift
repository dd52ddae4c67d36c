public import Records
internal import TextEscaping

/// Finds out, beside the packet path, which processes hold this machine's TUN and TAP devices.
///
/// The kernel tells it only of descriptors (`iff:` in fdinfo), so every process's have to be looked through: that is
/// done when a packet came out of such a device, not more than twice a second.
public struct TunnelHolders {
    private struct Job: Sendable {}

    /// The least time between two looks, in nanoseconds of the boot clock.
    private static let interval: Int64 = 500_000_000

    private let worker: BackgroundWorker<Job, TunnelScan>
    private var lastLook = Int64.min
    /// A look was asked for too soon after the last one.
    private var isDue = false

    /// Looks at the processes of a procfs.
    public init(procfs: ProcFS = ProcFS()) {
        worker = BackgroundWorker(queueLimit: 1, standsBack: true) { _ in procfs.tunnelHolders() }
    }

    /// Asks for a look: a packet came out of such a device.
    public mutating func look() {
        isDue = true
        startIfDue()
    }

    /// What the looks since the last call have shown.
    public mutating func takeScans() -> [TunnelScan] {
        startIfDue()
        return worker.takeAnswers()
    }

    /// A look is under way or is to come.
    public var isLooking: Bool { isDue || !worker.isIdle }

    private mutating func startIfDue() {
        guard isDue, worker.isIdle else { return }
        let now = SystemCalls.clocks().boot
        guard lastLook == .min || now - lastLook >= Self.interval, worker.request(Job()) else { return }
        lastLook = now
        isDue = false
    }
}

extension ProcFS {
    /// A machine with more descriptors than these is not looked at as a whole.
    private static let mostDescriptors = 1 << 20
    private static let mostHolders = 256

    /// Every process that has a TUN or TAP device open, by its descriptors.
    func tunnelHolders() -> TunnelScan {
        var scan = TunnelScan(time: Timestamp(nanoseconds: SystemCalls.clocks().wall), holders: [])
        var left = Self.mostDescriptors
        var budget = DescriptorBudget()
        for pid in processes() {
            guard left > 0, scan.holders.count < Self.mostHolders else {
                scan.isWhole = false
                break
            }
            guard let before = startTime(pid) else { continue }
            let (tables, isWhole) = descriptorTables(of: pid, &budget)
            scan.isWhole = scan.isWhole && isWhole
            let found = Set(tables.flatMap { devices($0, of: pid, &left, &scan.isWhole) })
            // A successor with the same id holds what it holds, not what was read before.
            guard !found.isEmpty, startTime(pid) == before else { continue }
            let name = try? SystemCalls.read("\(root)/\(pid)/comm", limit: 64)
            let process = ProcessKey(pid: pid, startTime: before)
            for device in found {
                scan.holders.append(
                    TunnelHolder(
                        namespace: device.namespace, interface: device.name, process: process,
                        name: name.map { ProcFSFormat.name($0.bytes).description }))
            }
        }
        return scan
    }

    private struct Device: Hashable {
        var namespace: UInt32
        var name: String
    }

    private func startTime(_ pid: UInt32) -> UInt64? {
        guard let stat = try? SystemCalls.read("\(root)/\(pid)/stat", limit: 4096),
            let ticks = ProcFSFormat.stat(stat.bytes)?.startTicks
        else { return nil }
        return ticks.multipliedReportingOverflow(by: tick).partialValue
    }

    private func devices(
        _ table: DescriptorTable, of pid: UInt32, _ left: inout Int, _ isWhole: inout Bool
    ) -> Set<Device> {
        guard let names = try? SystemCalls.list("\(table.folder)/fd", limit: left) else { return [] }
        left -= names.count
        var devices: Set<Device> = []
        for name in names {
            guard let descriptor = UInt32(name.name), isTunnel(table, name.name) else { continue }
            guard
                let device = SystemCalls.tunnelDevice(
                    pid: table.thread, isThread: table.thread != pid, descriptor: descriptor)
            else {
                // It is open, but without a device so far, or it may not be asked.
                isWhole = isWhole && !isAttached(table, name.name)
                continue
            }
            devices.insert(Device(namespace: device.namespace, name: LosslessEscape.text(device.name)))
        }
        return devices
    }

    /// The character device is made as /dev/net/tun; whoever makes it elsewhere under a name of its own is not found.
    private func isTunnel(_ table: DescriptorTable, _ descriptor: String) -> Bool {
        guard let target = try? SystemCalls.linkTarget("\(table.folder)/fd/\(descriptor)") else { return false }
        return target.first == UInt8(ascii: "/") && target.suffix(3).elementsEqual("tun".utf8)
    }

    private func isAttached(_ table: DescriptorTable, _ descriptor: String) -> Bool {
        guard let info = try? SystemCalls.read("\(table.folder)/fdinfo/\(descriptor)", limit: 4096) else {
            return false
        }
        return info.bytes.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: "iff:".utf8) }
    }
}
