import Evidence
import Records
import TextEscaping

/// What an evidence file holds, counted.
struct EvidenceContents {
    /// More ids are counted no further.
    private static let processLimit = 1 << 20

    private let file: String
    private var kind: EvidenceKind?
    private var isConverted = false
    private var clock: EvidenceClock?
    private var coverage: Coverage?
    private var isBrokenOff = false
    private var damageCount = 0

    private var first: Timestamp?
    private var last: Timestamp?
    private var counts: [Subject: UInt64] = [:]
    /// The subjects in the order in which they came.
    private var subjects: [Subject] = []
    private var lost: [LossInterval.Kind: UInt64] = [:]
    private var processes: Set<UInt32> = []
    private var listings: [Listing] = []
    private var withoutProcess: UInt64 = 0

    /// What is counted apart. Made for every record of millions, so its name is made only when it is shown.
    private enum Subject: Hashable {
        case send
        case wire
        case process
        case traffic(IPPacket.Transport, TrafficRecord.Action)
        case sighting(ProcessSighting.Occasion)
        case socket(IPPacket.Transport)

        var name: String {
            switch self {
            case .send: "send"
            case .wire: "wire"
            case .process: "process"
            case .traffic(let transport, let action): "\(transport) \(action.rawValue)"
            case .sighting(.atBegin): "process at begin"
            case .sighting(.atEnd): "process at end"
            case .sighting(let occasion): "process \(occasion.rawValue)"
            case .socket(let transport): "\(transport) socket"
            }
        }
    }

    init(file: String) { self.file = LosslessEscape.text(file) }

    var recordCount: UInt64 { counts.values.reduce(0, +) }

    mutating func add(_ record: EvidenceRecord) {
        switch record {
        case .send(let send):
            count(.send, at: send.time)
            see(send.process.pid)
        case .wire(let wire): count(.wire, at: wire.time)
        case .process(let process):
            count(.process, at: nil)
            see(process.process.pid)
        case .traffic(let traffic):
            count(.traffic(traffic.transport, traffic.action), at: traffic.time)
            if let pid = traffic.pid { see(pid) } else { withoutProcess += 1 }
        case .sighting(let sighting):
            count(.sighting(sighting.occasion), at: sighting.time)
            see(sighting.pid)
        case .socket(let socket):
            count(.socket(socket.transport), at: nil)
            if let pid = socket.pid { see(pid) }
        case .listing(let listing):
            if listings.count < 1000 { listings.append(listing) }
        case .lost(let loss): lost[loss.kind, default: 0] &+= loss.count
        case .tunnels, .coverageChanged, .end: break
        }
    }

    mutating func finish(_ reader: EvidenceReader) {
        kind = reader.kind
        isConverted = reader.isConverted
        clock = reader.clock
        coverage = reader.coverage
        isBrokenOff = reader.endedWithoutSummary
        damageCount = reader.damage.count
    }

    private mutating func count(_ subject: Subject, at time: Timestamp?) {
        if counts.updateValue(counts[subject, default: 0] + 1, forKey: subject) == nil { subjects.append(subject) }
        guard let time else { return }
        first = min(first ?? time, time)
        last = max(last ?? time, time)
    }

    private mutating func see(_ pid: UInt32) {
        if processes.count < Self.processLimit { processes.insert(pid) }
    }

    /// The trust in a sentence.
    private static func meaning(of trust: EvidenceTrust) -> String {
        switch trust {
        case .recorded: "recorded: each send with its identity and proof"
        case .stated: "stated: who sent each packet, by addresses and lengths"
        case .snapshot: "snapshot: what was there at one moment, not what was sent"
        case .running: "running: whichever process ran when a packet passed; the weakest"
        }
    }
}

// Text.
extension EvidenceContents {
    var text: String {
        var lines = ["\(file)"]
        func line(_ name: String, _ value: String) {
            lines.append("  \(name)\(String(repeating: " ", count: 11 - name.count))\(value)")
        }
        if let kind {
            line("kind", kind.name + (isConverted ? ", converted to evidence pcapng" : ""))
            line("trust", Self.meaning(of: kind.trust))
        }
        line("host", coverage?.host ?? "not stated")
        if let clock { line("clock", clock.description) }
        if let first, let last { line("time", first == last ? "\(first), all of it" : "\(first) to \(last)") }
        for listing in listings.prefix(10) {
            line("listing", "\(listing.subject.rawValue), line \(listing.line), taken \(taken(listing))")
        }
        if listings.count > 10 { line("listing", "and \(listings.count - 10) more") }
        line("records", subjects.isEmpty ? "none" : counted.joined(separator: ", "))
        if withoutProcess > 0 { line("", "\(withoutProcess) of them name no process") }
        line("processes", "\(processes.count)")
        line("lost", lost.isEmpty ? "nothing known" : lossText)
        if let filter = coverage?.filter, !filter.isEmpty { line("filter", filter) }
        if isBrokenOff { line("end", "broken off: there is no summary") }
        if damageCount > 0 { line("damage", "\(damageCount) finding\(damageCount == 1 ? "" : "s"), on standard error") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func taken(_ listing: Listing) -> String { listing.taken?.description ?? "at a time that it does not say" }

    private var counted: [String] { subjects.map { "\(counts[$0] ?? 0) \($0.name)" } }

    private var lossText: String {
        LossInterval.Kind.allCases.compactMap { kind in lost[kind].map { "\($0) \(kind.rawValue)" } }
            .joined(separator: ", ")
    }
}

// NDJSON.
extension EvidenceContents {
    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("file", file)
            json.member("kind", kind?.rawValue)
            json.key("converted")
            json.value(isConverted)
            json.member("trust", kind?.trust.rawValue)
            json.member("host", coverage?.host)
            if let clock {
                json.member("clock") { json in
                    json.member("relation", clock.relation.rawValue)
                    json.member("resolution_ns", clock.resolution)
                    json.member("description", clock.description)
                }
            }
            json.member("start", first?.description)
            json.member("stop", last?.description)
            json.member("records") { json in
                for subject in subjects {
                    json.key(subject.name)
                    json.value(counts[subject] ?? 0)
                }
            }
            json.member("without_process", withoutProcess)
            json.member("processes", processes.count)
            writeListings(&json)
            json.member("lost") { json in
                for (kind, count) in lost.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    json.key(kind.rawValue)
                    json.value(count)
                }
            }
            json.key("broken_off")
            json.value(isBrokenOff)
            json.member("damage", damageCount)
        }
        json.newline()
        return json.bytes
    }

    private func writeListings(_ json: inout JSONWriter) {
        json.key("listings")
        json.array { json in
            for listing in listings {
                json.object { json in
                    json.member("subject", listing.subject.rawValue)
                    json.member("line", listing.line)
                    json.member("taken", listing.taken?.description)
                }
            }
        }
    }
}
