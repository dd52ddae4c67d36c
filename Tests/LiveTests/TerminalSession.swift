import Foundation

/// A terminal of its own, in tmux, with a shell in a namespace of the lab.
final class TerminalSession {
    private let server: StartedCommand
    /// Outlives the shell in its namespace: the server holds descriptors of everything that was started before it.
    private let network: LabNetwork?
    /// Where the shell starts.
    let folder: URL
    private let socket: String

    /// Starts `shell` (words of a command) in a terminal of a size, on the lab's host where there is a lab.
    init(
        columns: Int, rows: Int, _ shell: [String], on network: LabNetwork? = nil, locale: String = "C.UTF-8"
    ) throws {
        self.network = network
        folder = try TestMachine.temporaryFolder()
        socket = folder.appending(path: "tmux").path
        // No daemon: it would outlive the test, and keep what it inherits open.
        server = try StartedCommand(
            ["/usr/bin/env", "tmux", "-S", socket, "-f", "/dev/null", "-D"], environment: ["LC_ALL": "C.UTF-8"])
        // Swift's own report of a crash asks questions on a terminal.
        let settings = ["SWIFT_BACKTRACE=enable=no", "LC_ALL=\(locale)", "PS1=$ ", "HISTFILE="].flatMap { ["-e", $0] }
        let words = ["new-session", "-d", "-c", folder.path, "-x", "\(columns)", "-y", "\(rows)"]
        let deadline = Date(timeIntervalSinceNow: 5)
        while true {
            let run = try tmux(words + settings + (network?.inside("host", shell) ?? shell))
            if run.status == 0 { return }
            guard Date() < deadline else { throw CommandFailure(description: "tmux: \(run.errors)") }
            usleep(20_000)
        }
    }

    deinit {
        _ = try? tmux("kill-server")
        _ = try? server.finish(seconds: 5)
        try? FileManager.default.removeItem(at: folder)
    }

    @discardableResult
    private func tmux(_ words: String...) throws -> CommandRun { try tmux(words) }

    private func tmux(_ words: [String]) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "tmux", "-N", "-u", "-S", socket] + words, environment: ["LC_ALL": "C.UTF-8"])
    }

    /// Presses keys, in tmux's names for them.
    func press(_ keys: String...) throws {
        for key in keys { try tmux("send-keys", key) }
    }

    /// Types a line and presses Enter.
    func enter(_ line: String) throws {
        try tmux("send-keys", "-l", line)
        try tmux("send-keys", "Enter")
    }

    func resize(columns: Int, rows: Int) throws { try tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)") }

    /// What the terminal shows, its lines without the blanks at their ends.
    var screen: [String] {
        get throws {
            try tmux("capture-pane", "-p").text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .map(String.init)
        }
    }

    /// tmux's words for a state of the terminal: `alternate_on`, `cursor_flag`, `keypad_flag`.
    func state(_ name: String) throws -> String {
        try tmux("display-message", "-p", "#{\(name)}").text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Waits until the screen is as wanted, and returns it.
    @discardableResult
    func wait(_ what: String, seconds: Double = 15, until isThere: ([String]) -> Bool) throws -> [String] {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let lines = try screen
            if isThere(lines) { return lines }
            guard Date() < deadline else {
                throw CommandFailure(description: "no \(what) on the terminal:\n\(lines.joined(separator: "\n"))")
            }
            usleep(150_000)
        }
    }

    /// Waits until a line of the screen holds a text.
    @discardableResult
    func wait(for text: String, seconds: Double = 15) throws -> [String] {
        try wait("'\(text)'", seconds: seconds) { $0.contains { $0.contains(text) } }
    }

    /// A file that was left in the folder.
    func file(_ name: String) -> String {
        (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }
}
