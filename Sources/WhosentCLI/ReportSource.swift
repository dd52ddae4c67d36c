import PcapNG
import Reporting
import SystemPackage
import TextEscaping

/// One input of a report, told by content.
struct ReportSource {
    let path: String
    /// Its file name, as it is shown.
    let name: String
    let role: IncidentReport.Input.Role

    /// Looks at the first byte of a file: NDJSON begins with an object, and no capture does.
    ///
    /// Standard input and pipes cannot be looked at twice; they are captures where evidence says what for.
    init(path: String, isEvidenceGiven: Bool) throws(CommandFailure) {
        self.path = path
        name = shownName(path)
        guard isRepeatable(path) else {
            // What is missing is said when it is opened.
            role = isEvidenceGiven ? .capture : .results
            return
        }
        let descriptor = try Self.open(path)
        defer { try? descriptor.close() }
        var source: any ByteSource = DescriptorSource(descriptor)
        var first: [UInt8] = [0]
        do throws(ByteSourceError) {
            role = try first.fill(from: 0, &source) == 1 && first == [UInt8(ascii: "{")] ? .results : .capture
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot read \(path): \(error)")
        }
    }

    /// Opens an input.
    static func open(_ path: String) throws(CommandFailure) -> FileDescriptor {
        if path == "-" { return .standardInput }
        do {
            return try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot read \(path): \(error)")
        }
    }
}
