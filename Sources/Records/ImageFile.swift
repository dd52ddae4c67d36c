/// The file of an image by its numbers, which paths and links do not change.
public struct ImageFile: Hashable, Sendable {
    /// The inode number.
    public var inode: UInt64
    /// The device as stat(2) has it.
    public var device: UInt64
    /// The file system's magic number as statfs(2) has it.
    public var fileSystem: UInt32

    /// A file.
    public init(inode: UInt64, device: UInt64, fileSystem: UInt32) {
        self.inode = inode
        self.device = device
        self.fileSystem = fileSystem
    }

    /// A file by the kernel's own numbers; `kernelDevice` has the minor number in its low 20 bits.
    public init(inode: UInt64, kernelDevice: UInt32, fileSystem: UInt32) {
        let major = UInt64(kernelDevice >> 20)
        let minor = UInt64(kernelDevice & 0xF_FFFF)
        // As the C library's makedev(3) does it.
        let device = (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
        self.init(inode: inode, device: device, fileSystem: fileSystem)
    }

    /// File systems that tell stat(2) other devices than their super block has: overlayfs, btrfs, bcachefs
    /// (linux/magic.h).
    private static let manyDevices: Set<UInt32> = [0x794C_7630, 0x9123_683E, 0xCA45_1A4E]

    /// Whether what the kernel recorded and what was looked at are one file, as far as that can be told.
    public func isSame(as other: ImageFile) -> Bool {
        inode == other.inode && fileSystem == other.fileSystem
            && (device == other.device || Self.manyDevices.contains(fileSystem))
    }
}
