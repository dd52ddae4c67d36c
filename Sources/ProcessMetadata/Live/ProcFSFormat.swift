internal import Records
internal import TextEscaping

/// The formats of /proc/PID files (proc(5)), as pure functions over their bytes: they hold names that a process chose.
enum ProcFSFormat {
    /// The fields of /proc/PID/stat that are needed here.
    struct Stat: Hashable {
        var parent: UInt32
        /// Field 9, PF_KTHREAD.
        var isKernelThread: Bool
        /// Field 22, clock ticks since boot.
        var startTicks: UInt64
        /// Fields 26, 28 and 48: where code, stack and arguments lie. Exec moves them, so that equal values before
        /// and after reading mean one image; 0 where the reader lacks the privilege.
        var layout: [UInt64]

        /// A new image is being put together: it has no code yet, and the kernel has not told of it.
        var isInExec: Bool { !isKernelThread && hasMemory && layout.first == 0 }
        /// Field 23: bytes of address space; 0 for zombies.
        var hasMemory: Bool
    }

    /// Reads /proc/PID/stat. The name in parentheses may itself hold parentheses, spaces and newlines.
    static func stat(_ bytes: [UInt8]) -> Stat? {
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // What follows begins with field 3, the state.
        let fields = bytes[(close + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        func field(_ number: Int) -> UInt64? {
            let index = number - 3
            return index < fields.count ? decimal(fields[index]) : nil
        }
        guard let parent = field(4).flatMap(UInt32.init(exactly:)), let flags = field(9), let start = field(22) else {
            return nil
        }
        return Stat(
            parent: parent, isKernelThread: flags & 0x0020_0000 != 0, startTicks: start,
            layout: [field(26) ?? 0, field(28) ?? 0, field(48) ?? 0], hasMemory: field(23) ?? 0 > 0)
    }

    /// The task name from /proc/PID/comm: all but the newline at its end.
    static func name(_ bytes: [UInt8]) -> TaskName {
        TaskName((bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]).prefix(15))
    }

    /// The arguments from /proc/PID/cmdline, each ended by NUL; nil for none (kernel threads, zombies).
    static func arguments(_ bytes: [UInt8]) -> [String]? {
        guard !bytes.isEmpty else { return nil }
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        if bytes.last == 0 { parts.removeLast() }
        // setproctitle overwrites the arguments with one text and fills the rest with NULs.
        if parts.count > 2, let first = parts.first, !first.isEmpty, parts.dropFirst().allSatisfy(\.isEmpty) {
            parts = [first]
        }
        return parts.map { LosslessEscape.text($0) }
    }

    /// What /proc/PID/status tells.
    struct Status: Hashable {
        var user: UInt32?
        var group: UInt32?
        /// The innermost of NSpid, where there is more than one.
        var innerPID: UInt32?
    }

    /// Reads /proc/PID/status: effective ids are the second of four.
    static func status(_ bytes: [UInt8]) -> Status {
        var status = Status()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let numbers = line[(colon + 1)...].split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
                .map { decimal($0).flatMap(UInt32.init(exactly:)) }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "Uid" where numbers.count == 4: status.user = numbers[1]
            case "Gid" where numbers.count == 4: status.group = numbers[1]
            case "NSpid" where numbers.count > 1: status.innerPID = numbers.last ?? nil
            default: continue
            }
        }
        return status
    }

    /// One process's cgroups from /proc/PID/cgroup.
    struct Cgroups: Hashable {
        /// The v2 path, escaped.
        var unified: String?
        /// The path that names the container, or else the unit: v2's, or else that of `name=systemd`, or else that of the
        /// first v1 hierarchy with one.
        var naming: String?
    }

    /// Reads /proc/PID/cgroup: `hierarchy:controllers:path`, v2 with an empty second field.
    static func cgroups(_ bytes: [UInt8]) -> Cgroups {
        var unified: String?
        var systemd: String?
        var others: [String] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            var path = LosslessEscape.text(fields[2])
            // What the kernel appends once the directory is gone.
            if path.hasSuffix(" (deleted)") { path.removeLast(10) }
            switch String(decoding: fields[1], as: UTF8.self) {
            case "": unified = path
            case "name=systemd": systemd = path
            default: others.append(path)
            }
        }
        // Runtimes that use v1 leave their containers in the runtime's own v2 cgroup: a container says more than a unit.
        let candidates = ([unified, systemd].compactMap { $0 } + others).map { ($0, CgroupIdentity(path: $0)) }
        let naming = candidates.first { $0.1.containerID != nil } ?? candidates.first { $0.1 != CgroupIdentity() }
        return Cgroups(unified: unified, naming: naming?.0 ?? unified)
    }

    /// The target of /proc/PID/exe: path, and what its text says of the file.
    enum ExecutableLink: Hashable {
        /// A file's path.
        case path(String)
        /// The path with the kernel's suffix cut off: the file was removed, replaced, is truly called that, or is a
        /// memfd (`/memfd:NAME`).
        case suffixed(path: String, whole: String)
    }

    /// Reads the link's text (d_path: ` (deleted)` after the path of an unlinked file).
    static func executable(_ bytes: [UInt8]) -> ExecutableLink? {
        guard !bytes.isEmpty else { return nil }
        let suffix = Array(" (deleted)".utf8)
        let isSuffixed = bytes.count > suffix.count && bytes.suffix(suffix.count).elementsEqual(suffix)
        guard isSuffixed else { return .path(LosslessEscape.text(bytes)) }
        return .suffixed(path: LosslessEscape.text(bytes.dropLast(suffix.count)), whole: LosslessEscape.text(bytes))
    }

    /// A decimal number; nil for anything else, and beyond 64 bits.
    static func decimal(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
