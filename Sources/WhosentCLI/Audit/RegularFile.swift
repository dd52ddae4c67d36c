import Audit
import PcapNG
import Platform
import SystemPackage
import TextEscaping

/// A file whose contents a manifest vouches for: held open, so that it can be told whether it stayed what it was.
///
/// Links are not followed: a manifest vouches for a file, not for what some link leads to on one machine. Pipes and
/// devices, which may never end, are refused before anything is read.
final class RegularFile {
    private let path: String
    private let descriptor: FileDescriptor
    private let state: FileState

    /// Opens a file. What is missing, a link, no regular file or not allowed to be read is exit status 66.
    init(_ path: String) throws(CommandFailure) {
        self.path = path
        do {
            // A pipe nobody writes to must not be waited for.
            descriptor = try FileDescriptor.open(
                FilePath(path), .readOnly, options: [.noFollow, .nonBlocking, .closeOnExec])
        } catch {
            let isLink = error as? Errno == .tooManySymbolicLinkLevels
            throw Self.failure(path, isLink ? "it is a symbolic link; name the file itself" : "\(error)")
        }
        do throws(Errno) {
            state = try FileState(descriptor)
        } catch {
            try? descriptor.close()
            throw Self.failure(path, "\(error)")
        }
        guard state.isRegular else {
            try? descriptor.close()
            throw Self.failure(path, "it is no regular file")
        }
    }

    deinit { try? descriptor.close() }

    private static func failure(_ path: String, _ reason: String) -> CommandFailure {
        CommandFailure(ExitStatus.noInput, "cannot read \(LosslessEscape.text(path)): \(reason)")
    }

    /// Bytes.
    var length: UInt64 { state.length }

    /// Reads the file to its end. To be called once.
    func digest() throws(CommandFailure) -> ContentDigest {
        do throws(ByteSourceError) {
            return try ContentDigest(reading: DescriptorSource(descriptor))
        } catch {
            throw Self.failure(path, "\(error)")
        }
    }

    /// Reads the file whole, or `limit` bytes and one of a longer one. To be called once, and instead of ``digest()``.
    func contents(limit: Int) throws(CommandFailure) -> [UInt8] {
        var source: any ByteSource = DescriptorSource(descriptor)
        var bytes = [UInt8](repeating: 0, count: min(limit, Int(clamping: length)) + 1)
        var count = 0
        do throws(ByteSourceError) {
            while count < bytes.count {
                let read = try bytes.fill(from: count, &source)
                if read == 0 { break }
                count += read
            }
        } catch {
            throw Self.failure(path, "\(error)")
        }
        return Array(bytes.prefix(count))
    }

    /// Nobody has written to the file since it was opened, and the path still leads to it.
    var isUnchanged: Bool {
        guard let held = try? FileState(descriptor), let named = try? FileState(path: path) else { return false }
        return held == state && named == state
    }
}
