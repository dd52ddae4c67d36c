import Foundation
import Testing

/// The examples of the help, as they stand there.
@Suite("Examples of the help", .serialized)
struct HelpExampleTests {
    private static let files = [
        "sample/input.pcap": "capture.pcap", "sample/evidence.pcapng": "evidence.pcapng",
        "rules/rules.yaml": "rules.yaml",
        "case-a/input.pcapng": "exchange.pcapng", "case-a/trace.csv": "trace.csv",
        "case-a/tasklist.txt": "tasklist.txt", "sample/expected.ndjson": "live.ndjson",
    ]

    /// Commands that need the kernel.
    private static let live: Set<String> = ["live", "record", "doctor"]

    private static func examples(live isLive: Bool) -> [String] {
        guard let root = try? DescribedCommand.root() else { return [] }
        return root.shownSubcommands.filter { live.contains($0.commandName) == isLive }.flatMap(\.examples)
            // A table needs a terminal: see LiveTableTests.
            .filter { !$0.contains("--top") }
    }

    private let folder: URL

    init() throws {
        folder = try TestMachine.temporaryFolder()
        for (source, name) in Self.files {
            try FileManager.default.copyItem(
                at: TestMachine.package.appending(path: "Tests/Cases/\(source)"), to: folder.appending(path: name))
        }
        let suspect = folder.appending(path: "suspect")
        try Data("#!/bin/sh\nexit 0\n".utf8).write(to: suspect)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: suspect.path)
    }

    @Test("Those that read files work", arguments: examples(live: false))
    func offline(example: String) throws {
        let words = example.split(separator: " ").map(String.init)
        #expect(words.first == "whosent")
        if words.contains("case/manifest.json") { try makeCase() }
        let run = try CommandRun(["/usr/bin/env", "-C", folder.path, TestMachine.whosent] + words.dropFirst())
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        if let option = words.firstIndex(of: "-o"), words[option + 1] != "-" {
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: words[option + 1]).path))
        } else {
            #expect(!run.output.isEmpty)
        }
    }

    /// What `report --case` writes, for `verify`.
    private func makeCase() throws {
        let words = ["report", "capture.pcap", "--evidence", "evidence.pcapng", "--case", "42", "--examiner", "Kim"]
        let run = try CommandRun(
            ["/usr/bin/env", "-C", folder.path, TestMachine.whosent] + words + ["-o", "case"])
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test(
        "Those that watch work, for a moment",
        .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"), arguments: examples(live: true))
    func live(example: String) throws {
        var words = example.split(separator: " ").map(String.init)
        let namespace = "whosent-help-\(getpid())"
        if let index = words.firstIndex(of: "blue") { words[index] = namespace }
        if words[1] != "doctor" { words.insert(contentsOf: ["--duration", "0.3"], at: 2) }
        // The last of two values counts, so an example's own --duration would stay.
        if let index = words.lastIndex(of: "--duration"), index > 2 { words.removeSubrange(index...(index + 1)) }
        let quoted = words.dropFirst().map { "'\($0)'" }.joined(separator: " ")
        let script = """
            ip netns add \(namespace) || exit 1
            trap 'ip netns delete \(namespace)' EXIT
            cd '\(folder.path)'
            unshare --net sh -c 'ip link set lo up; ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip link set eth1 up; exec "$@"' sh \
            '\(TestMachine.whosent)' \(quoted)
            """
        let run = try CommandRun(["/bin/sh", "-c", script])
        #expect(run.status == 0, "\(run.errors)")
        if words[1] != "doctor" { #expect(run.errors.hasPrefix("ready\n") || run.errors.contains("\nready\n")) }
    }
}
