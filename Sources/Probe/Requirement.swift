internal import Glibc

/// Something that the tool needs of the machine, and whether it is there.
public struct Requirement: Sendable, Hashable {
    /// Whether it is there.
    public enum State: String, Sendable {
        /// It is.
        case met
        /// It is not.
        case missing
        /// It could not be found out.
        case unknown
    }

    /// What it is, in a few words.
    public let name: String
    /// Whether it is there.
    public let state: State
    /// What was found: a sentence.
    public let detail: String
    /// What mends it: a sentence; nil where nothing has to be mended.
    public let remedy: String?
    /// Without it nothing can be recorded.
    public let isEssential: Bool
}

extension Probe {
    /// Every requirement with its state. Loads and attaches the programs once, as ``init(_:)`` does, and undoes it.
    public static func requirements() -> [Requirement] {
        privileges() + [kernel(), typeInformation(), cgroupRoot()] + trial() + [packetCapture()]
    }

    /// linux/capability.h: the bit, and what it is wanted for.
    private static let capabilities: [(bit: Int, name: String, purpose: String, isEssential: Bool)] = [
        (39, "CAP_BPF", "load BPF programs", true),
        (38, "CAP_PERFMON", "let BPF programs read the kernel's memory", true),
        (12, "CAP_NET_ADMIN", "attach BPF programs to the root cgroup", true),
        (19, "CAP_SYS_PTRACE", "see which sockets other users' processes hold, for live --socket-table", false),
    ]
    private static let forLockedMemory = (
        bit: 24, name: "CAP_SYS_RESOURCE",
        purpose: "raise the limit of locked memory, by which this kernel counts BPF maps"
    )
    private static let systemAdministrator = 21

    private static func privileges() -> [Requirement] {
        let effective = effectiveCapabilities()
        var wanted = capabilities
        if LockedMemory.countsBPF {
            let (bit, name, purpose) = forLockedMemory
            wanted.append((bit, name, purpose, LockedMemory.obstacle != nil))
        }
        return wanted.map { capability in
            guard let effective else {
                return Requirement(
                    name: capability.name, state: .unknown, detail: "/proc/self/status could not be read.",
                    remedy: nil, isEssential: capability.isEssential)
            }
            // Before 5.8 CAP_SYS_ADMIN held what CAP_BPF and CAP_PERFMON hold now, and it still does.
            let held =
                effective >> UInt64(capability.bit) & 1 == 1
                || capability.bit >= 38 && effective >> UInt64(systemAdministrator) & 1 == 1
            return Requirement(
                name: capability.name, state: held ? .met : .missing,
                detail: "User \(geteuid()) \(held ? "may" : "may not") \(capability.purpose).",
                remedy: held || !capability.isEssential ? nil : "Run as root, or grant \(capability.name).",
                isEssential: capability.isEssential)
        }
    }

    static func effectiveCapabilities() -> UInt64? {
        guard let status = contents(ofPath: "/proc/thread-self/status") else { return nil }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("CapEff:") {
            return line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
        return nil
    }

    private static func kernel() -> Requirement {
        let host = HostFacts()
        guard let release = host.kernelRelease, let version = host.kernelVersion else {
            return Requirement(
                name: "kernel", state: .unknown, detail: "The kernel's release could not be read.", remedy: nil,
                isEssential: true)
        }
        let recent = version >= (5, 10)
        return Requirement(
            name: "kernel", state: recent ? .met : .missing, detail: "The kernel is Linux \(release).",
            remedy: recent ? nil : "Use Linux 5.10 or later.", isEssential: true)
    }

    private static func typeInformation() -> Requirement {
        let path = "/sys/kernel/btf/vmlinux"
        let readable = unsafe access(path, R_OK) == 0
        return Requirement(
            name: "BTF", state: readable ? .met : .missing,
            detail: readable ? "\(path) describes the kernel's types." : "\(path) is not readable.",
            remedy: readable ? nil : "Use a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions' are; mount /sys.",
            isEssential: true)
    }

    private static func cgroupRoot() -> Requirement {
        do throws(ProbeError) {
            _ = try CgroupRoot.open()
            return Requirement(
                name: "cgroup2 root", state: .met, detail: "The root of the unified hierarchy is reachable.",
                remedy: nil, isEssential: true)
        } catch {
            return Requirement(
                name: "cgroup2 root", state: .missing, detail: error.description,
                remedy: "Run it on the host, with a cgroup2 hierarchy.", isEssential: true)
        }
    }

    private static func trial() -> [Requirement] {
        do throws(ProbeError) {
            let probe = try Probe()
            let loaded = Requirement(
                name: "BPF programs", state: .met,
                detail: "Tracepoint and cgroup programs load and attach; the kernel's memory is read by "
                    + (probe.readsDirectly ? "direct loads." : "helper calls."),
                remedy: nil, isEssential: true)
            return [loaded] + probe.guardRequirements()
        } catch {
            return [
                Requirement(
                    name: "BPF programs", state: .missing, detail: error.description,
                    remedy: "Mend what is named above, then run doctor again.", isEssential: true)
            ]
        }
    }

    private func guardRequirements() -> [Requirement] {
        let working = guardState.isWorking
        return [
            Requirement(
                name: "sender check", state: working ? .met : .missing, detail: guardState.detail,
                remedy: working ? nil : "Report this with the kernel's release and configuration.", isEssential: false),
            Requirement(
                name: "io_uring", state: working ? .met : .unknown,
                detail: "What io_uring sends is named after the submitting process where that process holds the socket "
                    + "as a descriptor; on a socket that exists in the ring alone the sender stays unknown.",
                remedy: nil, isEssential: false),
        ]
    }

    private static func packetCapture() -> Requirement {
        let number = socket(AF_PACKET, Int32(SOCK_RAW.rawValue), 0)
        let failure = errno
        if number >= 0 { _ = close(number) }
        return Requirement(
            name: "packet capture", state: number >= 0 ? .met : .missing,
            detail: number >= 0
                ? "Packet sockets can be opened." : "Packet sockets cannot be opened: \(ProbeError.message(failure)).",
            remedy: number >= 0 ? nil : "Run as root, or grant CAP_NET_RAW.", isEssential: false)
    }
}
