internal import Records
internal import SystemPackage
internal import TextEscaping

/// Finds who holds which socket, by the links in /proc/PID/fd and those of threads with descriptors of their own.
struct SocketHolders {
    /// A descriptor that leads to a socket that was looked for.
    struct Descriptor: Hashable {
        var inode: UInt64
        /// The folder of the process, or of the thread with descriptors of its own.
        var folder: String
        var name: String
    }

    /// The inode of the initial pid namespace (PROC_PID_INIT_INO of linux/proc_ns.h).
    private static let initialPIDNamespace: UInt32 = 0xEFFF_FFFC
    private static let descriptorLimit = 1 << 20

    private let procfs: ProcFS
    private let inodes: Set<UInt64>
    /// Descriptors by process.
    private(set) var found: [UInt32: [Descriptor]] = [:]
    /// There are processes whose descriptors could not be looked at, or that are not in this procfs.
    private(set) var hidesProcesses: Bool

    /// Looks through all processes for sockets with these inodes.
    init(of inodes: Set<UInt64>, procfs: ProcFS) {
        self.procfs = procfs
        self.inodes = inodes
        // Another pid namespace's processes may share the sockets; hidepid= keeps others' processes out of procfs.
        hidesProcesses =
            HomeMachine.namespace("\(procfs.root)/self/ns/pid") != Self.initialPIDNamespace || procfs.stat(1) == nil
        var budget = DescriptorBudget()
        for pid in procfs.processes() { look(at: pid, &budget) }
    }

    private mutating func look(at pid: UInt32, _ budget: inout DescriptorBudget) {
        // A process whose first thread has ended shows no descriptors, but its other threads still have them.
        let (tables, isWhole) = procfs.descriptorTables(of: pid, &budget)
        if !isWhole { hidesProcesses = true }
        for table in tables {
            do {
                try look(in: table.folder, of: pid)
            } catch .noSuchFileOrDirectory, .noSuchProcess {
                continue
            } catch {
                // Kernel threads hold nothing, but not everybody may see that.
                if procfs.stat(pid)?.isKernelThread == false { hidesProcesses = true }
            }
        }
    }

    private mutating func look(in folder: String, of pid: UInt32) throws(Errno) {
        for (name, _) in try SystemCalls.list("\(folder)/fd", limit: Self.descriptorLimit) {
            guard let inode = Self.inode("\(folder)/fd/\(name)"), inodes.contains(inode) else { continue }
            found[pid, default: []].append(Descriptor(inode: inode, folder: folder, name: name))
        }
    }

    /// Whether a descriptor still leads to its socket.
    static func isHeld(_ descriptor: Descriptor) -> Bool {
        inode("\(descriptor.folder)/fd/\(descriptor.name)") == descriptor.inode
    }

    /// `socket:[4026]`
    private static func inode(_ link: String) -> UInt64? {
        guard let text = try? SystemCalls.linkTarget(link), text.starts(with: "socket:[".utf8),
            text.last == UInt8(ascii: "]")
        else { return nil }
        return ProcFSFormat.decimal(text.dropFirst(8).dropLast())
    }
}
