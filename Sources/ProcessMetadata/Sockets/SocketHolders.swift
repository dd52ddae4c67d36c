internal import Records
internal import SystemPackage
internal import TextEscaping

/// Finds who holds which socket, by the links in /proc/PID/fd.
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
        for pid in procfs.processes() { look(at: pid) }
    }

    private mutating func look(at pid: UInt32) {
        let folder = "\(procfs.root)/\(pid)"
        do {
            if try look(in: folder, of: pid) == 0 { lookAtThreads(of: pid, folder) }
        } catch .noSuchFileOrDirectory, .noSuchProcess {
            return
        } catch {
            // Kernel threads hold nothing, but not everybody may see that.
            if procfs.stat(pid)?.isKernelThread == false { hidesProcesses = true }
        }
    }

    /// A process whose first thread has ended shows no descriptors, but its other threads still have them.
    private mutating func lookAtThreads(of pid: UInt32, _ folder: String) {
        guard let threads = try? SystemCalls.list("\(folder)/task", limit: Self.descriptorLimit), threads.count > 1
        else {
            return
        }
        for thread in threads where thread.name != "\(pid)" {
            _ = try? look(in: "\(folder)/task/\(thread.name)", of: pid)
        }
    }

    /// The number of descriptors there.
    private mutating func look(in folder: String, of pid: UInt32) throws(Errno) -> Int {
        let names = try SystemCalls.list("\(folder)/fd", limit: Self.descriptorLimit)
        for (name, _) in names {
            guard let inode = Self.inode("\(folder)/fd/\(name)"), inodes.contains(inode) else { continue }
            found[pid, default: []].append(Descriptor(inode: inode, folder: folder, name: name))
        }
        return names.count
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
