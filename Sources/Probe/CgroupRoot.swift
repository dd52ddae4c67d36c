internal import CLibBPF
internal import Glibc

/// The root of the unified cgroup hierarchy: what is attached there sees every process's packets.
enum CgroupRoot {
    /// kernfs numbers the root's inode 1; a cgroup namespace shows another directory as "/".
    private static let rootInode: UInt64 = 1

    /// Opens the root directory.
    static func open() throws(ProbeError) -> OwnedDescriptor {
        for path in mountPoints(mountInfo: contents(ofPath: "/proc/self/mountinfo") ?? []) {
            guard let directory = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY) else { continue }
            if (try? directory.inode()) == rootInode { return directory }
        }
        // `ip netns exec` mounts a new /sys over the one that holds it.
        let directory = try openPrivateMount()
        guard try directory.inode() == rootInode else {
            throw ProbeError(
                .kernelLacksFeature, "opening the cgroup root",
                "This is inside a cgroup namespace, as in a container: only its own processes would be seen. Run it "
                    + "on the host, or in a container started with the host's cgroup namespace (--cgroupns=host).")
        }
        return directory
    }

    /// Where a whole cgroup2 hierarchy is mounted, from the text of /proc/self/mountinfo (proc(5)).
    static func mountPoints(mountInfo: [UInt8]) -> [String] {
        mountInfo.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            guard let separator = fields.firstIndex(of: [UInt8(ascii: "-")]), fields.count > separator + 1,
                separator >= 6, fields[separator + 1].elementsEqual("cgroup2".utf8),
                fields[3].elementsEqual("/".utf8)
            else { return nil }
            return unescaped(fields[4])
        }
    }

    /// mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
    private static func unescaped(_ field: some Collection<UInt8>) -> String {
        let bytes = Array(field)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let digits = bytes[index...].dropFirst().prefix(3)
            if bytes[index] == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
            {
                result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - UInt8(ascii: "0")) })
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Mounts the hierarchy nowhere: nothing is left when the descriptor is closed.
    private static func openPrivateMount() throws(ProbeError) -> OwnedDescriptor {
        let context = OwnedDescriptor(
            try checked("fsopen(\"cgroup2\")", unsafe fsopen("cgroup2", UInt32(FSOPEN_CLOEXEC))))
        _ = try checked(
            "creating a cgroup2 mount", fsconfig(context.number, FSCONFIG_CMD_CREATE.rawValue, nil, nil, 0))
        let mount = OwnedDescriptor(
            try checked("fsmount(\"cgroup2\")", fsmount(context.number, UInt32(FSMOUNT_CLOEXEC), 0)))
        return OwnedDescriptor(
            try checked(
                "opening the cgroup root",
                unsafe openat(mount.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
    }

    /// The names of the programs that keep others from being attached beside them.
    static func exclusivePrograms(in cgroup: borrowing OwnedDescriptor) -> [String] {
        var flags: UInt32 = 0
        var identifiers = [UInt32](repeating: 0, count: 64)
        var count = UInt32(identifiers.count)
        let result = unsafe bpf_prog_query(
            cgroup.number, BPF_CGROUP_INET_EGRESS, 0, &flags, &identifiers, &count)
        guard result == 0, flags & UInt32(BPF_F_ALLOW_MULTI) == 0 else { return [] }
        return identifiers.prefix(Int(count)).map { programName($0) ?? "program \($0)" }
    }

    private static func programName(_ identifier: UInt32) -> String? {
        let number = bpf_prog_get_fd_by_id(identifier)
        guard number >= 0 else { return nil }
        let descriptor = OwnedDescriptor(number)
        var information = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        guard unsafe bpf_obj_get_info_by_fd(descriptor.number, &information, &size) == 0 else { return nil }
        return unsafe withUnsafeBytes(of: information.name) { name in
            unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
