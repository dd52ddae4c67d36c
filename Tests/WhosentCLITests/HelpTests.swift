import ArgumentParser
import Testing

@testable import WhosentCLI

/// The texts that `whosent help` shows.
@Suite("Help")
struct HelpTests {
    private static let configurations =
        [Whosent.configuration] + Whosent.configuration.subcommands.map { $0.configuration }

    @Test("Every command has examples")
    func examples() {
        for configuration in Self.configurations {
            let lines = configuration.discussion.split(separator: "\n")
            #expect(lines.contains("Examples:") && lines.last?.contains("whosent") == true)
        }
    }

    @Test("No line is broken on a terminal of 80 columns")
    func width() {
        for line in Self.configurations.flatMap({ $0.discussion.split(separator: "\n") }) {
            #expect(line.count < 80, "\(line)")
        }
    }
}
