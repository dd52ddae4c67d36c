internal import Records
internal import SystemPackage

/// The file that a process runs, held open: deleted, replaced and memfd images are read through it like any other.
final class RunningImage: Sendable {
    /// What tells a file's contents from others without reading them.
    struct Signature: Hashable, Sendable {
        var file: FileIdentity
        var size: Int64
        /// Nanoseconds since 1970.
        var modified: Int64
        /// Nanoseconds since 1970; a process cannot set it, unlike the former.
        var changed: Int64
    }

    /// What was running when it was opened.
    let signature: Signature
    /// Which file it is.
    let file: ImageFile?
    private let descriptor: FileDescriptor

    /// Opens a regular file (/proc/PID/exe); nil for anything else and where the privilege is lacking.
    init?(path: String) {
        guard let descriptor = SystemCalls.openForLooking(path) else { return nil }
        guard let signature = SystemCalls.signature(descriptor) else {
            try? descriptor.close()
            return nil
        }
        self.descriptor = descriptor
        self.signature = signature
        file = SystemCalls.imageFile(descriptor)
    }

    deinit { try? descriptor.close() }

    /// What the file is now.
    var currentSignature: Signature? { SystemCalls.signature(descriptor) }

    /// Reads from an offset into a buffer; the count, 0 at the end, nil on failure.
    func read(at offset: Int64, into buffer: inout [UInt8]) -> Int? {
        SystemCalls.read(descriptor, at: offset, into: &buffer)
    }
}
