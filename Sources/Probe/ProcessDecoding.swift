internal import CAttributionEvents
internal import Records
internal import TextEscaping

extension ProcessRecord {
    /// Reads a record of the process ring or of the snapshot; nil for the early end of a first thread, which leaves
    /// the process running, and for what is malformed.
    init?(_ bytes: RawSpan, clock: BootClock) {
        guard let process = bytes.loadPrefix(as: attribution_process.self),
            let event = Event(kernelEvent: process.event)
        else { return nil }
        let endsProcess = event == .exit && process.last_thread != 0
        if event == .exit, !endsProcess, process.task.tid == process.task.tgid { return nil }
        self.init(
            event: event, time: clock.wallClock(process.time), process: ProcessKey(process.task),
            thread: endsProcess ? process.task.tgid : process.task.tid, imageVersion: process.task.image_version,
            parent: process.parent_tgid == 0
                ? nil : ProcessKey(pid: process.parent_tgid, startTime: process.parent_start_time),
            name: TaskName(process.task), user: process.task.euid, group: process.task.egid,
            cgroup: process.task.cgroup,
            innerPID: process.inner_tgid == 0 || process.inner_tgid == process.task.tgid ? nil : process.inner_tgid)
        let origin = ProcessKey(pid: process.origin_tgid, startTime: process.origin_start_time)
        if event == .fork, origin.pid != 0, origin != parent { self.origin = origin }
        mountNamespace = process.mount_namespace
        userNamespace = process.user_namespace
        if event == .exec || event == .snapshot {
            executable = Self.executable(bytes)
            image = Self.image(bytes)
            imageFile = Self.imageFile(bytes)
        }
        if event == .exec { setArguments(bytes) }
    }

    /// Only what is certain: the file may have gone since.
    private static func image(_ bytes: RawSpan) -> ImageObservation? {
        switch bytes.loadPrefix(as: attribution_image.self).map({ UInt32($0.file) }) {
        case ATTRIBUTION_IMAGE_MEMFD.rawValue: ImageObservation(state: .memfd)
        case ATTRIBUTION_IMAGE_UNLINKED.rawValue: ImageObservation(state: .deleted)
        default: nil
        }
    }

    private static func imageFile(_ bytes: RawSpan) -> ImageFile? {
        guard let image = bytes.loadPrefix(as: attribution_image.self), image.inode != 0 else { return nil }
        return ImageFile(inode: image.inode, kernelDevice: image.device, fileSystem: image.file_system)
    }

    /// The components come from the file up to the root.
    private static func executable(_ bytes: RawSpan) -> String? {
        guard let image = bytes.loadPrefix(as: attribution_image.self), image.path_cut == 0, image.path_length > 0,
            let path = bytes.array(at: MemoryLayout<attribution_image>.size, count: Int(image.path_length))
        else { return nil }
        let components = path.split(separator: 0)
        return LosslessEscape.text(components.reversed().flatMap { [UInt8(ascii: "/")] + $0 })
    }

    private mutating func setArguments(_ bytes: RawSpan) {
        let offset = MemoryLayout<attribution_image>.size + Int(ATTRIBUTION_PATH_AREA)
        guard let image = bytes.loadPrefix(as: attribution_image.self), image.argument_length > 0,
            var content = bytes.array(at: offset, count: Int(image.argument_length))
        else { return }
        argumentsCut = image.arguments_cut != 0
        if content.last == 0, !argumentsCut { content.removeLast() }
        arguments = content.split(separator: 0, omittingEmptySubsequences: false).map { LosslessEscape.text($0) }
    }
}

extension ProcessRecord.Event {
    fileprivate init?(kernelEvent: UInt8) {
        switch UInt32(kernelEvent) {
        case ATTRIBUTION_PROCESS_SNAPSHOT.rawValue: self = .snapshot
        case ATTRIBUTION_PROCESS_FORK.rawValue: self = .fork
        case ATTRIBUTION_PROCESS_EXEC.rawValue: self = .exec
        case ATTRIBUTION_PROCESS_RENAME.rawValue: self = .rename
        case ATTRIBUTION_PROCESS_EXIT.rawValue: self = .exit
        default: return nil
        }
    }
}

extension RawSpan {
    /// A C struct at the begin; nil where there are too few bytes. Ring records are aligned to eight bytes.
    func loadPrefix<Value: BitwiseCopyable>(as type: Value.Type) -> Value? {
        guard byteCount >= MemoryLayout<Value>.size else { return nil }
        return unsafe unsafeLoadUnaligned(as: type)
    }

    /// A copy of some bytes; nil where they do not lie within.
    func array(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, count >= 0, offset + count <= byteCount else { return nil }
        return unsafe extracting(offset..<offset + count).withUnsafeBytes { unsafe Array($0) }
    }
}
