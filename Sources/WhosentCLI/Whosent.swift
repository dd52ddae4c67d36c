public import ArgumentParser
import Platform
import TextEscaping

/// `whosent`: which process sent that packet?
public struct Whosent: ParsableCommand {
    /// The commands.
    public static let configuration = CommandConfiguration(
        commandName: "whosent",
        abstract: "Name the process that sent each UDP datagram and ping, with proof.",
        discussion: """
            live and record need root and a kernel with BPF; doctor says whether this
            machine will do. join, classify, explain, report, verify and evidence read
            files and need nothing.

            Examples:
              sudo whosent live
              sudo whosent record -w evidence.pcapng
              whosent join capture.pcap --evidence evidence.pcapng
            """,
        version: "whosent \(toolVersion)",
        subcommands: [
            LiveCommand.self, RecordCommand.self, JoinCommand.self, ClassifyCommand.self, ExplainCommand.self,
            ReportCommand.self, VerifyCommand.self, EvidenceCommand.self, DoctorCommand.self, ExtcapCommand.self,
        ])

    /// The root command, which does nothing by itself.
    public init() {}
}

/// The version of this build.
let toolVersion = "0.1.0"

/// Runs the command that the program was started with, and returns the exit status.
public func runWhosent() -> Int32 { runWhosent(programArguments()) }

/// Runs the command that the words name, and returns the exit status.
///
/// - Parameter words: the command line without the program's name.
public func runWhosent(_ words: [String]) -> Int32 {
    do {
        try refuseUnknownCommand(words)
        var command = try Whosent.parseAsRoot(markCommandWords(nameExtcap(words)))
        try command.run()
        return ExitStatus.done
    } catch let failure as CommandFailure {
        if failure.status != ExitStatus.done { Diagnostics.report(failure.description) }
        return failure.status
    } catch {
        let text = Whosent.fullMessage(for: error)
        let code = Whosent.exitCode(for: error)
        var output = StandardOutput()
        if code.isSuccess {
            output.buffer = Array((text + "\n").utf8)
            try? output.flush()
        } else if !text.isEmpty {
            Diagnostics.line(text)
        }
        return code.rawValue
    }
}

/// A mistyped command's name would be taken for an argument of no command at all.
private func refuseUnknownCommand(_ words: [String]) throws(CommandFailure) {
    let names = Whosent.configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let word = words.first, !word.hasPrefix("-"), word != "help", !names.contains(word) else { return }
    throw CommandFailure(
        ExitStatus.usage,
        "there is no command \(LosslessEscape.text(word)); there are \(names.joined(separator: ", ")) (whosent help)")
}

/// Adds the name of the command where Wireshark calls: it knows of no commands, and tells programs in its extcap folder
/// apart by nothing but where they are.
func nameExtcap(_ words: [String]) -> [String] {
    guard words.first?.hasPrefix("--") == true, words.contains(where: { $0.hasPrefix("--extcap-interface") }) else {
        return words
    }
    return ["extcap"] + words
}

/// Marks the words of COMMAND behind `--` in `live` and `record`, so that the parser, which forgets where `--` stood,
/// does not take them for the filter.
func markCommandWords(_ words: [String]) -> [String] {
    guard let command = words.first, ["live", "record"].contains(command), let end = words.firstIndex(of: "--") else {
        return words
    }
    return words[..<end] + words[(end + 1)...].flatMap { ["--command-word", $0] }
}
