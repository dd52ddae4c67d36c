internal import Glibc

/// A file descriptor that is closed with its owner.
struct OwnedDescriptor: ~Copyable {
    let number: CInt

    init(_ number: CInt) { self.number = number }

    init(opening path: String, flags: CInt) throws(ProbeError) {
        number = try checked("open(\"\(path)\")", unsafe open(path, flags | O_CLOEXEC))
    }

    deinit { _ = close(number) }

    /// The inode that the descriptor refers to.
    func inode() throws(ProbeError) -> UInt64 {
        var status = stat()
        _ = try checked("fstat", unsafe fstat(number, &status))
        return UInt64(status.st_ino)
    }
}

/// The inode of the file at `path`, or nil where it cannot be had.
func inode(ofPath path: String) -> UInt64? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
}

/// The content of a small text file, or nil where it cannot be read.
func contents(ofPath path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? nil : content }
        content += buffer.prefix(count)
    }
}

/// The names in a directory but `.` and `..`, in no order; none where it cannot be read.
func directoryEntries(ofPath path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { _ = unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
