import PcapNG
import Platform
import SystemPackage

/// How far the reading of files is, in one line on standard error that is written over and goes away at the end.
///
/// Only where standard error is a terminal, and only once something takes more than a second.
final class Progress {
    /// Nanoseconds before the first line, and between two.
    private static let patience: UInt64 = 1_000_000_000
    private static let interval: UInt64 = 500_000_000

    private let isWanted: Bool
    private var what = ""
    private var start: UInt64 = 0
    private var next: UInt64 = 0
    /// Columns that the line on the screen has.
    private var shown = 0

    /// - Parameter isWanted: no lines of the output stand on the same terminal.
    init(isWanted: Bool) { self.isWanted = isWanted && Terminal.hasErrors && !Terminal.isDumb }

    deinit { clear() }

    /// Something else is counted from now on: `packets`.
    func begin(_ what: String) {
        self.what = what
        start = monotonicClock()
        next = start + Self.patience
    }

    /// Shows how many there are by now, if it is time for it.
    func show(_ count: Int, of file: () -> ReadProgress?) {
        guard isWanted else { return }
        let now = monotonicClock()
        // A terminal that does not read makes nobody wait.
        guard now >= next, isWritable(FileDescriptor.standardError.rawValue, milliseconds: 0) else { return }
        next = now + Self.interval
        let text = Self.text(count, what, seconds: Double(now - start) / 1e9, file())
        // The last column is left free: some terminals go to the next line after it.
        let line = String("whosent: \(text)".prefix(max((Terminal.errorWidth ?? 80) - 1, 0)))
        write("\r" + line + String(repeating: " ", count: max(shown - line.count, 0)))
        shown = line.count
    }

    /// Takes the line away.
    func clear() {
        guard shown > 0 else { return }
        write("\r" + String(repeating: " ", count: shown) + "\r")
        shown = 0
    }

    private func write(_ text: String) {
        // Without a line there is nothing wrong.
        _ = try? FileDescriptor.standardError.writeAll(Array(text.utf8))
    }

    /// `1048576 packets, 262144/s, 26 %, 12 s left`
    static func text(_ count: Int, _ what: String, seconds: Double, _ file: ReadProgress?) -> String {
        var parts = ["\(count) \(what)"]
        if seconds > 0 { parts.append("\(Int(Double(count) / seconds))/s") }
        if let file, file.size > 0 {
            let share = min(Double(file.position) / Double(file.size), 1)
            parts.append("\(Int(share * 100)) %")
            if share > 0 { parts.append("\(span(seconds * (1 - share) / share)) left") }
        }
        return parts.joined(separator: ", ")
    }

    private static func span(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 1e9))
        switch whole {
        case ..<120: return "\(whole) s"
        case ..<7200: return "\(whole / 60) min"
        default: return "\(whole / 3600) h"
        }
    }
}
