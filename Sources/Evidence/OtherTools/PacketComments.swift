import TextEscaping

/// What another tool's packet comments say of the process.
struct CommentedProcess: Hashable {
    var pid: UInt32?
    var thread: UInt32?
    var parent: UInt32?
    var user: UInt32?
    var executable: String?
    var commandLine: String?
}

/// The comments of ptcpdump: lines `Key: value`, several in one comment.
enum PtcpdumpComments {
    /// Nil where none of the comments is of this form.
    static func read(_ comments: [String]) -> CommentedProcess? {
        var process = CommentedProcess()
        var isKnown = false
        for comment in comments {
            var rest = comment.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)[...]
            while let line = rest.popFirst() {
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == 0x20 }
                switch Substring(line[..<colon]) {
                case "PID":
                    // A second one contradicts the first: then neither is believed.
                    guard !isKnown, let pid = UInt32(Substring(value)) else { return nil }
                    process.pid = pid == 0 ? nil : pid
                    isKnown = true
                case "ThreadId": process.thread = UInt32(Substring(value))
                case "ParentPID": process.parent = UInt32(Substring(value))
                case "UserId": process.user = UInt32(Substring(value))
                case "Cmd", "Command": process.executable = value.isEmpty ? nil : LosslessEscape.text(value)
                case "Args":
                    // Arguments may hold line ends: they go on to the comment's end, and nothing in them is a key.
                    let whole = ([Substring(value)] + rest.map { Substring($0) }).joined(separator: "\n")
                    process.commandLine = whole.isEmpty ? nil : LosslessEscape.text(whole)
                    rest = []
                default: break
                }
            }
        }
        return isKnown ? process : nil
    }
}

/// The comments of etl2pcapng: `PID=%d TID=%d`, or `PID=%d`, and what concerns the network card behind it.
enum Etl2pcapngComments {
    /// Nil where none of the comments is of this form.
    static func read(_ comments: [String]) -> CommentedProcess? {
        for comment in comments {
            let words = comment.utf8.split(separator: 0x20).map { Substring($0) }
            guard let first = words.first, first.hasPrefix("PID="), let pid = number(first.dropFirst(4)),
                // This tool's own comments begin alike; without their file's header they are no evidence.
                !words.contains(where: { $0.hasPrefix("VERDICT=") || $0.hasPrefix("ORIGIN=") })
            else { continue }
            var process = CommentedProcess()
            process.pid = pid == 0 || pid == .max ? nil : pid
            if words.count > 1, words[1].hasPrefix("TID=") { process.thread = number(words[1].dropFirst(4)) }
            return process
        }
        return nil
    }

    /// Printed with `%d`: ids from 2³¹ on, and 0xFFFFFFFF for none, come out negative.
    private static func number(_ text: Substring) -> UInt32? {
        UInt32(text) ?? Int32(text).map { UInt32(bitPattern: $0) }
    }
}
