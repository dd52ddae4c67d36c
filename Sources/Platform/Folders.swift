internal import Glibc
public import SystemPackage

/// The absolute path of what is at `path`, without links, `.` and `..`.
public func canonicalPath(_ path: String) throws(Errno) -> String {
    guard let found = unsafe realpath(path, nil) else { throw Errno(rawValue: errno) }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
}

/// Makes a folder that only its owner may enter, unless there is one; under sudo it belongs to the user who asked.
public func makePrivateFolder(_ path: String) throws(Errno) {
    guard unsafe mkdir(path, 0o700) == 0 else {
        let reason = Errno(rawValue: errno)
        if reason == .fileExists { return }
        throw reason
    }
    do {
        let folder = try FileDescriptor.open(FilePath(path), .readOnly, options: [.directory, .noFollow, .closeOnExec])
        defer { try? folder.close() }
        giveToInvokingUser(folder)
    } catch {
        throw error as? Errno ?? .ioError
    }
}
