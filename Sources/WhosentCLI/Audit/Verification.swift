import ArgumentParser
import Audit
import SystemPackage
import TextEscaping

/// One run of `whosent verify`: reads, compares, makes the report again in memory, and writes nothing anywhere.
struct Verification {
    private let folder: String
    private let text: [UInt8]
    private let manifest: AuditManifest
    private let name: String

    /// What was said so far, a line a file.
    private(set) var lines: [String] = []
    private var differing: [String] = []
    private var unreadable: [String] = []
    private var files: [RegularFile] = []

    /// Reads a manifest.
    init(path: String) throws(CommandFailure) {
        name = LosslessEscape.text(path)
        folder = FilePath(path).removingLastComponent().string
        text = try RegularFile(path).contents(limit: AuditManifest.sizeLimit)
        do throws(ManifestError) {
            manifest = try AuditManifest(decoding: text)
        } catch {
            throw CommandFailure(ExitStatus.noUsableInput, "\(name) \(error)")
        }
    }

    /// Compares everything.
    mutating func run() throws(CommandFailure) {
        lines.append(
            "Case \(LosslessEscape.text(manifest.caseID)), examiner \(LosslessEscape.text(manifest.examiner)), made by "
                + "whosent \(LosslessEscape.text(manifest.toolVersion))")
        if manifest.toolVersion != toolVersion {
            lines.append(
                "This is whosent \(toolVersion): another version need not make the same bytes of the same inputs")
        }
        // The command is made first: a manifest that asks for what there is not is refused before a file is read.
        let command = try repeatingCommand()
        for input in manifest.inputs { compare(input.path, input.digest, as: input.role.rawValue) }
        let inputsAreSame = differing.isEmpty && unreadable.isEmpty
        for output in manifest.outputs {
            // The names are ours, so they are paths.
            if let path = ManifestPath(output.name.rawValue) { compare(path, output.digest, as: "output") }
        }
        if inputsAreSame {
            try makeAgain(command)
        } else {
            lines.append("The report was not made again: an input is not what it was")
        }
    }

    private func repeatingCommand() throws(CommandFailure) -> ReportCommand {
        do {
            return try ReportCommand.repeating(manifest, in: folder)
        } catch {
            let reason = (error as? ValidationError)?.message ?? "\(error)"
            throw CommandFailure(
                ExitStatus.noUsableInput, "\(name) cannot be followed: \(LosslessEscape.text(reason))")
        }
    }

    private mutating func compare(_ path: ManifestPath, _ digest: ContentDigest, as role: String) {
        let shown = LosslessEscape.text(path.text)
        do throws(CommandFailure) {
            let file = try RegularFile(path.resolved(in: folder))
            files.append(file)
            // What has another length is another file; that need not be read, however long it is.
            if file.length != digest.length {
                note("different", role, "\(shown): \(file.length) bytes, not \(digest.length)")
                differing.append(shown)
            } else if try file.digest() != digest {
                note("different", role, "\(shown): as long as it was, with other contents")
                differing.append(shown)
            } else {
                note("same", role, shown)
            }
        } catch {
            note("missing", role, "\(shown): \(error.description)")
            unreadable.append(shown)
        }
    }

    private mutating func note(_ finding: String, _ role: String, _ what: String) {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        lines.append("\(column(finding, 10)) \(column(role, 8)) \(what)")
    }

    private mutating func makeAgain(_ command: ReportCommand) throws(CommandFailure) {
        let again: AuditedReport
        do {
            again = try AuditedReport(command, inputs: manifest.inputs, toolVersion: manifest.toolVersion)
        } catch {
            let reason = (error as? CommandFailure)?.description ?? "\(error)"
            throw CommandFailure(ExitStatus.noUsableInput, "\(name) cannot be followed: \(reason)")
        }
        guard files.allSatisfy(\.isUnchanged) else {
            throw CommandFailure(ExitStatus.failed, "a file was changed while it was compared; try again")
        }
        for (then, now) in zip(manifest.outputs, again.manifest.outputs) {
            let shown = then.name.rawValue
            if then.digest == now.digest {
                note("same", "again", "\(shown): made again from the inputs, byte for byte")
            } else {
                note("different", "again", "\(shown): what is made of the inputs is not what the manifest says")
                differing.append("\(shown) as made again")
            }
        }
        let isFactual = again.manifest.outputs != manifest.outputs || again.manifest.encoded() == text
        if !isFactual {
            note("different", "manifest", "it says of machines, times or clocks what the inputs do not")
            differing.append(name)
        }
    }

    /// Success, or the failure that names what is not the same.
    func conclude() throws(CommandFailure) {
        var seen: Set<String> = []
        let differing = differing.filter { seen.insert($0).inserted }
        if !differing.isEmpty {
            throw CommandFailure(ExitStatus.failed, "not the same: \(differing.joined(separator: ", "))")
        }
        if !unreadable.isEmpty {
            throw CommandFailure(ExitStatus.noInput, "cannot be read: \(unreadable.joined(separator: ", "))")
        }
    }
}
