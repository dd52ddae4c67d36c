extension AuditManifest {
    /// The command line that makes the report again in the manifest's folder: for people; it is never run.
    var command: [String] {
        var words = ["whosent", "report"]
        words += inputs.filter { $0.role == .capture || $0.role == .results }.map { Self.word($0.path) }
        words += inputs.filter { $0.role == .evidence }.flatMap { ["--evidence", Self.word($0.path)] }
        words += inputs.filter { $0.role == .rules }.flatMap { ["--rules", Self.word($0.path)] }
        if let filter = request.filter { words.append("--filter=\(filter)") }
        words.append("--clock-offset=\(request.clockOffset)")
        words += request.newMailPorts.map { "--newmail-port=\($0)" }
        words += request.processIDs.map { "--pid=\($0)" }
        words += request.processNames.map { "--process=\($0)" }
        words += request.tags.map { "--tag=\($0)" }
        words += request.minimumConfidences.map { "--min-confidence=\($0)" }
        words += request.verdicts.map { "--verdict=\($0)" }
        if request.withoutArguments { words.append("--no-args") }
        words += ["--process-table=\(request.processTable)", "--record-table=\(request.recordTable)"]
        return words + ["--case=\(caseID)", "--examiner=\(examiner)", "-o", "."]
    }

    private static func word(_ path: ManifestPath) -> String {
        path.text.hasPrefix("-") ? "./\(path.text)" : path.text
    }
}
