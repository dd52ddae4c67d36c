/// What a cgroup's path says about its processes: the container's id and the systemd unit.
///
/// Only conventions tell: a process that may make cgroups of its own may give them any name.
public struct CgroupIdentity: Hashable, Sendable {
    /// The innermost container's id: 64 hex digits for Docker, containerd, CRI-O and Podman; the name for LXC.
    public var containerID: String?
    /// The innermost systemd unit (service, scope, socket, mount or swap); inside a container, that container's own.
    public var unit: String?

    /// Neither.
    public init() {}

    /// What a path says (v2, or the `name=systemd` or another v1 hierarchy), as /proc/PID/cgroup has it.
    public init(path: String) {
        let components = path.split(separator: "/", omittingEmptySubsequences: true)
        var inner = components[...]
        for index in components.indices.reversed() {
            if let id = Self.containerID(components, at: index) {
                containerID = id
                inner = components[(index + 1)...]
                break
            }
        }
        unit = inner.last(where: Self.isUnit).map(Self.unescaped)
    }

    private static let unitSuffixes = [".service", ".scope", ".socket", ".mount", ".swap"]

    private static func isUnit(_ component: Substring) -> Bool {
        unitSuffixes.contains { component.hasSuffix($0) && component.utf8.count > $0.utf8.count }
    }

    /// systemd puts `_` before a unit's name that would clash with a control file (cg_escape in basic/cgroup-util.c).
    private static func unescaped(_ component: Substring) -> String {
        String(component.hasPrefix("_") ? component.dropFirst() : component)
    }

    private static func containerID(_ components: [Substring], at index: Int) -> String? {
        let component = components[index]
        let parent = index > 0 ? components[index - 1] : ""
        // LXC: /lxc.payload.NAME, before 4.0 /lxc/NAME.
        if component.hasPrefix("lxc.payload."), component.utf8.count > 12 { return String(component.dropFirst(12)) }
        if parent == "lxc" { return String(component) }
        let name = component.hasSuffix(".scope") ? component.dropLast(6) : component
        // Docker and kubelet with the cgroupfs driver, ECS: the bare id.
        if isLongID(name) { return String(name) }
        // Fargate: /ecs/TASK/TASK-NUMBER.
        if index > 1, components[index - 2] == "ecs" || parent == "ecs", isFargateID(name) { return String(name) }
        // containerd without systemd's scopes: SLICE:cri-containerd:ID.
        if let colon = name.lastIndex(of: ":"), isLongID(name[name.index(after: colon)...]) {
            return String(name[name.index(after: colon)...])
        }
        // The systemd driver: docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, nerdctl-ID.scope.
        guard let dash = name.lastIndex(of: "-"), isLongID(name[name.index(after: dash)...]) else { return nil }
        let runtime = name[..<dash]
        // conmon watches the container from outside.
        guard !runtime.isEmpty, !runtime.hasSuffix("conmon") else { return nil }
        return String(name[name.index(after: dash)...])
    }

    private static func isLongID(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy(isHexDigit)
    }

    private static func isFargateID(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].utf8.count == 32 && parts[0].utf8.allSatisfy(isHexDigit)
            && !parts[1].isEmpty && parts[1].utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}
