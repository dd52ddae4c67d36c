import Foundation

/// Runs of the lab's programs: made here, or elsewhere and only to be judged here.
enum LabRun {
    /// Where runs that were made elsewhere left their files, a folder a lab: `WHOSENT_LAB_RUNS` names it.
    static let given = ProcessInfo.processInfo.environment["WHOSENT_LAB_RUNS"].map {
        URL(filePath: $0, directoryHint: .isDirectory)
    }

    /// Whether there are runs, or this machine can make them.
    static let isPossible = given != nil || TestMachine.requiresBPF || TestMachine.hasBPF

    /// Runs `tools/lab/NAME.py` on this machine, unless its run was given; returns the folder of its files.
    static func folder(of lab: String) throws -> URL {
        if let given { return given.appending(path: lab) }
        let folder = TestMachine.package.appending(path: "out/\(lab)")
        try? FileManager.default.removeItem(at: folder)
        let senders = try buildSenders()
        let run = try CommandRun(
            [
                "/usr/bin/env", "python3", TestMachine.package.appending(path: "tools/lab/\(lab).py").path, "--whosent",
                TestMachine.whosent, "--senders", senders.path, "--output", folder.path,
            ], seconds: 240)
        guard run.status == 0 else { throw CommandFailure(description: run.errors) }
        return folder
    }

    /// Builds the senders and returns their folder.
    static func buildSenders() throws -> URL {
        let folder = TestMachine.package.appending(path: ".build/lab")
        let run = try CommandRun([TestMachine.package.appending(path: "tools/lab/build").path, folder.path])
        guard run.status == 0 else { throw CommandFailure(description: "tools/lab/build: \(run.errors)") }
        return folder.resolvingSymlinksInPath()
    }
}
