internal import Glibc
internal import TextEscaping

/// What identifies the machine that the records speak for. Texts are in the lossless escape.
public struct HostFacts: Sendable, Hashable {
    /// The machine's name.
    public var name: String?
    /// The boot id, as in /proc/sys/kernel/random/boot_id.
    public var bootID: String?
    /// The kernel's release, as `uname -r` prints it.
    public var kernelRelease: String?
    /// The inode of the calling thread's network namespace, 0 where unknown.
    public var networkNamespace: UInt32

    /// Asks the running machine.
    public init() {
        name = Self.line("/proc/sys/kernel/hostname")
        bootID = Self.line("/proc/sys/kernel/random/boot_id")
        kernelRelease = Self.line("/proc/sys/kernel/osrelease")
        networkNamespace = inode(ofPath: "/proc/thread-self/ns/net").map { UInt32(truncatingIfNeeded: $0) } ?? 0
    }

    /// The kernel's version, as far as its release tells it.
    var kernelVersion: (major: Int, minor: Int)? {
        let numbers = (kernelRelease ?? "").split { $0 == "." || $0 == "-" }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }

    private static func line(_ path: String) -> String? {
        guard let bytes = contents(ofPath: path)?.prefix(while: { $0 != UInt8(ascii: "\n") }), !bytes.isEmpty else {
            return nil
        }
        return LosslessEscape.text(bytes)
    }
}
