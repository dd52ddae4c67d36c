import Foundation

/// What the end-to-end tests find around them: the package's folder, the built binary, a Python, privileges.
enum TestMachine {
    /// The package's root folder.
    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// BPF and root are promised: what lacks them fails and is not skipped.
    static let requiresBPF = ProcessInfo.processInfo.environment["WHOSENT_REQUIRE_BPF"] == "1"

    static let isRoot = geteuid() == 0

    /// The command under test: `WHOSENT_BINARY`, or the one that was built together with this bundle.
    static let whosent: String = {
        if let chosen = ProcessInfo.processInfo.environment["WHOSENT_BINARY"] { return chosen }
        let besideBundle = Bundle(for: BundleMarker.self).bundleURL.deletingLastPathComponent().appending(
            path: "whosent")
        let candidates = [besideBundle.path, package.appending(path: ".build/debug/whosent").path]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[1]
    }()

    /// Whether this machine lets the command attach its BPF programs.
    static let hasBPF = isRoot && (try? CommandRun([whosent, "doctor"]))?.status == 0

    /// A Python 3 that has the jsonschema package: `WHOSENT_PYTHON`, Debian's, or the first on PATH.
    static let python: String? = {
        var candidates = ["/usr/bin/python3", "python3"]
        if let chosen = ProcessInfo.processInfo.environment["WHOSENT_PYTHON"] { candidates.insert(chosen, at: 0) }
        return candidates.first { candidate in
            (try? CommandRun(["/usr/bin/env", candidate, "-c", "import jsonschema"]))?.status == 0
        }
    }()

    /// A new empty folder that every user may enter; it is removed when the tests end, if not before.
    static func temporaryFolder() throws -> URL {
        try folderForAll(in: ownFolder.get(), newName())
    }

    /// Holds every temporary folder of this process: one removal at its end takes them all, whatever failed or was thrown.
    private static let ownFolder = Result<URL, any Error> {
        let folder = try folderForAll(in: FileManager.default.temporaryDirectory, "whosent-test-\(newName())")
        atexit { TestMachine.removeOwnFolder() }
        return folder
    }

    private static func removeOwnFolder() { _ = try? FileManager.default.removeItem(at: ownFolder.get()) }

    /// A name that nothing has. 48 bits of chance are enough, and a whole UUID twice leaves a socket's path no room.
    private static func newName() -> String { String(UUID().uuidString.prefix(13)) }

    private static func folderForAll(in parent: URL, _ name: String) throws -> URL {
        let folder = parent.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        return folder
    }

    /// A copy of the command that another user may run: the build folder may be closed to them.
    static func copyForAll(into folder: URL) throws -> String {
        let copy = folder.appending(path: "whosent")
        try FileManager.default.copyItem(atPath: whosent, toPath: copy.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
        return copy.path
    }

    private final class BundleMarker {}
}
