internal import Records

/// The tags that the new-mail classifier can give, made once: none is made on the packet path.
struct NewMailTags: Sendable {
    private let form: Tag
    private let answered: Tag
    private let zeros: Tag
    private let printable: Tag
    private let group: Tag
    private let alone: [Tag]
    private let bursts: [Tag]
    private let risingBursts: [Tag]
    private let lookAlikes: [Tag]
    private let namedPorts: [UInt16: Tag]

    init(threshold: Int, window: Int64, namedPorts: Set<UInt16>) {
        let bytes = NewMailClassifier.payloadLength
        let sentence = "\(bytes) bytes of UDP payload to a port above \(NewMailClassifier.lowestPort - 1)"
        let span = Self.span(window)
        func tag(_ confidence: Tag.Confidence, _ reasons: String...) -> Tag {
            Tag(
                name: NewMailClassifier.name, confidence: confidence, reasons: [sentence] + reasons,
                isContradicted: reasons.contains { $0.hasPrefix("against it") })
        }
        form = tag(.shape)
        answered = tag(.shape, "against it: traffic in the opposite direction on the same addresses and ports")
        zeros = tag(.shape, "against it: all \(bytes) bytes are zero")
        printable = tag(.shape, "against it: all \(bytes) bytes are printable text")
        group = tag(.shape, "against it: the destination is a group, not a client that registered")
        lookAlikes = LookAlikes.catalogue.indices.map { tag(.shape, LookAlikes.sentence($0)) }
        alone = (0..<threshold).map { count in
            tag(
                .shape,
                "no burst: \(count) unanswered destination\(count == 1 ? "" : "s") of such datagrams from this source "
                    + "within \(span), fewer than \(threshold)")
        }
        func bursts(_ manner: String) -> [Tag] {
            (0...RecentDestinations.capacity).map { count in
                let number = count < RecentDestinations.capacity ? "\(count)" : "\(count) or more"
                return tag(
                    .possible,
                    "a burst: this source sent such datagrams to \(number) destinations within \(span)\(manner)",
                    "no answer came from this destination, nor from at least \(threshold - 1) others of them")
            }
        }
        self.bursts = bursts("")
        risingBursts = bursts(", each from a higher source port than the one before")
        self.namedPorts = Dictionary(
            uniqueKeysWithValues: namedPorts.map {
                ($0, tag(.probable, Self.sentence(namedPort: $0)))
            })
    }

    subscript(finding: NewMailClassifier.Finding) -> Tag {
        switch finding {
        case .form: form
        case .answered: answered
        case .zeros: zeros
        case .printable: printable
        case .group: group
        case .lookAlike(let index): lookAlikes.indices.contains(index) ? lookAlikes[index] : form
        case .alone(let destinations): alone[min(destinations, alone.count - 1)]
        case .burst(let destinations): bursts[min(destinations, bursts.count - 1)]
        case .risingBurst(let destinations): risingBursts[min(destinations, risingBursts.count - 1)]
        case .namedPort(let port): namedPorts[port] ?? form
        }
    }

    /// The tag of a datagram to a port that the user named, where `finding` speaks against it: the user's word keeps it
    /// above the form, but is no proof.
    func namedPort(_ port: UInt16, against finding: NewMailClassifier.Finding) -> Tag {
        var tag = self[.namedPort(port)]
        tag.confidence = .possible
        tag.reasons += self[finding].reasons.dropFirst()
        tag.isContradicted = true
        return tag
    }

    /// What the user's naming a port says.
    static func sentence(namedPort port: UInt16) -> String {
        "port \(port) was named as one that is registered for notifications"
    }

    /// `1 s`, or `250 ms` where it is less.
    private static func span(_ window: Int64) -> String {
        window % 1_000_000_000 == 0 ? "\(window / 1_000_000_000) s" : "\(window / 1_000_000) ms"
    }
}
