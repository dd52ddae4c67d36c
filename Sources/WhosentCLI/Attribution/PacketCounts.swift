import Classification
import Correlation
import Reporting

/// Packets by verdict and by tag, for the summary. Lists and not dictionaries: it is done for every packet.
struct PacketCounts {
    private var verdicts = [UInt64](repeating: 0, count: Verdict.Kind.allCases.count)
    private var tags: [String: UInt64] = [:]
    /// Mostly it is the next packet's too.
    private var lastTag: (name: String, count: UInt64) = ("", 0)

    /// Counts packets without a tag.
    mutating func count(_ kind: Verdict.Kind, times: UInt64) { verdicts[Int(kind.rawValue)] += times }

    /// Counts a packet.
    mutating func count(_ kind: Verdict.Kind, _ tag: Tag?) {
        count(kind, times: 1)
        guard let tag else { return }
        if lastTag.name != tag.name {
            if lastTag.count > 0 { tags[lastTag.name, default: 0] += lastTag.count }
            lastTag = (tag.name, 0)
        }
        lastTag.count += 1
    }

    /// Adds what was counted to a summary.
    func add(to summary: inout RunSummary) {
        for (kind, count) in zip(Verdict.Kind.allCases, verdicts) where count > 0 {
            summary.verdicts[kind, default: 0] += count
            summary.packets += count
        }
        for (name, count) in tags { summary.tags[name, default: 0] += count }
        if lastTag.count > 0 { summary.tags[lastTag.name, default: 0] += lastTag.count }
    }
}
