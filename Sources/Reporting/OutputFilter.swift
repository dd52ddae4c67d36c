internal import Classification
public import Correlation
internal import Records
internal import TextEscaping

/// Chooses which packets are printed: `--pid`, `--process`, `--tag`, `--min-confidence` and `--verdict`.
///
/// Values of one option are alternatives; a packet must pass every option that was given. Classifiers, counts and the
/// joined evidence never see a filter. Packets of an ambiguous verdict pass `--pid` and `--process` where one of the
/// candidates does: they may have been sent by that process.
public struct OutputFilter: Sendable {
    /// Process ids in the initial pid namespace; empty for all.
    public var processIDs: Set<UInt32>
    /// Tags; empty for all.
    public var tags: Set<String>
    /// The least confidence of a verdict. Of several given, the least.
    public var minimumConfidence: Verdict.Confidence
    /// Verdicts; empty for all.
    public var verdicts: Set<Verdict.Kind>
    private var names: Set<String>

    /// A filter.
    ///
    /// - Parameters:
    ///   - processIDs: process ids.
    ///   - processNames: names of processes, or paths or last path components of their executables, as the user typed
    ///     them: with or without the lossless escape.
    ///   - tags: names of tags.
    ///   - minimumConfidences: confidences of verdicts; the least counts.
    ///   - verdicts: verdicts.
    public init(
        processIDs: [UInt32] = [], processNames: [String] = [], tags: [String] = [],
        minimumConfidences: [Verdict.Confidence] = [], verdicts: [Verdict.Kind] = []
    ) {
        self.processIDs = Set(processIDs)
        self.tags = Set(tags)
        minimumConfidence = minimumConfidences.min() ?? .none
        self.verdicts = Set(verdicts)
        names = Set(processNames).union(processNames.map { LosslessEscape.text($0) })
    }

    /// Every packet passes.
    public var isEmpty: Bool {
        processIDs.isEmpty && names.isEmpty && tags.isEmpty && verdicts.isEmpty && minimumConfidence == .none
    }

    /// Whether the packet's line is printed.
    public func allows(_ reported: ReportedPacket) -> Bool {
        let verdict = reported.verdict
        guard verdict.confidence >= minimumConfidence, verdicts.isEmpty || verdicts.contains(verdict.kind) else {
            return false
        }
        if !tags.isEmpty {
            guard let tag = reported.tag, tags.contains(tag.name) else { return false }
        }
        if !processIDs.isEmpty, !hasProcessID(reported) { return false }
        return names.isEmpty || hasName(reported)
    }

    private func hasProcessID(_ reported: ReportedPacket) -> Bool {
        if let process = reported.shownProcess { return processIDs.contains(process.pid) }
        return reported.verdict.candidates.contains { processIDs.contains($0.sender.process.pid) }
    }

    private func hasName(_ reported: ReportedPacket) -> Bool {
        guard let process = reported.shownProcess else {
            return reported.verdict.candidates.indices.contains { index in
                reported.candidateName(index).map(names.contains) ?? false
            }
        }
        if let name = process.name, names.contains(name) { return true }
        guard let path = process.executable else { return false }
        let last = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.utf8.index(after: $0)...] }
        return names.contains(path) || last.map { names.contains(String($0)) } == true
    }
}
