import ArgumentParser

/// `whosent verify`
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a report and what it was made of are the same, byte for byte.",
        discussion: """
            Takes the manifest that report --case wrote. Hashes every file, makes the
            report again in memory, and compares. Nothing is written, and nothing of the
            manifest is run as a command. Exit status 0: all is the same; 1: something
            differs, and is named; 65: the manifest is damaged; 66: a file is missing.

            Examples:
              whosent verify case/manifest.json
            """)

    @Argument(help: ArgumentHelp("The manifest of the report.", valueName: "manifest"))
    var manifest: String

    func run() throws {
        var verification = try Verification(path: manifest)
        try verification.run()
        var output = StandardOutput()
        output.buffer = verification.lines.flatMap { Array("\($0)\n".utf8) }
        try output.flush()
        try verification.conclude()
    }
}
