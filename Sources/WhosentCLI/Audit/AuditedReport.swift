import Audit
import Capture
import Evidence
import Records
import Reporting
import TextEscaping

/// A report in the forms that are handed in, and the manifest that vouches for them: a function of the inputs' contents
/// and names, the options, the case and the examiner.
struct AuditedReport {
    let manifest: AuditManifest
    /// What each output holds.
    let contents: [AuditManifest.Output.Name: [UInt8]]

    /// Makes the report.
    ///
    /// - Parameters:
    ///   - command: what is asked; has a case and an examiner.
    ///   - inputs: the files that it reads, in the order of ``ReportCommand/auditedPaths()``.
    ///   - toolVersion: what the manifest calls this tool.
    init(
        _ command: ReportCommand, inputs: [AuditManifest.Input], toolVersion: String = toolVersion
    ) throws {
        try Self.refuseNames(in: command.inputs.filter ?? "", of: "the filter", ExitStatus.usage)
        let machines = try command.evidence.map(Self.machine)
        let report = try command.makeReport()
        contents = [.html: ReportForm.html.encode(report), .json: ReportForm.json.encode(report)]
        var manifest = AuditManifest(
            caseID: command.caseID ?? "", examiner: command.examiner ?? "", toolVersion: toolVersion)
        manifest.request = command.request
        manifest.inputs = inputs
        for name in AuditManifest.Output.Name.allCases {
            manifest.outputs.append(.init(name: name, digest: ContentDigest(of: contents[name] ?? [])))
        }
        manifest.machines = machines
        manifest.time = report.span.map { .init(first: $0.first, last: $0.last) }
        manifest.clockOffsets = report.figures.clockOffsets.map {
            .init(seconds: $0.seconds, spread: $0.spread, matches: $0.matches)
        }
        self.manifest = manifest
    }

    /// What an evidence file's own header says; this machine is never asked.
    private static func machine(_ path: String) throws(CommandFailure) -> AuditManifest.Machine {
        let reader: EvidenceReader
        do throws(EvidenceError) {
            reader = try EvidenceReader(path: path, host: 0)
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
        try refuseNames(in: reader.coverage.filter, of: "the filter of \(shownName(path))", ExitStatus.noUsableInput)
        return AuditManifest.Machine(
            evidence: shownName(path), host: reader.coverage.host, kernel: reader.kernel,
            bootID: reader.coverage.bootID)
    }

    private static func refuseNames(in filter: String, of what: String, _ status: Int32) throws(CommandFailure) {
        guard let name = PacketFilter.nameToLookUp(in: filter) else { return }
        throw CommandFailure(
            status,
            "\(what) names \"\(LosslessEscape.text(name))\", which means what a machine takes it for: a report that can be "
                + "made again anywhere needs numbers")
    }
}
