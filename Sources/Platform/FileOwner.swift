internal import Glibc
public import SystemPackage

/// Gives a file to the user who called sudo, where somebody did: what they asked for belongs to them.
public func giveToInvokingUser(_ descriptor: FileDescriptor) {
    guard geteuid() == 0, let user = environment("SUDO_UID").flatMap({ uid_t($0) }),
        let group = environment("SUDO_GID").flatMap({ gid_t($0) })
    else { return }
    _ = fchown(descriptor.rawValue, user, group)
}
