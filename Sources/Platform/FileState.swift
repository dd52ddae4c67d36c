internal import Glibc
public import SystemPackage

/// Which file it is and when it was written to last: equal states of a file mean that nobody wrote to it in between.
public struct FileState: Hashable, Sendable {
    /// A file with contents of its own: no folder, pipe, device or link.
    public let isRegular: Bool
    /// Bytes.
    public let length: UInt64
    private let device: UInt64
    private let inode: UInt64
    private let modified: [Int]
    private let changed: [Int]

    /// The state of an open file.
    public init(_ descriptor: FileDescriptor) throws(Errno) { self.init(try descriptor.stat()) }

    /// The state of what a path leads to; a link at its end is not followed.
    public init(path: String) throws(Errno) { self.init(try FilePath(path).stat(followTargetSymlink: false)) }

    private init(_ status: Stat) {
        isRegular = status.type == .regular
        length = UInt64(max(0, status.size))
        device = UInt64(truncatingIfNeeded: status.rawValue.st_dev)
        inode = UInt64(truncatingIfNeeded: status.rawValue.st_ino)
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
