import Foundation
import SystemPackage

/// Programs that read what was written, independently of this project's reader.
enum AnnotatedCaptureWitnesses {
    /// The project's own witness of well-formed pcapng.
    static let dump = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Witnesses/pcapng_dump.py").path

    /// They may not be missing where WHOSENT_REQUIRE_BPF=1; elsewhere a missing one skips the test.
    static let areRequired = ProcessInfo.processInfo.environment["WHOSENT_REQUIRE_BPF"] == "1"

    /// A path that no file has, in the temporary folder.
    static func temporaryPath() -> FilePath {
        FilePath(FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID().uuidString)").path)
    }

    static func remove(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }

    /// Whether a program is installed.
    static func find(_ program: String) -> String? {
        let folders =
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
        return folders.map { "\($0)/\(program)" }.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    /// What a program printed, what it complained about, and its exit status.
    static func run(_ path: String, _ arguments: [String]) throws -> (output: String, errors: String, status: Int32) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let output = Pipe()
        let errors = temporaryPath()
        try Data().write(to: URL(filePath: errors.string))
        defer { remove(errors) }
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: errors.string)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let complaints = try Data(contentsOf: URL(filePath: errors.string))
        return (
            String(decoding: printed, as: UTF8.self), String(decoding: complaints, as: UTF8.self),
            process.terminationStatus
        )
    }
}
