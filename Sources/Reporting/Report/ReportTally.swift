internal import Classification
public import Correlation
public import Records

/// The packets of a report by how they came out.
public struct ReportTally: Hashable, Sendable {
    /// All of them.
    public private(set) var packets: UInt64 = 0
    /// With a sender, by confidence.
    public private(set) var named: [Verdict.Confidence: UInt64] = [:]
    /// Of those with a sender, the ones that are in no sender's figure, since their groups are beyond the limit.
    public private(set) var unlisted: UInt64 = 0
    /// With several candidates.
    public private(set) var ambiguous: UInt64 = 0
    /// By verdict; `process` counts ambiguous ones too.
    public private(set) var verdicts: [Verdict.Kind: UInt64] = [:]
    /// Named senders, the one with the most packets first. Where some packets are ``unlisted``, there may be more senders,
    /// and each may have sent more.
    public private(set) var senders: [Sender] = []

    /// A process with what it sent.
    public struct Sender: Hashable, Sendable {
        /// `store[2136]`, with its machine where there are several.
        public var name: String
        /// Its packets.
        public var packets: UInt64
        /// The weakest confidence among them.
        public var weakest: Verdict.Confidence
        /// The strongest confidence among them.
        public var strongest: Verdict.Confidence
        /// Their tags, in the order of the groups.
        public var tags: [String]
        /// The path of its executable.
        public var executable: String?
    }

    private struct Identity: Hashable {
        var process: ProcessDescription?
        var host: String?
    }

    /// The tally of groups.
    public init(_ groups: [SenderGroup], namesHosts: Bool = false) {
        var indices: [Identity: Int] = [:]
        for group in groups {
            packets += group.packets
            verdicts[group.kind, default: 0] += group.packets
            guard group.kind == .process else { continue }
            if group.isOverflow, group.confidence > .ambiguous {
                named[group.confidence, default: 0] += group.packets
                unlisted += group.packets
                continue
            }
            guard group.confidence > .ambiguous, var process = group.process else {
                ambiguous += group.packets
                continue
            }
            named[group.confidence, default: 0] += group.packets
            // What is known of it may differ from group to group.
            process.parents = []
            let identity = Identity(process: process, host: group.host)
            if let index = indices[identity] {
                senders[index].add(group)
            } else {
                indices[identity] = senders.count
                senders.append(Sender(group, namesHost: namesHosts))
            }
        }
        senders = senders.enumerated().sorted { ($1.element.packets, $0.offset) < ($0.element.packets, $1.offset) }
            .map(\.element)
    }

    /// Packets with a sender.
    public var namedPackets: UInt64 { named.values.reduce(0, +) }
}

extension ReportTally.Sender {
    fileprivate init(_ group: SenderGroup, namesHost: Bool) {
        name = group.senderText + (namesHost ? group.host.map { " on \($0)" } ?? "" : "")
        packets = group.packets
        weakest = group.confidence
        strongest = group.confidence
        tags = group.tag.map { [$0] } ?? []
        executable = group.process?.executable
    }

    fileprivate mutating func add(_ group: SenderGroup) {
        packets += group.packets
        weakest = min(weakest, group.confidence)
        strongest = max(strongest, group.confidence)
        if let tag = group.tag, !tags.contains(tag) { tags.append(tag) }
    }
}

extension SenderGroup {
    /// Who sent the packets, in a few words: `store[2136]`, `a[1] or b[2]`, `the kernel`.
    public var senderText: String {
        switch kind {
        case .process where confidence <= .ambiguous:
            return candidates.isEmpty ? "several candidates" : Self.listed(candidates)
        case .process where isOverflow: return "senders beyond the report's limit"
        case .process: return process.map { "\($0.name ?? "unnamed")[\($0.pid)]" } ?? "a process"
        case .kernel: return "the kernel" + (onBehalfOf.map { ", for a packet of \($0.text)" } ?? "")
        case .forwarded: return "passed on" + (origin.map { " from \($0)" } ?? "")
        case .received: return "came in from elsewhere"
        case .unknown: return "not known"
        }
    }

    private static func listed(_ candidates: [Candidate]) -> String {
        let shown = candidates.prefix(3).map(\.text).joined(separator: " or ")
        return candidates.count > 3 ? "\(shown) or \(candidates.count - 3) others" : shown
    }

    /// `newmail, confirmed`
    public var tagText: String? { tag.map { name in "\(name)\(tagConfidence.map { ", \($0.name)" } ?? "")" } }

    /// `at least 70` where not all were told apart.
    public var destinationText: String { hasMoreDestinations ? "at least \(destinationCount)" : "\(destinationCount)" }

    /// Packets to destinations that are not listed by name.
    public var otherDestinationPackets: UInt64 {
        let listed = destinations.reduce(0) { $0 + $1.packets }
        return packets > listed ? packets - listed : 0
    }
}

extension SenderGroup.Candidate {
    /// `store[2136] on node1`
    public var text: String {
        "\(name ?? "unnamed")\(pid == 0 ? "" : "[\(pid)]")\(host.map { " on \($0)" } ?? "")"
    }
}

extension IncidentReport {
    /// The packets by how they came out.
    public var tally: ReportTally {
        ReportTally(groups, namesHosts: Set(groups.compactMap(\.host)).count > 1)
    }

    /// The earliest and the latest packet's time; nil without packets.
    public var span: (first: Timestamp, last: Timestamp)? {
        guard let first = groups.map(\.first).min(), let last = groups.map(\.last).max() else { return nil }
        return (first, last)
    }
}
