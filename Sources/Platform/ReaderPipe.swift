internal import Glibc
public import SystemPackage

/// The writing end of a named pipe whose reader may come late and go away at any time.
public struct ReaderPipe {
    /// Takes what the reader shall get; writing waits while the pipe is full.
    public let descriptor: FileDescriptor

    /// Opens the pipe if somebody reads from it, and nil if nobody does yet. Never waits, and creates nothing.
    ///
    /// - Throws: the error of open(2), but for ENXIO.
    public init?(path: String) throws(Errno) {
        do {
            // Without O_CREAT: the kernel refuses that for another user's pipe in /tmp (fs.protected_fifos).
            descriptor = try FileDescriptor.open(FilePath(path), .writeOnly, options: [.nonBlocking, .closeOnExec])
        } catch let error as Errno {
            if error == .noSuchAddressOrDevice { return nil }
            throw error
        } catch {
            throw .ioError
        }
        let flags = fcntl(descriptor.rawValue, F_GETFL)
        _ = fcntl(descriptor.rawValue, F_SETFL, flags & ~O_NONBLOCK)
    }

    /// The reader closed its end. Nothing has to be written to find out, so a quiet network does not keep a writer alive.
    public var isReaderGone: Bool {
        var request = pollfd(fd: descriptor.rawValue, events: 0, revents: 0)
        return unsafe poll(&request, 1, 0) > 0 && Int32(request.revents) & POLLERR != 0
    }
}
