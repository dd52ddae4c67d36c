import Correlation
import Records
import Reporting

// What evidence of several machines and of other tools adds to a verdict.
extension Attribution {
    /// The verdict where evidence comes from several machines: one may have sent it by an address that was translated
    /// before the capture, and what one of them does not know says nothing of the others.
    func bridged(_ verdict: Verdict, _ packet: PacketRecord) -> Verdict {
        guard verdict.mayBeCompleted else { return verdict }
        if let found = hostSends?.verdict(packet) { return found }
        guard verdict.kind == .received else { return verdict }
        let isCovered = hosts.values.allSatisfy { packet.time >= $0.start && packet.time <= $0.stop ?? .distantFuture }
        guard isCovered else { return .unknown(.notAllHostsCover) }
        guard !HostSends.canTell(packet.ip) else { return verdict }
        return Verdict(kind: .received, confidence: .probable, method: .none, reason: .arrivedMayBeTranslated)
    }
}

extension Verdict {
    /// Other evidence may say more: it was passed on or came in, or nothing is known.
    var mayBeCompleted: Bool {
        switch kind {
        case .process, .kernel: false
        case .forwarded, .received: true
        case .unknown: reason.isAbsence
        }
    }
}

extension RunSummary {
    /// Counts what other tools' evidence holds.
    mutating func add(_ foreign: ForeignEvidence) {
        records += foreign.counts.records
        unmatchedRecords += foreign.counts.unmatched
        if foreign.counts.dropped > 0 { lost[.table, default: 0] += foreign.counts.dropped }
        damage += foreign.damage
        clockOffsets = foreign.offsets.map { file, offset in
            ClockOffset(
                seconds: Double(offset.nanoseconds) / 1e9, spread: offset.spread.map { Double($0) / 1e9 },
                matches: offset.isGiven ? foreign.counts.records - foreign.counts.unmatched : offset.matches,
                isGiven: offset.isGiven, file: file)
        }
    }
}
