import ArgumentParser
import Audit
import Correlation
import Reporting

/// Between the command line of `report` and the options of a manifest.
extension ReportCommand {
    /// The options that the report depends on.
    var request: AuditManifest.Request {
        var request = AuditManifest.Request()
        request.filter = inputs.filter
        request.clockOffset = clock.clockOffset
        request.newMailPorts = classifier.newmailPort
        request.processIDs = selection.pid
        request.processNames = selection.process
        request.tags = selection.tag
        request.minimumConfidences = selection.minConfidence.map { "\($0.name)" }
        request.verdicts = selection.verdict.map { "\($0.name)" }
        request.withoutArguments = selection.noArgs
        request.processTable = processTable.processTable
        request.recordTable = recordTable.recordTable
        return request
    }

    /// The files that are read, in the order of a manifest.
    func auditedPaths() throws(CommandFailure) -> [(role: AuditManifest.Input.Role, path: String)] {
        var paths: [(role: AuditManifest.Input.Role, path: String)] = []
        for path in inputs.paths {
            let source = try ReportSource(path: path, isEvidenceGiven: !evidence.isEmpty)
            paths.append((source.role == .results ? .results : .capture, path))
        }
        paths += evidence.map { (.evidence, $0) }
        if let rules = classifier.rules { paths.append((.rules, rules)) }
        return paths
    }

    /// The command that makes a manifest's report again.
    ///
    /// Every option is set by its type: no word of a manifest passes through a parser of command lines, and nothing in it
    /// can name a file to write to.
    ///
    /// - Parameter folder: the manifest's.
    static func repeating(_ manifest: AuditManifest, in folder: String) throws -> ReportCommand {
        var command = try ReportCommand.parse(["-", "-o", "-"])
        let request = manifest.request
        command.inputs.captures = manifest.paths(of: [.capture, .results], in: folder)
        command.inputs.filter = request.filter
        command.evidence = manifest.paths(of: [.evidence], in: folder)
        let rules = manifest.paths(of: [.rules], in: folder)
        guard rules.count < 2 else { throw ValidationError("it has more than one file of rules") }
        command.classifier.rules = rules.first
        command.classifier.newmailPort = request.newMailPorts
        command.clock.clockOffset = request.clockOffset
        command.selection.pid = request.processIDs
        command.selection.process = request.processNames
        command.selection.tag = request.tags
        command.selection.minConfidence = try words(request.minimumConfidences)
        command.selection.verdict = try words(request.verdicts)
        command.selection.noArgs = request.withoutArguments
        command.processTable.processTable = request.processTable
        command.recordTable.recordTable = request.recordTable
        command.caseID = manifest.caseID
        command.examiner = manifest.examiner
        try command.clock.validate()
        try command.processTable.validate()
        try command.recordTable.validate()
        if command.inputs.paths.isEmpty { throw ValidationError("it names no capture and no results") }
        return command
    }

    private static func words<Word: ExpressibleByArgument>(_ texts: [String]) throws -> [Word] {
        try texts.map { text in
            guard let word = Word(argument: text) else { throw ValidationError("an output filter has an unknown word") }
            return word
        }
    }
}

extension AuditManifest {
    fileprivate func paths(of roles: Set<Input.Role>, in folder: String) -> [String] {
        inputs.filter { roles.contains($0.role) }.map { $0.path.resolved(in: folder) }
    }
}
