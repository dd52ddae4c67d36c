import ArgumentParser
import Capture
import Probe

/// Which network namespace `live` and `record` work in.
struct NamespaceOption: ParsableArguments {
    @Option(
        name: .customLong("netns"),
        help: ArgumentHelp(
            "Work in this network namespace (ip-netns(8)), or that of a path such as /proc/PID/ns/net; COMMAND runs in it too.",
            valueName: "name"),
        completion: .custom { _, _, _ in NetworkNamespace.names })
    var name: String?

    /// Enters the namespace that was named. To be called before any thread is started: threads begin where the one is
    /// that starts them.
    func enter() throws(CommandFailure) {
        guard let name else { return }
        do { try NetworkNamespace.enter(name) } catch { throw CommandFailure(error.exitStatus, error.description) }
    }
}

/// What a shell offers for `-i`.
enum InterfaceCompletion {
    /// The interfaces of this machine, or of the namespace that the command line names.
    static let names = CompletionKind.custom { words, _, _ in
        // The process lives for this answer alone, so it may move.
        if let name = namespace(in: words) { try? NetworkNamespace.enter(name) }
        return listInterfaces()
    }

    /// The value of `--netns` on an unfinished command line.
    static func namespace(in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if word.hasPrefix("--netns=") { return String(word.dropFirst("--netns=".count)) }
            // bash takes the equals sign for a word of its own.
            guard word == "--netns" else { continue }
            return words[(index + 1)...].first { $0 != "=" }
        }
        return nil
    }
}
