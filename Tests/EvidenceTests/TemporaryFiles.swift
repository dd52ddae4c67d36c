import Foundation
import SystemPackage

/// A path that no file has, in the temporary folder.
func temporaryPath() throws -> FilePath {
    FilePath(FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID().uuidString)").path)
}

/// Removes a file or folder, if it is there.
func removeFile(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }

/// Where a program is installed.
func find(_ program: String) -> String? {
    let folders =
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
    return folders.map { "\($0)/\(program)" }.first(where: FileManager.default.isExecutableFile(atPath:))
}

/// What a program printed, what it complained about, and its exit status.
func run(_ path: String, _ arguments: [String]) throws -> (output: String, errors: String, status: Int32) {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let output = Pipe()
    let errors = try temporaryPath()
    try Data().write(to: URL(filePath: errors.string))
    defer { removeFile(errors) }
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errors.string)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let complaints = FileManager.default.contents(atPath: errors.string) ?? Data()
    return (
        String(decoding: printed, as: UTF8.self), String(decoding: complaints, as: UTF8.self), process.terminationStatus
    )
}

/// A file with these bytes for the time of `body`.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = try temporaryPath()
    defer { removeFile(path) }
    try Data(bytes).write(to: URL(filePath: path.string))
    return try body(path.string)
}

/// The project's own witness of well-formed pcapng.
let witness = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Witnesses/pcapng_dump.py").path

/// Programs that tests may not do without where WHOSENT_REQUIRE_BPF=1; elsewhere a missing one skips the test.
let requiresWitnesses = ProcessInfo.processInfo.environment["WHOSENT_REQUIRE_BPF"] == "1"

/// The memory that this process holds.
func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return 4096 * (fields.count > 1 ? Int(fields[1]) ?? 0 : 0)
}
