import Platform
import SystemPackage

/// Creates and writes the files that a command leaves behind.
enum OutputFile {
    /// Opens `path` for writing, or standard output for `-`.
    ///
    /// Captures and evidence hold payloads and command lines, so a new file is readable by its owner only (0600), and
    /// under sudo it belongs to the user who asked.
    ///
    /// - Parameters:
    ///   - inputs: what the command reads: writing over it would destroy it.
    ///   - option: the option that names the file, for messages.
    static func create(
        _ path: String, besides inputs: [String] = [], option: String = "-w"
    ) throws(CommandFailure) -> FileDescriptor {
        if path == "-" { return .standardOutput }
        if let input = inputs.first(where: { $0 != "-" && isSameFile($0, path) }) {
            throw CommandFailure(
                ExitStatus.usage, "\(option) \(path) would overwrite the input \(input); name another file")
        }
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
            makePrivate(descriptor)
            giveToInvokingUser(descriptor)
            return descriptor
        } catch let error as Errno {
            let status =
                error == .permissionDenied || error == .notPermitted ? ExitStatus.notPermitted : ExitStatus.inputOutput
            throw CommandFailure(status, "cannot create \(path): \(reason(error))")
        } catch {
            throw CommandFailure(ExitStatus.inputOutput, "cannot create \(path): \(error)")
        }
    }
}

extension OutputFile {
    private static func reason(_ error: Errno) -> String {
        switch error {
        case .noSuchFileOrDirectory: "its folder does not exist"
        case .isDirectory: "it is a folder; name a file in it"
        case .permissionDenied, .notPermitted: "this user may not write there"
        default: error.description
        }
    }
}

/// Standard output behind one buffer, written a batch at a time.
struct StandardOutput {
    /// What waits to be written.
    var buffer: [UInt8] = []
    /// The reader went away: nothing more will be written, and that is no failure.
    private(set) var isClosed = false

    /// The run is coming to its end: the signal that asked for it was taken already.
    var isEnding = false

    /// The buffer is large enough that a system call pays.
    var isFull: Bool { buffer.count >= 1 << 16 }

    /// Writes the buffer out. A reader that does not read is waited for, but not for ever once the end was asked for.
    mutating func flush() throws(CommandFailure) {
        defer { buffer.removeAll(keepingCapacity: true) }
        guard !isClosed, !buffer.isEmpty else { return }
        var rest = buffer[...]
        while !rest.isEmpty {
            guard waitForReader() else {
                isClosed = true
                Diagnostics.report("the reader of standard output does not read; \(rest.count) bytes were not written")
                return
            }
            do {
                let written = try FileDescriptor.standardOutput.writeAll(rest.prefix(Self.pipeAtom))
                rest = rest.dropFirst(written)
            } catch let error as Errno where error == .brokenPipe {
                isClosed = true
                return
            } catch {
                throw CommandFailure(ExitStatus.inputOutput, "cannot write to standard output: \(error)")
            }
        }
    }

    /// What a writable pipe takes at once.
    private static let pipeAtom = 4096
    /// How long a reader may make the command wait after a signal, in tenths of a second.
    private static let patience = 10

    private func waitForReader() -> Bool {
        var waitedAfterSignal = 0
        while !isWritable(FileDescriptor.standardOutput.rawValue, milliseconds: 100) {
            if stopWasAskedFor() { waitedAfterSignal += 1 }
            if waitedAfterSignal > Self.patience { return false }
        }
        return true
    }

    private func stopWasAskedFor() -> Bool { Interruption.isStopPending || isEnding }
}

/// Lines for the user on standard error.
enum Diagnostics {
    /// Prints `whosent: ` and the sentence.
    static func report(_ sentence: String) { line("whosent: \(sentence)") }

    /// Prints a line as it is.
    static func line(_ text: String) {
        // A terminal that does not read must not keep a command from ending.
        if Terminal.hasErrors, !isWritable(FileDescriptor.standardError.rawValue, milliseconds: 1000) { return }
        // Nobody is left to tell when standard error itself is gone.
        _ = try? FileDescriptor.standardError.writeAll(Array((text + "\n").utf8))
    }
}
