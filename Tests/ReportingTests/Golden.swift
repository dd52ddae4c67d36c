import Foundation
import Testing

/// Expected outputs in Tests/Cases/report-formats; WHOSENT_UPDATE_GOLDEN=1 writes them anew, to be read in review.
enum Golden {
    static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    static func expect(_ bytes: [UInt8], named name: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let file = tests.appending(path: "Cases/report-formats/\(name)")
        if ProcessInfo.processInfo.environment["WHOSENT_UPDATE_GOLDEN"] == "1" {
            do { try Data(bytes).write(to: file) } catch {
                Issue.record("\(name): \(error)", sourceLocation: sourceLocation)
            }
        }
        let expected = (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
        #expect(String(decoding: bytes, as: UTF8.self) == expected, sourceLocation: sourceLocation)
    }

    /// Runs a Python witness of Tests/Witnesses on a file with these bytes; what it says on standard error, and its
    /// status.
    static func witness(
        _ script: String, _ bytes: [UInt8], arguments: [String] = []
    ) throws -> (status: Int32, errors: String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "whosent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "output")
        try Data(bytes).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", tests.appending(path: "Witnesses/\(script)").path,
            tests.appending(path: "Witnesses/contract.schema.json").path, file.path,
        ]
        process.arguments?.append(contentsOf: arguments)
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }
}
