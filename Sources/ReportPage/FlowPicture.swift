internal import Correlation
internal import Records
internal import Reporting

/// Which sender sent to which destination.
struct FlowPicture {
    private static let senderLimit = 8
    private static let destinationLimit = 12
    private static let rowHeight = 34.0

    private let report: IncidentReport

    init(_ report: IncidentReport) { self.report = report }

    private struct Node {
        var name: String
        var note = ""
        var packets: UInt64
        var row = 0
    }

    private struct Link: Hashable {
        var sender: String
        var destination: String
    }

    /// The values of the template; nil where nobody is named.
    var members: [String: Any]? {
        let groups = report.groups.filter { $0.kind == .process || $0.kind == .kernel }
        guard !groups.isEmpty else { return nil }
        let (senders, destinations, links) = collect(groups)
        let rows = max(senders.count, destinations.count)
        let height = Double(rows) * Self.rowHeight + 12
        let left = placed(senders, rows)
        let right = placed(destinations, rows)
        let most = links.values.map(\.packets).max() ?? 1
        return [
            "height": Shown.place(height), "senders": left.map { members($1, at: $0, isSender: true) },
            "destinations": right.map { members($1, at: $0, isSender: false) },
            "links": links.sorted { ($0.key.sender, $0.key.destination) < ($1.key.sender, $1.key.destination) }
                .compactMap {
                    link, flow -> [String: Any]? in
                    guard let from = left.first(where: { $0.1.name == link.sender })?.0,
                        let to = right.first(where: { $0.1.name == link.destination })?.0
                    else { return nil }
                    return members(link, flow, from: from, to: to, most: most)
                },
            "description": description(links), "caption": caption(senders, destinations),
        ]
    }

    private struct Flow {
        var packets: UInt64 = 0
        var weakest = Verdict.Confidence.exact
    }

    /// Senders and destinations by packets, the smaller ones together, and what goes between them.
    private func collect(_ groups: [SenderGroup]) -> ([Node], [Node], [Link: Flow]) {
        var bySender: [String: UInt64] = [:]
        var notes: [String: String] = [:]
        var byDestination: [String: UInt64] = [:]
        for group in groups {
            bySender[group.senderText, default: 0] += group.packets
            notes[group.senderText] = group.process?.executable ?? ""
            for destination in group.destinations { byDestination[destination.text, default: 0] += destination.packets }
        }
        let senders = Self.largest(bySender, Self.senderLimit, others: "other senders")
        let destinations = Self.largest(byDestination, Self.destinationLimit, others: "other destinations")
        var links: [Link: Flow] = [:]
        var otherPackets: UInt64 = 0
        func add(_ group: SenderGroup, _ destination: String, _ packets: UInt64) {
            let link = Link(
                sender: senders.kept.contains(group.senderText) ? group.senderText : "other senders",
                destination: destinations.kept.contains(destination) ? destination : "other destinations")
            links[link, default: Flow()].packets += packets
            links[link, default: Flow()].weakest = min(links[link, default: Flow()].weakest, group.confidence)
            if link.destination == "other destinations" { otherPackets += packets }
        }
        for group in groups {
            for destination in group.destinations { add(group, destination.text, destination.packets) }
            if group.otherDestinationPackets > 0 { add(group, "", group.otherDestinationPackets) }
        }
        var right = destinations.nodes.filter { $0.name != "other destinations" }
        if otherPackets > 0 { right.append(Node(name: "other destinations", packets: otherPackets)) }
        let left = senders.nodes.map { node in
            var node = node
            node.note = notes[node.name] ?? ""
            return node
        }
        return (left, right, links)
    }

    private static func largest(
        _ counts: [String: UInt64], _ limit: Int, others: String
    ) -> (nodes: [Node], kept: Set<String>) {
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = sorted.count <= limit ? sorted.count : limit - 1
        var nodes = sorted.prefix(shown).map { Node(name: $0.key, packets: $0.value) }
        let rest = sorted.dropFirst(shown).reduce(0) { $0 + $1.value }
        if rest > 0 { nodes.append(Node(name: others, packets: rest)) }
        return (nodes, Set(sorted.prefix(shown).map(\.key)))
    }

    /// Nodes with the middle of their place, spread over the height.
    private func placed(_ nodes: [Node], _ rows: Int) -> [(Double, Node)] {
        let space = Double(rows) * Self.rowHeight / Double(max(nodes.count, 1))
        return nodes.enumerated().map { (6 + (Double($0) + 0.5) * space, $1) }
    }

    private func members(_ node: Node, at middle: Double, isSender: Bool) -> [String: Any] {
        [
            "top": Shown.place(middle - 12), "height": "24", "name": Shown.label(node.name, isSender ? 40 : 36),
            "nameY": Shown.place(isSender && !node.note.isEmpty ? middle - 1 : middle + 4),
            "noteY": Shown.place(middle + 12), "packets": Shown.count(node.packets),
            "note": node.note.isEmpty ? "" : Shown.label(node.note, 46),
        ]
    }

    private func members(_ link: Link, _ flow: Flow, from: Double, to: Double, most: UInt64) -> [String: Any] {
        var members: [String: Any] = [
            "path": "M312 \(Shown.place(from)) C480 \(Shown.place(from)) 480 \(Shown.place(to)) 648 \(Shown.place(to))",
            "width": Shown.place(1.2 + 6 * Double(flow.packets) / Double(most)),
            "text": "\(link.sender) to \(link.destination): \(flow.packets), \(flow.weakest.name)",
        ]
        switch flow.weakest {
        case .exact: break
        case .probable: members["dash"] = "12 4"
        default: members["dash"] = "3 4"
        }
        return members
    }

    private func description(_ links: [Link: Flow]) -> String {
        let sorted = links.sorted {
            ($1.value.packets, $0.key.sender, $0.key.destination) < (
                $0.value.packets, $1.key.sender, $1.key.destination
            )
        }
        let parts = sorted.prefix(20).map { "\($0.key.sender) to \($0.key.destination): \($0.value.packets) packets" }
        return parts.joined(separator: "; ") + (sorted.count > 20 ? "; and \(sorted.count - 20) more" : "")
    }

    private func caption(_ senders: [Node], _ destinations: [Node]) -> String {
        "The wider a line, the more packets. Whole lines are exact, long dashes probable, dots weaker. The figures on the right are packets."
    }
}
