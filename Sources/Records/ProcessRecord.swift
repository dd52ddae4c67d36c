import TextEscaping

/// A kernel task name (`comm`): at most 15 bytes, as the kernel has it.
public struct TaskName: Hashable, Sendable, CustomStringConvertible {
    /// Bytes 0 to 7, first byte highest, zero-filled.
    public let high: UInt64
    /// Bytes 8 to 15.
    public let low: UInt64

    /// A name from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A name from bytes up to the first NUL, at most 16.
    public init(_ bytes: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            guard byte != 0, count < 16 else { break }
            if count < 8 { high |= UInt64(byte) << (56 - 8 * count) } else { low |= UInt64(byte) << (120 - 8 * count) }
            count += 1
        }
        self.init(high: high, low: low)
    }

    /// No name.
    public static let empty = TaskName(high: 0, low: 0)

    /// The name in the lossless escape.
    public var description: String {
        var bytes: [UInt8] = []
        for index in 0..<16 {
            let byte = UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(56 - 8 * (index & 7)))
            if byte == 0 { break }
            bytes.append(byte)
        }
        return LosslessEscape.text(bytes)
    }
}

/// A process, safe against reuse of its id: the id together with the start time.
public struct ProcessKey: Hashable, Sendable {
    /// The process id (tgid) in the initial pid namespace.
    public var pid: UInt32
    /// The start time of the process's first thread in nanoseconds of the boot clock
    /// (`task_struct.group_leader.start_boottime`); 0 where the evidence has none.
    public var startTime: UInt64

    /// A key.
    public init(pid: UInt32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }
}

/// What the kernel, procfs or an evidence file says about a process at one moment.
///
/// Texts are in the lossless escape (``LosslessEscape``) already.
public struct ProcessRecord: Sendable {
    /// The event that made the record.
    public enum Event: UInt8, Sendable {
        /// It was there already when the tool began to look.
        case snapshot
        /// A new process by fork or clone, with its parent's image; or a new thread (`thread` differs from the pid).
        case fork
        /// A new image by exec.
        case exec
        /// A task changed its name (prctl, pthread_setname_np).
        case rename
        /// A thread ended; the process, where it was the last.
        case exit
    }

    /// What happened.
    public var event: Event
    /// When.
    public var time: Timestamp
    /// The process.
    public var process: ProcessKey
    /// The thread that the record is about: the process id itself for most.
    public var thread: UInt32
    /// Counts the images: the kernel's `self_exec_id`. A child begins with its parent's value.
    public var imageVersion: UInt32
    /// The parent, where known.
    public var parent: ProcessKey?
    /// Of a fork: the process that was copied, where it is not the parent (clone with CLONE_PARENT).
    public var origin: ProcessKey?
    /// The thread's name at that moment.
    public var name: TaskName
    /// The path of the executable, where known.
    public var executable: String?
    /// The arguments, where known.
    public var arguments: [String]?
    /// The arguments go on beyond what was recorded.
    public var argumentsCut: Bool
    /// The effective user id, where known.
    public var user: UInt32?
    /// The effective group id, where known.
    public var group: UInt32?
    /// The id of the cgroup (v2 directory inode), 0 where unknown.
    public var cgroup: UInt64
    /// The path of the cgroup that names its unit or container, where known.
    public var cgroupPath: String?
    /// The process id in its own, innermost pid namespace, where it differs.
    public var innerPID: UInt32?
    /// What a look at the running image showed; nil where nobody looked.
    public var image: ImageObservation?
    /// The file that the kernel put into the process, where the record comes from the kernel.
    public var imageFile: ImageFile?
    /// The inode of its mount namespace, 0 where unknown.
    public var mountNamespace: UInt32
    /// The inode of its user namespace, 0 where unknown.
    public var userNamespace: UInt32
    /// Whether the machine's own files of users and groups are also this process's, where known: in a container the
    /// same number is another user.
    public var sharesAccounts: Bool?
    /// Where the name for the user, unit and container are known already (evidence files): the finished description.
    public var description: ProcessDescription?
    /// Which evidence it comes from, from 0.
    public var host: UInt16

    /// A record.
    public init(
        event: Event, time: Timestamp, process: ProcessKey, thread: UInt32? = nil, imageVersion: UInt32 = 0,
        parent: ProcessKey? = nil, name: TaskName = .empty, executable: String? = nil, arguments: [String]? = nil,
        argumentsCut: Bool = false, user: UInt32? = nil, group: UInt32? = nil, cgroup: UInt64 = 0,
        cgroupPath: String? = nil, innerPID: UInt32? = nil, image: ImageObservation? = nil,
        description: ProcessDescription? = nil, host: UInt16 = 0
    ) {
        self.event = event
        self.time = time
        self.process = process
        self.thread = thread ?? process.pid
        self.imageVersion = imageVersion
        self.parent = parent
        self.name = name
        self.executable = executable
        self.arguments = arguments
        self.argumentsCut = argumentsCut
        self.user = user
        self.group = group
        self.cgroup = cgroup
        self.cgroupPath = cgroupPath
        self.innerPID = innerPID
        self.image = image
        mountNamespace = 0
        userNamespace = 0
        self.description = description
        self.host = host
    }
}

/// What a look at a running image showed.
public struct ImageObservation: Hashable, Sendable {
    /// How it differs from the file at its path; nil where it is that file.
    public var state: ProcessDescription.ImageState?
    /// SHA-256 of its file's contents, 64 hex digits; nil where it was not computed.
    public var sha256: String?

    /// What a look showed.
    public init(state: ProcessDescription.ImageState? = nil, sha256: String? = nil) {
        self.state = state
        self.sha256 = sha256
    }
}

/// A process as reports show it: ECS's `process` object with `container` and `service`.
///
/// Texts are in the lossless escape already. Absent means unknown.
public struct ProcessDescription: Hashable, Sendable {
    /// The running image is no longer the file at the path.
    public enum ImageState: String, Sendable {
        /// The file was removed.
        case deleted
        /// It never was a file (memfd_create).
        case memfd
        /// Another file is at the path now.
        case replaced
    }

    /// The process id in the initial pid namespace.
    public var pid: UInt32
    /// The process id in its own pid namespace, where it differs.
    public var innerPID: UInt32?
    /// The process's name: its first thread's task name.
    public var name: String?
    /// The path of the executable.
    public var executable: String?
    /// The command line.
    public var arguments: [String]?
    /// When it started, wall clock.
    public var start: Timestamp?
    /// `<boot id>-<pid>-<start in ns>`.
    public var entityID: String?
    /// The chain of parents: the nearest first.
    public var parents: [ProcessDescription]
    /// The effective user id, and its name where known.
    public var user: Principal?
    /// The effective group id, and its name where known.
    public var group: Principal?
    /// SHA-256 of the running image, 64 hex digits.
    public var sha256: String?
    /// The container's id, from its cgroup.
    public var containerID: String?
    /// The systemd unit, from its cgroup.
    public var serviceName: String?
    /// Whether the running image differs from the file at its path.
    public var image: ImageState?

    /// A user or a group.
    public struct Principal: Hashable, Sendable {
        /// The number, as text.
        public var id: String
        /// The name, where the evidence has it.
        public var name: String?

        /// A user or a group.
        public init(id: String, name: String? = nil) {
            self.id = id
            self.name = name
        }
    }

    /// A process of which only the id is known so far.
    public init(pid: UInt32, name: String? = nil) {
        self.pid = pid
        self.name = name
        parents = []
    }
}
