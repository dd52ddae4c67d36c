import Foundation
import Testing

/// A command as `--experimental-dump-help` describes it.
struct DescribedCommand: Decodable, Sendable {
    struct Argument: Decodable, Sendable {
        struct Name: Decodable, Sendable {
            var kind: String
            var name: String
            var written: String { (kind == "short" ? "-" : "--") + name }
        }

        var names: [Name]?
        var shouldDisplay: Bool
    }

    var commandName: String
    var discussion: String?
    var arguments: [Argument]?
    var subcommands: [DescribedCommand]?

    private struct Document: Decodable { var command: DescribedCommand }

    /// The command under test.
    static func root() throws -> DescribedCommand {
        let run = try CommandRun([TestMachine.whosent, "--experimental-dump-help"])
        return try JSONDecoder().decode(Document.self, from: run.output).command
    }

    /// The commands that stand in the help.
    var shownSubcommands: [DescribedCommand] { (subcommands ?? []).filter { $0.commandName != "help" } }

    /// The words of each example, without what is said about it.
    var examples: [String] {
        let lines = (discussion ?? "").components(separatedBy: "\n")
        return lines.drop { $0 != "Examples:" }.dropFirst().prefix { $0.hasPrefix("  ") }.map { line in
            line.dropFirst(2).components(separatedBy: "  ")[0]
        }
    }
}

/// What `tools/manual` makes: the page and the completions.
@Suite("Manual", .serialized)
struct ManualTests {
    private let share: URL
    private let root: DescribedCommand

    init() throws {
        share = try TestMachine.temporaryFolder()
        root = try DescribedCommand.root()
        let run = try CommandRun([
            "/usr/bin/env", "python3", TestMachine.package.appending(path: "tools/manual").path, TestMachine.whosent,
            share.path,
        ])
        guard run.status == 0 else { throw CommandFailure(description: run.errors) }
    }

    private var pagePath: String { share.appending(path: "man/man1/whosent.1").path }

    @Test("The page has every command with every option, and the sections that people look for")
    func complete() throws {
        let page = try String(contentsOfFile: pagePath, encoding: .utf8)
        #expect(root.shownSubcommands.count >= 8)
        let parts = page.components(separatedBy: "\n.SS whosent ")
        for command in root.shownSubcommands {
            let part = try #require(parts.first { $0.hasPrefix("\(command.commandName)\n") })
            for name in (command.arguments ?? []).filter(\.shouldDisplay).flatMap({ $0.names ?? [] })
            where !["--help", "--version", "-h"].contains(name.written) {
                let tag = "\\fB" + name.written.replacingOccurrences(of: "-", with: "\\-") + "\\fR"
                #expect(part.contains(tag), "\(command.commandName) \(name.written)")
            }
            #expect(!command.examples.isEmpty, "\(command.commandName)")
        }
        for section in ["SYNOPSIS", "COMMANDS", "EXIT STATUS", "COST", "LIMITS"] {
            #expect(page.contains("\n.SH \(section)\n"), "\(section)")
        }
        for status in [0, 1, 64, 65, 66, 69, 74, 77] { #expect(page.contains("\n.B \(status)\n")) }
    }

    @Test("mandoc finds nothing to complain about")
    func wellFormed() throws {
        let run = try CommandRun(["/usr/bin/env", "mandoc", "-Tlint", "-W", "warning", pagePath])
        #expect(run.status == 0 && run.output.isEmpty, "\(run.text)\(run.errors)")
    }

    @Test("bash completes commands, options, values and interfaces")
    func bash() throws {
        let script = share.appending(path: "bash-completion/completions/whosent").path
        func completions(_ words: [String]) throws -> [String] {
            let list = words.map { "'\($0)'" }.joined(separator: " ")
            let bash = """
                PATH=\((TestMachine.whosent as NSString).deletingLastPathComponent):$PATH
                source '\(script)'
                COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1)
                COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
                _whosent whosent '\(words[words.count - 1])' '\(words[words.count - 2])'
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let run = try CommandRun(["/bin/bash", "-c", bash])
            #expect(run.status == 0, "\(run.errors)")
            return run.text.split(separator: "\n").map(String.init)
        }
        let commands = try completions(["whosent", ""])
        for command in root.shownSubcommands { #expect(commands.contains(command.commandName)) }
        #expect(try completions(["whosent", "live", "--net"]) == ["--netns"])
        #expect(try completions(["whosent", "live", "-i", "l"]).contains("lo"))
        #expect(Set(try completions(["whosent", "live", "--format", ""])) == ["text", "ndjson", "csv"])
    }

    @Test(
        "zsh and fish have scripts of their own",
        arguments: ["zsh/site-functions/_whosent", "fish/vendor_completions.d/whosent.fish"])
    func otherShells(path: String) throws {
        let script = try String(contentsOf: share.appending(path: path), encoding: .utf8)
        for command in root.shownSubcommands { #expect(script.contains(command.commandName)) }
        #expect(script.contains("netns"))
    }
}
