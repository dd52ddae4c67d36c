import Foundation
import Testing

/// A folder of Tests/Cases: files that a generator wrote, and what the command says of them.
struct CaseFolder: CustomTestStringConvertible, Sendable {
    let name: String

    init(_ name: String) { self.name = name }

    var testDescription: String { name }

    /// A file of the folder; the folder itself for the empty name.
    func file(_ file: String) -> URL { TestMachine.package.appending(path: "Tests/Cases/\(name)/\(file)") }

    /// Runs the command inside the folder, so that no path of this machine is in its output.
    func whosent(_ words: [String]) throws -> CommandRun {
        try CommandRun(["/usr/bin/env", "-C", file("").path, TestMachine.whosent] + words)
    }

    /// The generator writes the files that are bundled.
    func expectGenerated(_ names: String...) throws {
        let output = try TestMachine.temporaryFolder()
        let run = try CommandRun(["/usr/bin/env", "python3", file("generate.py").path, output.path])
        #expect(run.status == 0, "\(run.errors)")
        for name in names {
            let written = try Data(contentsOf: output.appending(path: name))
            #expect(try written == Data(contentsOf: file(name)), "\(self.name)/\(name)")
        }
    }

    /// The command says what a file of the folder has, byte for byte.
    func expect(_ words: [String], says name: String) throws {
        let run = try whosent(words)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let expected = try String(contentsOf: file(name), encoding: .utf8)
        for (line, wanted) in zip(run.text.split(separator: "\n"), expected.split(separator: "\n")) {
            #expect(line == wanted)
        }
        #expect(run.text == expected)
    }
}
