/// What a way made of one row's packets.
struct RowResult: Codable, Sendable, Equatable {
    var row: String
    var title: String
    var expected: String
    var way: Way
    var family: Family
    var sent = 0
    /// Every sighting has the expected verdict and names the right process in all its particulars.
    var right = 0
    /// `unknown` where it should be known.
    var unknown = 0
    /// The right process or verdict, but weaker or with less than the truth.
    var incomplete = 0
    /// Another process, or a verdict that is not true.
    var wrong = 0
    /// Seen less or more often than it was sent.
    var miscounted = 0
    /// Why the kernel cannot run the row.
    var notRun: String?
    /// The first few deviations in words.
    var problems: [String] = []

    var passes: Bool { right == sent }

    /// Notes a deviation; the first ten are enough to work with.
    mutating func note(_ problem: String) {
        if problems.count < 10 { problems.append(problem) }
    }
}

extension Way {
    /// The capture is that of one of the two ends of a wire.
    var seesOneInterface: Bool { self == .joinEthernet || self == .joinPeer }
}

/// How one sighting compares with the truth.
enum Sighting: Equatable {
    case right
    case unknown(String)
    case incomplete(String)
    case wrong(String)
}

/// Holds a way's lines against what was sent.
struct Comparison {
    private var direct: [PacketIdentity: [ReportedLine]] = [:]
    private var replies: [PacketIdentity: [ReportedLine]] = [:]
    /// Lines about packets that no sender of the lab reported.
    private(set) var strays: [ReportedLine] = []
    private let sent: [SentPacket]
    let way: Way

    init(sent: [SentPacket], lines: [ReportedLine], way: Way) {
        self.sent = sent
        self.way = way
        let known = Dictionary(sent.map { ($0.identity, $0) }) { first, _ in first }
        for line in lines {
            if !line.isPortUnreachable, let packet = known[line.identity],
                packet.hasAddresses(line.source.ip, line.destination.ip)
            {
                direct[line.identity, default: []].append(line)
            } else if line.isEchoReply, let packet = known[line.requestIdentity],
                packet.source == line.destination.ip, packet.destination == line.source.ip
            {
                replies[line.requestIdentity, default: []].append(line)
            } else {
                strays.append(line)
            }
        }
    }

    /// The verdicts on a row's packets.
    func result(of row: AccuracyRow, _ family: Family) -> RowResult {
        var result = RowResult(
            row: row.id, title: row.title, expected: row.expectation.text, way: way, family: family)
        for packet in packets(of: row, family) {
            result.sent += 1
            let lines = direct[packet.identity] ?? []
            let expectedCount = packet.packets * (way.seesOneInterface ? 1 : row.sightings)
            guard lines.count == expectedCount else {
                result.miscounted += 1
                result.note("\(packet.mode) \(packet.prefix): \(lines.count) lines, not \(expectedCount)")
                continue
            }
            result.add(
                lines.map { line in
                    let sighting = Self.judge(
                        line, of: packet, row.expectation, onKernelThread: row.usesKernelThreads)
                    return sighting == .right ? Self.judgeCreator(line, of: packet, row) : sighting
                })
        }
        return result
    }

    /// The verdicts on the kernel's echo replies to a row's requests.
    func replyResult(of row: AccuracyRow, _ family: Family) -> RowResult {
        var result = RowResult(
            row: row.id, title: "replies to: \(row.title)", expected: Expectation.kernel.text, way: way, family: family)
        for packet in packets(of: row, family) where packet.icmpType != nil {
            result.sent += 1
            let lines = replies[packet.identity] ?? []
            guard lines.count == 1 else {
                result.miscounted += 1
                result.note("\(packet.mode) \(packet.prefix): \(lines.count) replies")
                continue
            }
            result.add(lines.map { Self.judge($0, of: packet, .kernel) })
        }
        return result
    }

    /// The verdicts on the kernel's port unreachables between two addresses, of which `count` are expected.
    func unreachableResult(source: Set<String>, destination: Set<String>, count: Int, _ family: Family) -> RowResult {
        var result = RowResult(
            row: "28", title: "port unreachables", expected: Expectation.kernel.text, way: way, family: family)
        result.sent = count
        let lines = strays.filter {
            $0.isPortUnreachable && source.contains($0.source.ip) && destination.contains($0.destination.ip)
        }
        for line in lines {
            if line.whosent.verdict == "kernel" { result.right += 1 } else { result.wrong += 1 }
            if line.whosent.verdict != "kernel" { result.note(Self.describe(line)) }
        }
        if lines.count != count {
            result.miscounted = abs(count - lines.count)
            result.note("\(lines.count) port unreachables, not \(count)")
        }
        return result
    }

    /// Lines that give a process to a packet that no process of the lab sent.
    func inventions(exceptPIDs tools: Set<Int>) -> [String] {
        strays.filter { line in
            guard line.whosent.verdict == "process" else { return false }
            return !(line.process.map { tools.contains($0.pid) } ?? false)
        }.map(Self.describe)
    }

    /// Verdicts by packet, for comparing two ways.
    func verdicts() -> [PacketIdentity: [String]] {
        direct.mapValues { $0.map(Self.summarise).sorted() }
    }

    private func packets(of row: AccuracyRow, _ family: Family) -> [SentPacket] {
        sent.filter { $0.row == row.id && $0.family == family && (!way.seesOneInterface || $0.crossesEthernet) }
    }

    /// Who made the socket is told where it was the sender's parent, and only where it was not the sender.
    private static func judgeCreator(_ line: ReportedLine, of packet: SentPacket, _ row: AccuracyRow) -> Sighting {
        let creator = line.whosent.socketCreator?.pid
        if creator == packet.pid { return .wrong("the sender as its socket's creator: \(describe(line))") }
        guard row.usesParentsSocket, creator != packet.ppid else { return .right }
        let problem = "socket creator \(creator ?? 0), not \(packet.ppid): \(describe(line))"
        return creator == nil ? .incomplete(problem) : .wrong(problem)
    }

    private static func summarise(_ line: ReportedLine) -> String {
        let judgement = line.whosent
        let process = line.process
        return [
            judgement.verdict, judgement.confidence, judgement.method, judgement.tag ?? "-",
            process.map { "\($0.pid)" } ?? "-", process?.thread.map { "\($0.id)" } ?? "-", process?.name ?? "-",
            process?.executable ?? "-", process?.args?.joined(separator: " ") ?? "-",
        ].joined(separator: " ")
    }

    private static func describe(_ line: ReportedLine) -> String {
        "frame \(line.whosent.frame) \(line.event.action) \(line.source.ip) > \(line.destination.ip): "
            + "\(summarise(line)): \(line.whosent.reason)"
    }

    static func judge(
        _ line: ReportedLine, of packet: SentPacket, _ expectation: Expectation, onKernelThread: Bool = false
    ) -> Sighting {
        let verdict = line.whosent.verdict
        let truth = "truth: \(packet.mode) \(packet.pid)/\(packet.tid) \(packet.name)"
        if let process = line.process, process.pid != packet.pid { return .wrong("\(describe(line)); \(truth)") }
        switch expectation {
        case .probableAtMost:
            if verdict == "unknown" { return .right }
            guard verdict == "process" else { return .wrong("\(describe(line)); \(truth)") }
            return line.whosent.confidence == "exact" ? .incomplete("\(describe(line)); \(truth)") : .right
        case .process, .translated, .translatedHere, .ambiguous, .amongSeveral:
            guard verdict != "unknown" else { return .unknown("\(describe(line)); \(truth)") }
            guard verdict == "process" else { return .wrong("\(describe(line)); \(truth)") }
            let missing: [String]
            switch expectation {
            case .process(let tag): missing = shortfall(of: line, against: packet, tag: tag, onKernelThread)
            case .translated:
                missing =
                    shortfall(of: line, against: packet, tag: line.whosent.tag, onKernelThread)
                    + untranslatedShortfall(of: line, against: packet)
            case .translatedHere:
                missing =
                    shortfall(of: line, against: packet, tag: line.whosent.tag, onKernelThread)
                    + senderAddressShortfall(of: line, against: packet)
            default:
                let named = Set((line.whosent.candidates ?? []).map(\.pid))
                if line.process != nil { return .wrong("one of two: \(describe(line)); \(truth)") }
                let isExpected = expectation == .amongSeveral ? named.count > 1 : named.count == 2
                missing =
                    line.whosent.confidence == "ambiguous" && isExpected && named.contains(packet.pid)
                    ? [] : ["candidates are \(named.sorted())"]
            }
            return missing.isEmpty
                ? .right : .incomplete("\(missing.joined(separator: ", ")): \(describe(line)); \(truth)")
        case .copied(let mac):
            let meant: Expectation = line.source.mac == mac ? .kernel : .process(tag: nil)
            return judge(line, of: packet, meant)
        case .tunnel(let interface, let holding):
            let sighting = judge(line, of: packet, .forwarded(from: interface))
            guard sighting == .right else { return sighting }
            return judge(line, of: packet, from: interface, holding)
        case .kernel, .received, .unknown, .forwarded:
            guard verdict == expectation.verdict else {
                return verdict == "unknown"
                    ? .unknown("\(describe(line)); \(truth)") : .wrong("\(describe(line)); \(truth)")
            }
            if case .forwarded(let interface) = expectation, line.observer?.ingress?.interface.name != interface {
                return .incomplete("came in on \(line.observer?.ingress?.interface.name ?? "none"): \(describe(line))")
            }
            return .right
        case .absent:
            return .wrong("on the wire: \(describe(line))")
        }
    }

    /// What a line that names the right process lacks.
    private static func shortfall(
        of line: ReportedLine, against packet: SentPacket, tag: String?, _ onKernelThread: Bool
    ) -> [String] {
        guard let process = line.process else { return ["no process"] }
        var missing: [String] = []
        func compare<Value: Equatable>(_ what: String, _ got: Value?, _ want: Value) {
            if got != want { missing.append("\(what) is \(got.map { "\($0)" } ?? "absent"), not \(want)") }
        }
        compare("confidence", line.whosent.confidence, "exact")
        if !onKernelThread {
            compare("thread", process.thread?.id, packet.tid)
            compare("thread name", process.thread?.name ?? process.name, packet.threadName)
        }
        compare("name", process.name, packet.name)
        compare("executable", process.executable, packet.executable)
        compare("args", process.args, packet.args)
        compare("parent", process.parent?.pid, packet.ppid)
        if line.whosent.tag != tag { missing.append("tag is \(line.whosent.tag ?? "absent")") }
        return missing
    }
}

extension Comparison {
    /// What a translated packet's line lacks of the addresses and ports that the sender used.
    fileprivate static func untranslatedShortfall(of line: ReportedLine, against packet: SentPacket) -> [String] {
        guard line.source.ip != packet.source || line.destination.ip != packet.destination else { return [] }
        guard line.whosent.method == "nat" else { return ["not by translation"] }
        return senderAddressShortfall(of: line, against: packet)
    }

    /// What a line lacks of the addresses and ports that the sender used.
    fileprivate static func senderAddressShortfall(of line: ReportedLine, against packet: SentPacket) -> [String] {
        guard let before = line.whosent.beforeNAT else { return ["no addresses before translation"] }
        return before.source.ip == packet.source && before.destination.ip == packet.destination
            && before.source.port == packet.sourcePort && before.destination.port == packet.destinationPort
            ? [] : ["other addresses before translation"]
    }
}

extension RowResult {
    /// A row that the kernel cannot run.
    init(notRun row: AccuracyRow, _ family: Family, _ way: Way, because reason: String) {
        self.init(row: row.id, title: row.title, expected: row.expectation.text, way: way, family: family)
        notRun = reason
    }

    /// Counts one packet by the worst of its sightings.
    mutating func add(_ sightings: [Sighting]) {
        var worst = Sighting.right
        for sighting in sightings {
            switch (worst, sighting) {
            case (_, .wrong), (.right, _), (.incomplete, .unknown): worst = sighting
            default: break
            }
        }
        switch worst {
        case .right: right += 1
        case .unknown(let problem):
            unknown += 1
            note(problem)
        case .incomplete(let problem):
            incomplete += 1
            note(problem)
        case .wrong(let problem):
            wrong += 1
            note(problem)
        }
    }
}

extension Expectation {
    /// The verdict's name in NDJSON.
    var verdict: String? {
        switch self {
        case .process, .translated, .translatedHere, .ambiguous, .amongSeveral, .copied: "process"
        case .kernel: "kernel"
        case .forwarded, .tunnel: "forwarded"
        case .received: "received"
        case .unknown, .probableAtMost: "unknown"
        case .absent: nil
        }
    }
}

extension SentPacket {
    /// Whether the packet is seen on h0: either end, or the sender of a broadcast, is in its network.
    fileprivate var crossesEthernet: Bool {
        [source, destination, seenSource ?? "", seenDestination ?? ""].contains {
            $0.hasPrefix("192.0.2.") || $0.hasPrefix("2001:db8:1:")
        }
    }
}
