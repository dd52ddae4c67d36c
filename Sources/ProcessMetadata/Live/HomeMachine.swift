internal import Records

/// Where this tool itself runs: what tells a container's process from the host's.
struct HomeMachine: Sendable {
    /// The inode of the tool's mount namespace; 0 where procfs does not tell.
    var mountNamespace: UInt32
    /// The inode of the tool's user namespace; 0 where procfs does not tell.
    var userNamespace: UInt32
    /// The file that gives the machine's users their names.
    var accounts: FileIdentity?

    /// The machine of a procfs.
    init(procfs: String = "/proc") {
        mountNamespace = Self.namespace("\(procfs)/self/ns/mnt") ?? 0
        userNamespace = Self.namespace("\(procfs)/self/ns/user") ?? 0
        accounts = SystemCalls.identity(Self.accountFile)
    }

    /// The file that is looked for below a process's root.
    static let accountFile = "/etc/passwd"

    /// The inode in the text of a link in /proc/PID/ns (`mnt:[4026531841]`); nil where it cannot be read.
    static func namespace(_ link: String) -> UInt32? {
        guard let text = try? SystemCalls.linkTarget(link), let open = text.firstIndex(of: UInt8(ascii: "[")),
            text.last == UInt8(ascii: "]")
        else { return nil }
        return ProcFSFormat.decimal(text[(open + 1)...].dropLast()).flatMap(UInt32.init(exactly:))
    }

    /// Whether a process that the kernel told of has the tool's own namespaces, and so the machine's users. Otherwise
    /// only a look at its files can tell (services with a /tmp of their own still have them).
    func sharesAccounts(mountNamespace: UInt32, userNamespace: UInt32) -> Bool {
        mountNamespace != 0 && mountNamespace == self.mountNamespace && userNamespace != 0
            && userNamespace == self.userNamespace
    }
}
