/// How the verdicts of a run came about.
enum Way: String, CaseIterable, Codable, Sendable {
    /// `whosent live -i any`.
    case live
    /// `whosent record` with `tcpdump -i any`, then `whosent join`.
    case joinAny = "join-any"
    /// The same with `tcpdump` on one Ethernet interface.
    case joinEthernet = "join-h0"
    /// `whosent record` with a filter, then `whosent join` of everything.
    case joinFiltered = "join-filtered"
}

/// What the accuracy matrix expects of a row's packets.
enum Expectation: Sendable, Equatable {
    /// `process`, `exact`, and this very process.
    case process(tag: String?)
    case kernel
    case forwarded(from: String)
    case received
    case unknown
    /// Never on the wire.
    case absent

    var text: String {
        switch self {
        case .process(let tag): tag.map { "process, exact, tagged \($0)" } ?? "process, exact"
        case .kernel: "kernel"
        case .forwarded(let interface): "forwarded, from \(interface)"
        case .received: "received"
        case .unknown: "unknown, with the reason"
        case .absent: "no packet"
        }
    }
}

/// A row of the accuracy matrix.
struct AccuracyRow: Sendable {
    /// The number in the matrix; a name for rows that only this suite has.
    var id: String
    var title: String
    var expectation: Expectation
    var ways: [Way] = [.live, .joinAny, .joinEthernet]
    /// How often the `any` interface sees each packet.
    var sightings = 1
    /// Packets of one sender at least, so that a row that did not run is seen.
    var atLeast = 23
    /// These packets are echo requests or datagrams that this machine's kernels answer.
    var isAnswered = false

    static let all: [AccuracyRow] = [
        AccuracyRow(id: "1", title: "sendto, unconnected", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "2", title: "connected send and write, opened before the tool started", expectation: .process(tag: nil),
            atLeast: 46),
        AccuracyRow(id: "3", title: "IP_PKTINFO; IPv4-mapped", expectation: .process(tag: nil)),
        AccuracyRow(id: "4", title: "sendmmsg, batches of 64", expectation: .process(tag: nil), atLeast: 131),
        AccuracyRow(id: "5", title: "UDP_SEGMENT, whole and in segments", expectation: .process(tag: nil), atLeast: 72),
        AccuracyRow(id: "6", title: "UDP_CORK, MSG_MORE", expectation: .process(tag: nil), atLeast: 46),
        AccuracyRow(id: "7", title: "fragments", expectation: .process(tag: nil)),
        AccuracyRow(id: "8", title: "zero-length", expectation: .process(tag: nil)),
        AccuracyRow(id: "9", title: "multicast, broadcast", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "12", title: "ping socket, raw ICMP socket", expectation: .process(tag: nil), atLeast: 46,
            isAnswered: true),
        AccuracyRow(id: "13", title: "UDP on IPPROTO_RAW", expectation: .process(tag: nil)),
        AccuracyRow(id: "14", title: "AF_PACKET: send, TX ring", expectation: .process(tag: nil), atLeast: 92),
        AccuracyRow(id: "15", title: "socket inherited, passed", expectation: .process(tag: nil), atLeast: 69),
        AccuracyRow(id: "17", title: "exec, send, exit", expectation: .process(tag: nil), atLeast: 300),
        AccuracyRow(id: "18", title: "fork, send, exit", expectation: .process(tag: nil), atLeast: 300),
        AccuracyRow(id: "19", title: "threads", expectation: .process(tag: nil), atLeast: 161),
        AccuracyRow(
            id: "26", title: "routed from another host", expectation: .forwarded(from: "tap0"), sightings: 2,
            atLeast: 46),
        AccuracyRow(
            id: "28-request", title: "what the kernel answers in row 28", expectation: .process(tag: nil), atLeast: 46),
        AccuracyRow(
            id: "28-rejected", title: "refused by REJECT on OUTPUT", expectation: .absent),
        AccuracyRow(id: "28b", title: "echo replies by a raw socket", expectation: .process(tag: nil)),
        AccuracyRow(id: "29", title: "received", expectation: .received, ways: [.live, .joinAny]),
        AccuracyRow(id: "35", title: "loopback", expectation: .process(tag: nil), ways: [.live, .joinAny]),
        AccuracyRow(
            id: "37-early", title: "before the tool was ready", expectation: .unknown, ways: [.joinAny, .joinEthernet]),
        AccuracyRow(
            id: "37-late", title: "after the evidence's span", expectation: .unknown, ways: [.joinAny, .joinEthernet]),
        AccuracyRow(
            id: "37-outside", title: "outside the evidence's filter", expectation: .unknown, ways: [.joinFiltered]),
        AccuracyRow(
            id: "37-inside", title: "inside the evidence's filter", expectation: .process(tag: nil), ways: Way.allCases),
        AccuracyRow(id: "41", title: "socket of another network namespace", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "routed-guest", title: "routed from a namespace of this machine", expectation: .process(tag: nil),
            sightings: 2),
        AccuracyRow(
            id: "ping", title: "ping -c 3 -s 1 -p 3f", expectation: .process(tag: "dsaccess-ping"), atLeast: 3,
            isAnswered: true),
    ]
}

/// One row, one IP version, one way.
struct AccuracyCase: Sendable, CustomStringConvertible {
    var row: AccuracyRow
    var family: Family
    var way: Way

    var description: String { "row \(row.id) (\(row.title)), \(family.rawValue), \(way.rawValue)" }

    static let all = AccuracyRow.all.flatMap { row in
        Family.allCases.flatMap { family in row.ways.map { AccuracyCase(row: row, family: family, way: $0) } }
    }
}
