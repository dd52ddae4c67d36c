internal import CLinux
internal import Glibc
internal import Records
internal import SystemPackage

/// The system calls that swift-system has no safe form of. With ``NetlinkDump`` the only unsafe code of this target.
enum SystemCalls {
    /// The text of a symbolic link as the kernel has it, which need not be UTF-8; at most 4095 bytes.
    static func linkTarget(_ path: String) throws(Errno) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { raw -> Int in
            guard let base = raw.baseAddress else { return -1 }
            return unsafe readlink(path, base.assumingMemoryBound(to: CChar.self), raw.count - 1)
        }
        guard count >= 0 else { throw Errno(rawValue: errno) }
        return Array(buffer[..<count])
    }

    /// The names in a directory that are UTF-8, without `.` and `..`, and whether each is a directory; stops at `limit`.
    static func list(_ path: String, limit: Int) throws(Errno) -> [(name: String, isDirectory: Bool)] {
        guard let stream = unsafe opendir(path) else { throw Errno(rawValue: errno) }
        defer { unsafe closedir(stream) }
        var names: [(name: String, isDirectory: Bool)] = []
        while names.count < limit, let entry = unsafe readdir(stream) {
            let isDirectory = unsafe Int(entry.pointee.d_type) == Int(DT_DIR)
            let bytes = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
                unsafe Array(raw.prefix { $0 != 0 })
            }
            guard let name = String(validating: bytes, as: UTF8.self), name != ".", name != ".." else { continue }
            names.append((name, isDirectory))
        }
        return names
    }

    /// The contents of a file of unknown size, at most `limit` bytes, and whether it goes on.
    static func read(_ path: String, limit: Int) throws(Errno) -> (bytes: [UInt8], isCut: Bool) {
        let bytes: [UInt8]
        do {
            // Non-blocking: a path under a process's root may lead to a pipe.
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
            bytes = try file.closeAfter {
                var buffer = [UInt8](repeating: 0, count: limit + 1)
                var count = 0
                while count < buffer.count {
                    let read = try unsafe buffer.withUnsafeMutableBytes { raw in
                        try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: raw[count...]))
                    }
                    if read == 0 { break }
                    count += read
                }
                buffer.removeLast(buffer.count - count)
                return buffer
            }
        } catch let error as Errno {
            throw error
        } catch {
            throw .ioError
        }
        return bytes.count > limit ? (Array(bytes[..<limit]), true) : (bytes, false)
    }

    /// Device and inode of a file, links followed; nil where it cannot be looked at.
    static func identity(_ path: String) -> FileIdentity? {
        guard let stat = try? Stat(FilePath(path), followTargetSymlink: true) else { return nil }
        return FileIdentity(device: UInt64(stat.deviceID.rawValue), inode: UInt64(stat.inode.rawValue))
    }

    /// Opens a file for reading, without waiting for it and without leaving a trace in its access time where allowed.
    static func openForLooking(_ path: String) -> FileDescriptor? {
        let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking]
        let traceless = options.union(.init(rawValue: Int32(0o1_000_000)))  // O_NOATIME, for owners and root only
        return (try? FileDescriptor.open(FilePath(path), .readOnly, options: traceless))
            ?? (try? FileDescriptor.open(FilePath(path), .readOnly, options: options))
    }

    /// What tells a regular file's contents from others'; nil for what is no regular file.
    static func signature(_ descriptor: FileDescriptor) -> RunningImage.Signature? {
        guard let stat = try? descriptor.stat(), stat.type == .regular else { return nil }
        return RunningImage.Signature(
            file: FileIdentity(device: UInt64(stat.deviceID.rawValue), inode: UInt64(stat.inode.rawValue)),
            size: stat.size, modified: nanoseconds(stat.st_mtim), changed: nanoseconds(stat.st_ctim))
    }

    /// Which file a descriptor leads to; nil where it cannot be told.
    static func imageFile(_ descriptor: FileDescriptor) -> ImageFile? {
        let system = clinux_file_system(descriptor.rawValue)
        guard system >= 0, let stat = try? descriptor.stat() else { return nil }
        return ImageFile(
            inode: UInt64(stat.inode.rawValue), device: UInt64(stat.deviceID.rawValue),
            fileSystem: UInt32(truncatingIfNeeded: system))
    }

    /// Which file a path leads to, links followed; nil where it cannot be told.
    static func imageFile(_ path: String) -> ImageFile? {
        // Without opening it for reading, which needs more.
        let options = FileDescriptor.OpenOptions(rawValue: Int32(0o10_000_000)).union(.closeOnExec)  // O_PATH
        guard let descriptor = try? FileDescriptor.open(FilePath(path), .readOnly, options: options) else { return nil }
        defer { try? descriptor.close() }
        return imageFile(descriptor)
    }

    /// Reads from an offset into a buffer; the count, 0 at the end, nil on failure.
    static func read(_ descriptor: FileDescriptor, at offset: Int64, into buffer: inout [UInt8]) -> Int? {
        try? unsafe buffer.withUnsafeMutableBytes { raw in
            try unsafe descriptor.read(fromAbsoluteOffset: offset, into: raw)
        }
    }

    /// The path of a cgroup, as the kernel has it, from its id; nil where there is none any more, and without privilege.
    /// `mount`: a directory of its hierarchy.
    static func cgroupPath(_ id: UInt64, mount: String) -> [UInt8]? {
        guard let root = try? FileDescriptor.open(FilePath(mount), .readOnly, options: [.directory, .closeOnExec])
        else {
            return nil
        }
        defer { try? root.close() }
        // struct file_handle with kernfs's form of it (FILEID_KERNFS in linux/exportfs.h): the id.
        var handle = (UInt32(8), Int32(0xFE), id)
        let number = unsafe open_by_handle_at(root.rawValue, &handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let descriptor = FileDescriptor(rawValue: number)
        defer { try? descriptor.close() }
        guard let top = try? linkTarget("/proc/self/fd/\(root.rawValue)"),
            let path = try? linkTarget("/proc/self/fd/\(number)"), path.starts(with: top)
        else { return nil }
        return path.count == top.count ? [UInt8(ascii: "/")] : Array(path[top.count...])
    }

    /// Whether two threads have one table of descriptors.
    static func compareDescriptorTables(_ one: UInt32, _ other: UInt32) -> Result<Bool, Errno> {
        let order = clinux_compare_descriptor_tables(Int32(bitPattern: one), Int32(bitPattern: other))
        return order < 0 ? .failure(Errno(rawValue: errno)) : .success(order == 0)
    }

    /// The TUN or TAP device that another process's descriptor is attached to, and the inode of the device's network
    /// namespace; nil where it is none, and where the process may not be looked at so closely.
    ///
    /// - Parameter isThread: `pid` is a thread with a table of its own; Linux 6.9 is needed to tell.
    static func tunnelDevice(pid: UInt32, isThread: Bool = false, descriptor: UInt32) -> (
        name: [UInt8], namespace: UInt32
    )? {
        let number = Int32(bitPattern: pid)
        let process = isThread ? clinux_pidfd_open_thread(number) : clinux_pidfd_open(number)
        guard process >= 0 else { return nil }
        defer { close(process) }
        let copy = clinux_pidfd_getfd(process, Int32(bitPattern: descriptor))
        guard copy >= 0 else { return nil }
        defer { close(copy) }
        var request = [UInt8](repeating: 0, count: 40)  // struct ifreq
        let status = unsafe request.withUnsafeMutableBytes { unsafe clinux_tun_getiff(copy, $0.baseAddress) }
        let namespace = status == 0 ? clinux_tun_getdevnetns(copy) : -1
        guard namespace >= 0 else { return nil }
        defer { close(namespace) }
        guard let inode = try? FileDescriptor(rawValue: namespace).stat().inode.rawValue else { return nil }
        return (Array(request[..<16].prefix { $0 != 0 }), UInt32(truncatingIfNeeded: inode))
    }

    /// The device that the kernel keeps memfds on; nil where it makes none.
    static let memfdDevice: UInt64? = {
        let number = unsafe memfd_create("whosent", UInt32(MFD_CLOEXEC))
        guard number >= 0 else { return nil }
        let descriptor = FileDescriptor(rawValue: number)
        defer { try? descriptor.close() }
        return signature(descriptor)?.file.device
    }()

    /// Gives the calling thread a third of the packet path's share, where they contend for a processor.
    static func standBack() {
        // Of one thread only, on Linux (setpriority(2), "C library/kernel differences").
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
    }

    /// Nanoseconds of the wall clock since 1970, and of the boot clock (suspend included).
    static func clocks() -> (wall: Int64, boot: Int64) {
        (nanoseconds(CLOCK_REALTIME), nanoseconds(CLOCK_BOOTTIME))
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return nanoseconds(time)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Runs something on a thread of its own, which no signal interrupts; false where none could be started.
    static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        let task = unsafe Unmanaged.passRetained(ThreadBody(body))
        var all = sigset_t()
        var before = sigset_t()
        // A thread inherits the mask: signals stay with the threads that wait for them.
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, task.toOpaque())
        guard status == 0 else {
            unsafe task.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private final class ThreadBody: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Sleeps.
    static func pause(milliseconds: Int) {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        unsafe nanosleep(&time, nil)
    }

    /// Clock ticks a second, as procfs counts start times (USER_HZ).
    static var ticksPerSecond: Int { max(1, sysconf(Int32(_SC_CLK_TCK))) }
}

/// Which file a path leads to.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
}
