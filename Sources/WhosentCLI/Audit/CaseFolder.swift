import Audit
import Platform
import SystemPackage
import TextEscaping

/// The folder of `report --case`: the report in its forms and the manifest, written last.
struct CaseFolder {
    /// What the manifest is called.
    static let manifestName = "manifest.json"

    private let path: String
    /// Where it is, or will be.
    private let place: String

    /// Looks whether a folder can take a report; nothing is written yet.
    init(_ path: String) throws(CommandFailure) {
        self.path = path
        do throws(Errno) {
            place = try Self.place(of: path)
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot make the folder \(LosslessEscape.text(path)): \(error)")
        }
        for name in AuditManifest.Output.Name.allCases.map(\.rawValue) + [Self.manifestName]
        where (try? FileState(path: "\(place)/\(name)")) != nil {
            throw CommandFailure(
                ExitStatus.usage, "\(LosslessEscape.text(path)) has a \(name) already; name another folder with -o")
        }
    }

    private static func place(of path: String) throws(Errno) -> String {
        do throws(Errno) {
            return try canonicalPath(path)
        } catch {
            guard error == .noSuchFileOrDirectory, let name = FilePath(path).lastComponent else { throw error }
            let parent = FilePath(path).removingLastComponent().string
            let above = try canonicalPath(parent.isEmpty ? "." : parent)
            return above == "/" ? "/\(name)" : "\(above)/\(name)"
        }
    }

    /// The way from the folder to an input.
    func path(to input: String) throws(CommandFailure) -> ManifestPath {
        let file = FilePath(input)
        let folder = file.removingLastComponent().string
        do throws(Errno) {
            // A link at the end stays one, and is refused when the file is opened.
            let above = try canonicalPath(folder.isEmpty ? "." : folder)
            if let name = file.lastComponent, let way = ManifestPath(to: "\(above)/\(name)", from: place) { return way }
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot read \(LosslessEscape.text(input)): \(error)")
        }
        throw CommandFailure(ExitStatus.noInput, "cannot read \(LosslessEscape.text(input)): it is no file")
    }

    /// Writes a report and its manifest, each 0600; a file that is there is never written over.
    func write(_ report: AuditedReport) throws(CommandFailure) {
        do throws(Errno) {
            try makePrivateFolder(place)
        } catch {
            throw failure(path, error)
        }
        for name in AuditManifest.Output.Name.allCases { try write(report.contents[name] ?? [], to: name.rawValue) }
        // Whoever finds a manifest finds everything it speaks of.
        try write(report.manifest.encoded(), to: Self.manifestName)
    }

    private func write(_ bytes: [UInt8], to name: String) throws(CommandFailure) {
        do {
            let descriptor = try FileDescriptor.open(
                FilePath("\(place)/\(name)"), .writeOnly,
                options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite])
            try descriptor.closeAfter {
                giveToInvokingUser(descriptor)
                try descriptor.writeAll(bytes)
            }
        } catch {
            throw failure("\(path)/\(name)", error as? Errno ?? .ioError)
        }
    }

    private func failure(_ path: String, _ error: Errno) -> CommandFailure {
        let isForbidden = error == .permissionDenied || error == .notPermitted
        return CommandFailure(
            isForbidden ? ExitStatus.notPermitted : ExitStatus.inputOutput,
            "cannot write \(LosslessEscape.text(path)): \(error)")
    }

    /// The outputs and the manifest with their hashes, as `sha256sum` prints and checks them.
    func listing(_ report: AuditedReport) -> String {
        let outputs = report.manifest.outputs.map { ($0.name.rawValue, $0.digest.sha256) }
        let manifest = (Self.manifestName, ContentDigest(of: report.manifest.encoded()).sha256)
        let folder = LosslessEscape.text(path.hasSuffix("/") ? String(path.dropLast()) : path)
        return (outputs + [manifest]).map { "\($0.1)  \(folder)/\($0.0)\n" }.joined()
    }
}
