/// How the verdicts of a run came about.
enum Way: String, CaseIterable, Codable, Sendable {
    /// `whosent live -i any`.
    case live
    /// `whosent record` with `tcpdump -i any`, then `whosent join`.
    case joinAny = "join-any"
    /// The same with `tcpdump` on one Ethernet interface.
    case joinEthernet = "join-h0"
    /// The same with `tcpdump` at the other end of the wire.
    case joinPeer = "join-peer"
    /// `whosent record` with a filter, then `whosent join` of everything.
    case joinFiltered = "join-filtered"
}

/// What the accuracy matrix expects of a row's packets.
enum Expectation: Sendable, Equatable {
    /// `process`, `exact`, and this very process.
    case process(tag: String?)
    /// The same where the packet still has its sender's addresses; elsewhere by the addresses before translation.
    case translated
    /// As ``process(tag:)``, and the addresses that the sender used are told too.
    case translatedHere
    /// Two processes are candidates, and no third.
    case ambiguous
    /// Two processes or more are candidates, and the sender is one of them.
    case amongSeveral
    /// `unknown`, or this very process with no more than `probable`.
    case probableAtMost
    case kernel
    case forwarded(from: String)
    /// The same, out of a TUN or TAP device, with its holders.
    case tunnel(from: String, TunnelHolding)
    /// `process`, and `kernel` where the link-layer address is that of the interface that the copies leave by.
    case copied(by: String)
    case received
    case unknown
    /// Never on the wire.
    case absent

    var text: String {
        switch self {
        case .process(let tag): tag.map { "process, exact, tagged \($0)" } ?? "process, exact"
        case .translated: "process, exact, method nat"
        case .translatedHere: "process, exact, with the addresses before translation"
        case .ambiguous: "ambiguous, both candidates"
        case .amongSeveral: "ambiguous, the sender among the candidates"
        case .probableAtMost: "unknown, or process, probable at most"
        case .kernel: "kernel"
        case .forwarded(let interface): "forwarded, from \(interface)"
        case .tunnel(let interface, let holding): "forwarded, from \(interface), \(holding.rawValue)"
        case .copied: "process, exact; the copies kernel, probable"
        case .received: "received"
        case .unknown: "unknown, with the reason"
        case .absent: "no packet"
        }
    }
}

/// Who is said to hold the device that a row's packets came out of.
enum TunnelHolding: String, Sendable {
    case owner = "its owner probable"
    case several = "both holders listed"
    /// Who looks while the writer still lives may find it.
    case gone = "none or the true owner"
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
    /// The kernel sends on a thread that it made for the process.
    var usesKernelThreads = false
    /// Not every kernel has the devices or queues; where the lab says so the row is not run.
    var mayBeMissing = false

    /// The senders' sockets were made by their parents.
    var usesParentsSocket = false

    /// For packets that do not pass h0.
    private static let hereOnly: [Way] = [.live, .joinAny]

    static let all: [AccuracyRow] = [
        AccuracyRow(id: "1", title: "sendto, unconnected", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "2", title: "connected send and write, opened before the tool started", expectation: .process(tag: nil),
            atLeast: 46),
        AccuracyRow(id: "3", title: "IP_PKTINFO; IPv4-mapped", expectation: .process(tag: nil)),
        AccuracyRow(id: "4", title: "sendmmsg, batches of 64", expectation: .process(tag: nil), atLeast: 131),
        AccuracyRow(id: "5", title: "UDP_SEGMENT, whole and in segments", expectation: .process(tag: nil), atLeast: 72),
        AccuracyRow(
            id: "5-stream", title: "UDP_SEGMENT, thousands of batches a second on one flow",
            expectation: .process(tag: nil), ways: hereOnly, atLeast: 2400),
        AccuracyRow(id: "6", title: "UDP_CORK, MSG_MORE", expectation: .process(tag: nil), atLeast: 46),
        AccuracyRow(id: "7", title: "fragments", expectation: .process(tag: nil)),
        AccuracyRow(id: "8", title: "zero-length", expectation: .process(tag: nil)),
        AccuracyRow(id: "9", title: "multicast, broadcast", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "10", title: "io_uring: inline, worker, polled, inherited ring", expectation: .process(tag: nil),
            atLeast: 92, usesKernelThreads: true),
        AccuracyRow(id: "11", title: "MSG_ZEROCOPY", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "12", title: "ping socket, raw ICMP socket", expectation: .process(tag: nil), atLeast: 46,
            isAnswered: true),
        AccuracyRow(id: "13", title: "UDP on IPPROTO_RAW", expectation: .process(tag: nil)),
        AccuracyRow(id: "14", title: "AF_PACKET: send, TX ring", expectation: .process(tag: nil), atLeast: 92),
        AccuracyRow(
            id: "14b", title: "AF_PACKET with PACKET_QDISC_BYPASS, seen at the other end",
            expectation: .probableAtMost, ways: [.joinPeer], atLeast: 46),
        AccuracyRow(
            id: "14b-xdp", title: "AF_XDP, seen at the other end", expectation: .probableAtMost, ways: [.joinPeer],
            atLeast: 46, mayBeMissing: true),
        AccuracyRow(
            id: "14c-bridge", title: "AF_PACKET on a bridge with slow queues", expectation: .process(tag: nil),
            ways: hereOnly, sightings: 2, atLeast: 69),
        AccuracyRow(
            id: "14c-macvlan", title: "AF_PACKET on a macvlan with slow queues", expectation: .process(tag: nil),
            ways: hereOnly, sightings: 2, atLeast: 69, mayBeMissing: true),
        AccuracyRow(
            id: "14c-vlan", title: "AF_PACKET on a VLAN with slow queues", expectation: .process(tag: nil),
            ways: hereOnly, sightings: 2, atLeast: 69, mayBeMissing: true),
        AccuracyRow(
            id: "15", title: "socket inherited, passed", expectation: .process(tag: nil), atLeast: 69,
            usesParentsSocket: true),
        AccuracyRow(
            id: "16", title: "a socket shared by 8 processes, in turn and at once", expectation: .process(tag: nil),
            atLeast: 368, usesParentsSocket: true),
        AccuracyRow(
            id: "16-slow", title: "the same behind a slow queue", expectation: .process(tag: nil), ways: hereOnly,
            atLeast: 368, usesParentsSocket: true),
        AccuracyRow(id: "17", title: "exec, send, exit", expectation: .process(tag: nil), atLeast: 300),
        AccuracyRow(id: "18", title: "fork, send, exit", expectation: .process(tag: nil), atLeast: 300),
        AccuracyRow(id: "19", title: "threads", expectation: .process(tag: nil), atLeast: 161),
        AccuracyRow(
            id: "23", title: "container behind masquerade: UDP, echo", expectation: .translated, sightings: 2,
            atLeast: 46),
        AccuracyRow(
            id: "24", title: "local DNAT, local SNAT", expectation: .translatedHere, atLeast: 46),
        AccuracyRow(
            id: "25", title: "two containers alike, at once, masqueraded", expectation: .translated, sightings: 2,
            atLeast: 46),
        AccuracyRow(
            id: "26", title: "routed from another host", expectation: .forwarded(from: "tap0"), sightings: 2,
            atLeast: 46),
        AccuracyRow(
            id: "27", title: "bridged from another host", expectation: .forwarded(from: "tap1"), ways: hereOnly,
            sightings: 2, atLeast: 46),
        AccuracyRow(
            id: "28-request", title: "what the kernel answers in row 28", expectation: .process(tag: nil), atLeast: 46),
        AccuracyRow(
            id: "28-rejected", title: "refused by REJECT on OUTPUT", expectation: .absent),
        AccuracyRow(id: "28b", title: "echo replies by a raw socket", expectation: .process(tag: nil)),
        AccuracyRow(id: "29", title: "received", expectation: .received, ways: [.live, .joinAny]),
        AccuracyRow(id: "30", title: "a neighbour that answers late", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "31", title: "VXLAN, inner packets", expectation: .process(tag: nil), ways: hereOnly, atLeast: 276),
        AccuracyRow(
            id: "31b", title: "WireGuard, inner packets", expectation: .process(tag: nil), ways: hereOnly, atLeast: 46,
            mayBeMissing: true),
        AccuracyRow(
            id: "31b-copy", title: "copied by TEE", expectation: .copied(by: "02-00-5E-00-01-01"), sightings: 2,
            mayBeMissing: true),
        AccuracyRow(
            id: "32", title: "NFQUEUE on OUTPUT, re-injected by a daemon: unconnected, connected, raw",
            expectation: .process(tag: nil), atLeast: 69, mayBeMissing: true),
        AccuracyRow(
            id: "32-shared", title: "the same on a socket shared by 8 processes", expectation: .amongSeveral,
            atLeast: 368, mayBeMissing: true),
        AccuracyRow(
            id: "32-older", title: "the same on kernels before 6.4", expectation: .probableAtMost, atLeast: 437,
            mayBeMissing: true),
        AccuracyRow(
            id: "32b", title: "IPVS virtual address, local client", expectation: .process(tag: nil), atLeast: 46,
            mayBeMissing: true),
        AccuracyRow(
            id: "33", title: "no route, firewall, dropped by queue and tc", expectation: .absent, ways: hereOnly,
            atLeast: 92),
        AccuracyRow(
            id: "34", title: "written into a TUN device", expectation: .tunnel(from: "tun0", .owner), sightings: 2),
        AccuracyRow(
            id: "34-several", title: "written into a TUN device that two processes hold",
            expectation: .tunnel(from: "tun1", .several), sightings: 2),
        AccuracyRow(
            id: "34-unheld", title: "written into a TUN device that was let go at once",
            expectation: .tunnel(from: "tun2", .gone), sightings: 2),
        AccuracyRow(id: "35", title: "loopback", expectation: .process(tag: nil), ways: hereOnly),
        AccuracyRow(
            id: "36", title: "macvlan", expectation: .process(tag: nil), ways: hereOnly, sightings: 2, atLeast: 46,
            mayBeMissing: true),
        AccuracyRow(
            id: "36-vlan", title: "VLAN-tagged", expectation: .process(tag: nil), ways: hereOnly, sightings: 2,
            atLeast: 46, mayBeMissing: true),
        AccuracyRow(
            id: "37-early", title: "before the tool was ready", expectation: .unknown, ways: [.joinAny, .joinEthernet]),
        AccuracyRow(
            id: "37-late", title: "after the evidence's span", expectation: .unknown, ways: [.joinAny, .joinEthernet]),
        AccuracyRow(
            id: "37-outside", title: "outside the evidence's filter", expectation: .unknown, ways: [.joinFiltered]),
        AccuracyRow(
            id: "37-inside", title: "inside the evidence's filter", expectation: .process(tag: nil),
            ways: [.live, .joinAny, .joinEthernet, .joinFiltered]),
        AccuracyRow(
            id: "39", title: "identical packets of two processes on one port", expectation: .ambiguous, atLeast: 46),
        AccuracyRow(id: "41", title: "socket of another network namespace", expectation: .process(tag: nil)),
        AccuracyRow(
            id: "42", title: "child cgroups with programs of their own; the tool in ip netns exec",
            expectation: .process(tag: nil), atLeast: 46),
        AccuracyRow(
            id: "43", title: "translated in BPF behind the stack", expectation: .probableAtMost, mayBeMissing: true),
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
