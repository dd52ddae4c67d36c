import Platform
import SystemPackage

/// The program that `extcap` hands its packets to: what it reads from is a pipe, and its end is the end of the run.
struct CaptureReader {
    private let pipe: ReaderPipe

    /// Waits until somebody reads from the named pipe, or until a signal comes.
    init(path: String) throws(CommandFailure) {
        while !Interruption.isStopPending {
            do {
                if let found = try ReaderPipe(path: path) {
                    pipe = found
                    return
                }
            } catch {
                let status = error == .permissionDenied ? ExitStatus.notPermitted : ExitStatus.noInput
                throw CommandFailure(status, "cannot write to the pipe \(path): \(error)")
            }
            pause(milliseconds: 20)
        }
        throw CommandFailure(ExitStatus.done, "stopped before anybody read from \(path)")
    }

    /// What it reads from.
    var descriptor: FileDescriptor { pipe.descriptor }

    /// It was there, and is no more.
    var isGone: Bool { pipe.isReaderGone }
}
