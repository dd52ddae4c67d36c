internal import SystemPackage
internal import TextEscaping

/// The cgroup v2 hierarchy of this machine: ids, which are its directories' inode numbers, and paths.
public struct CgroupHierarchy: Sendable {
    /// Where it is mounted.
    public let mount: String

    /// The hierarchy mounted at a path.
    public init(mount: String) { self.mount = mount }

    /// The first whole cgroup2 mount that the text of /proc/PID/mountinfo lists: unified hosts have it at /sys/fs/cgroup,
    /// hybrid ones at /sys/fs/cgroup/unified. Nil where there is none.
    public init?(mountInfo: [UInt8]) {
        for line in mountInfo.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            // 36 35 98:0 ROOT MOUNT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS (proc(5))
            guard fields.count > 6, let separator = fields.firstIndex(of: [UInt8(ascii: "-")][...]),
                separator + 1 < fields.count, String(decoding: fields[separator + 1], as: UTF8.self) == "cgroup2",
                String(decoding: fields[3], as: UTF8.self) == "/"
            else { continue }
            mount = String(decoding: Self.unescapedOctal(fields[4]), as: UTF8.self)
            return
        }
        return nil
    }

    /// The hierarchy as the tool sees it, or else as the first process does: `ip netns exec` mounts a new /sys over it.
    public static func current(procfs: String = "/proc") -> CgroupHierarchy? {
        for (process, root) in [("self", ""), ("1", "\(procfs)/1/root")] {
            guard let file = try? SystemCalls.read("\(procfs)/\(process)/mountinfo", limit: 1 << 20),
                let found = CgroupHierarchy(mountInfo: file.bytes)
            else { continue }
            let hierarchy = CgroupHierarchy(mount: root + found.mount)
            // kernfs numbers the root's inode 1; a cgroup namespace shows another directory there.
            if SystemCalls.identity(hierarchy.mount)?.inode == 1 { return hierarchy }
        }
        return nil
    }

    /// The id of the cgroup at a path (escaped, from the hierarchy's root); nil where it is gone.
    public func id(ofPath path: String) -> UInt64? {
        guard path.hasPrefix("/"), !path.hasPrefix("/../"),
            let text = String(validating: LosslessEscape.bytes(path), as: UTF8.self)
        else { return nil }
        return SystemCalls.identity(mount + text)?.inode
    }

    /// The path of a cgroup (escaped, from the hierarchy's root), though no process may be in it any more; nil where it
    /// is gone.
    func path(ofID id: UInt64) -> String? {
        SystemCalls.cgroupPath(id, mount: mount).map { LosslessEscape.text($0) }
    }

    /// All cgroups, parents first, at most `limit`.
    public func scan(limit: Int = 16_384) -> [(id: UInt64, path: String)] {
        var found: [(id: UInt64, path: String)] = []
        var pending = ["/"]
        while let path = pending.popLast(), found.count < limit {
            guard let identity = SystemCalls.identity(mount + path) else { continue }
            found.append((identity.inode, LosslessEscape.text(path)))
            let children = (try? SystemCalls.list(mount + path, limit: limit)) ?? []
            for child in children where child.isDirectory && pending.count < limit {
                pending.append(path == "/" ? "/" + child.name : path + "/" + child.name)
            }
        }
        return found
    }

    /// Blanks, tabs, newlines and backslashes are three octal digits there.
    private static func unescapedOctal(_ field: ArraySlice<UInt8>) -> [UInt8] {
        let bytes = Array(field)
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let digits = bytes[(index + 1)...].prefix(3)
            if bytes[index] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                output.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                index += 4
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }
}
