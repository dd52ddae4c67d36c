import Foundation

/// A command that did not behave: could not be started, or did not end in time.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

/// A command that was started; its output goes to files, so that no pipe can fill up.
final class StartedCommand {
    private let process = Process()
    private let input = Pipe()
    private let folder: URL
    private let words: [String]

    private var outputFile: URL { folder.appending(path: "output") }
    private var errorFile: URL { folder.appending(path: "error") }

    /// Starts `words`, the first of which is a path.
    init(_ words: [String], environment: [String: String] = [:]) throws {
        folder = try TestMachine.temporaryFolder()
        self.words = words
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        var handles: [FileHandle] = []
        for (file, isError) in [(outputFile, false), (errorFile, true)] {
            try Data().write(to: file)
            let handle = try FileHandle(forWritingTo: file)
            if isError { process.standardError = handle } else { process.standardOutput = handle }
            handles.append(handle)
        }
        try Self.withSignalsUnblocked { try process.run() }
        // The command has its own; left to Foundation these stay open until the tests end.
        for handle in handles { try handle.close() }
    }

    /// Tests run on Dispatch's threads, which block every signal; a child would inherit that and never see an interrupt.
    private static func withSignalsUnblocked(_ body: () throws -> Void) throws {
        var none = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// What was written to standard output so far.
    var output: Data { (try? Data(contentsOf: outputFile)) ?? Data() }

    /// What was written to standard error so far.
    var errors: String { String(decoding: (try? Data(contentsOf: errorFile)) ?? Data(), as: UTF8.self) }

    /// Waits until standard output or standard error holds `text`.
    func wait(for text: String, seconds: Double = 20) throws {
        try poll(seconds: seconds, what: "say '\(text)'") {
            errors.contains(text) || String(decoding: output, as: UTF8.self).contains(text)
        }
    }

    func send(signal: Int32) { kill(process.processIdentifier, signal) }

    func closeInput() { try? input.fileHandleForWriting.close() }

    /// Waits for the end and returns what came of it.
    func finish(seconds: Double = 60) throws -> CommandRun {
        closeInput()
        let deadline = Date(timeIntervalSinceNow: seconds)
        while process.isRunning {
            guard Date() < deadline else {
                kill(process.processIdentifier, SIGKILL)
                throw CommandFailure(
                    description: "\(words.joined(separator: " ")) did not end in \(seconds) s: \(errors)")
            }
            usleep(5000)
        }
        let signalled = process.terminationReason == .uncaughtSignal
        return CommandRun(
            status: signalled ? 128 + process.terminationStatus : process.terminationStatus, output: output,
            errors: errors)
    }

    private func poll(seconds: Double, what: String, until done: () -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while !done() {
            guard process.isRunning, Date() < deadline else {
                if done() { return }
                throw CommandFailure(description: "\(words.joined(separator: " ")) did not \(what): \(errors)")
            }
            usleep(5000)
        }
    }
}

/// How a command ended and what it said.
struct CommandRun {
    /// The exit status; 128 and the signal's number where a signal ended it.
    let status: Int32
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }

    fileprivate init(status: Int32, output: Data, errors: String) {
        self.status = status
        self.output = output
        self.errors = errors
    }

    /// Runs `words` to their end; the first is a path.
    init(_ words: [String], environment: [String: String] = [:], seconds: Double = 60) throws {
        self = try StartedCommand(words, environment: environment).finish(seconds: seconds)
    }
}
