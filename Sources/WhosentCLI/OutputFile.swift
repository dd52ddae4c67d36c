import Platform
import SystemPackage

/// Creates and writes the files that a command leaves behind.
enum OutputFile {
    /// Opens `path` for writing, or standard output for `-`.
    ///
    /// Captures and evidence hold payloads and command lines, so a new file is readable by its owner only (0600), and
    /// under sudo it belongs to the user who asked.
    static func create(_ path: String) throws(CommandFailure) -> FileDescriptor {
        if path == "-" { return .standardOutput }
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
            giveToInvokingUser(descriptor)
            return descriptor
        } catch let error as Errno {
            let status =
                error == .permissionDenied || error == .notPermitted ? ExitStatus.notPermitted : ExitStatus.inputOutput
            throw CommandFailure(status, "cannot create \(path): \(error)")
        } catch {
            throw CommandFailure(ExitStatus.inputOutput, "cannot create \(path): \(error)")
        }
    }
}

/// Standard output behind one buffer, written a batch at a time.
struct StandardOutput {
    /// What waits to be written.
    var buffer: [UInt8] = []
    /// The reader went away: nothing more will be written, and that is no failure.
    private(set) var isClosed = false

    /// The buffer is large enough that a system call pays.
    var isFull: Bool { buffer.count >= 1 << 16 }

    /// Writes the buffer out.
    mutating func flush() throws(CommandFailure) {
        defer { buffer.removeAll(keepingCapacity: true) }
        guard !isClosed, !buffer.isEmpty else { return }
        do {
            try FileDescriptor.standardOutput.writeAll(buffer)
        } catch let error as Errno where error == .brokenPipe {
            isClosed = true
        } catch {
            throw CommandFailure(ExitStatus.inputOutput, "cannot write to standard output: \(error)")
        }
    }
}

/// Lines for the user on standard error.
enum Diagnostics {
    /// Prints `whosent: ` and the sentence.
    static func report(_ sentence: String) { line("whosent: \(sentence)") }

    /// Prints a line as it is.
    static func line(_ text: String) {
        // Nobody is left to tell when standard error itself is gone.
        _ = try? FileDescriptor.standardError.writeAll(Array((text + "\n").utf8))
    }
}
