internal import Glibc
public import SystemPackage

/// Whether two paths lead to one file.
public func isSameFile(_ first: String, _ second: String) -> Bool {
    var one = stat()
    var other = stat()
    guard unsafe stat(first, &one) == 0, unsafe stat(second, &other) == 0 else { return false }
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

/// Takes everybody else's permissions from a regular file: what is written holds payloads and command lines.
public func makePrivate(_ descriptor: FileDescriptor) {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    _ = fchmod(descriptor.rawValue, 0o600)
}

/// Gives a file to the user who called sudo, where somebody did: what they asked for belongs to them.
public func giveToInvokingUser(_ descriptor: FileDescriptor) {
    guard geteuid() == 0, let user = environment("SUDO_UID").flatMap({ uid_t($0) }),
        let group = environment("SUDO_GID").flatMap({ gid_t($0) })
    else { return }
    _ = fchown(descriptor.rawValue, user, group)
}
