import Foundation

/// What the tests look at in a line of NDJSON about a packet.
struct ReportedLine: Decodable, Sendable {
    struct Endpoint: Decodable, Sendable {
        var ip: String
        var port: Int?
        var mac: String?
    }
    struct Event: Decodable, Sendable {
        var action: String
    }
    struct Network: Decodable, Sendable {
        var transport: String
        /// The IP packet's total length.
        var bytes: Int
    }
    struct ICMP: Decodable, Sendable {
        var type: Int
        var code: Int
        var seq: Int?
    }
    struct Task: Decodable, Sendable {
        var id: Int
        var name: String?
    }
    struct Parent: Decodable, Sendable {
        var pid: Int
    }
    struct Process: Decodable, Sendable {
        var pid: Int
        var name: String?
        var executable: String?
        var args: [String]?
        var thread: Task?
        var parent: Parent?
    }
    struct Observer: Decodable, Sendable {
        struct Side: Decodable, Sendable {
            struct Interface: Decodable, Sendable {
                var name: String
            }
            var interface: Interface
        }
        var ingress: Side?
        var egress: Side?
    }
    struct Candidate: Decodable, Sendable {
        var pid: Int
    }
    struct Tunnel: Decodable, Sendable {
        var name: String
        var owner: Candidate?
    }
    struct Payload: Decodable, Sendable {
        var length: Int
        var prefix: String?
    }
    struct Tuple: Decodable, Sendable {
        var source: Endpoint
        var destination: Endpoint
    }
    struct Judgement: Decodable, Sendable {
        var frame: Int
        var payload: Payload
        var verdict: String
        var confidence: String
        var method: String
        var reason: String
        var candidates: [Candidate]?
        var tag: String?
        var tagConfidence: String?
        var tagReasons: [String]?
        var beforeNAT: Tuple?
        var socketCreator: Parent?
        var onBehalfOf: Candidate?
        var tunnel: Tunnel?

        enum CodingKeys: String, CodingKey {
            case frame, payload, verdict, confidence, method, reason, candidates, tag, tunnel
            case tagConfidence = "tag_confidence"
            case tagReasons = "tag_reasons"
            case beforeNAT = "before_nat"
            case socketCreator = "socket_creator"
            case onBehalfOf = "on_behalf_of"
        }
    }

    var event: Event
    var network: Network
    var source: Endpoint
    var destination: Endpoint
    var icmp: ICMP?
    var process: Process?
    var observer: Observer?
    var whosent: Judgement

    var isEchoReply: Bool { event.action == "icmp-echo-reply" }

    /// A port unreachable, of ICMP or ICMPv6.
    var isPortUnreachable: Bool {
        switch (network.transport, icmp?.type, icmp?.code) {
        case ("icmp", 3, 3), ("ipv6-icmp", 1, 4): true
        default: false
        }
    }

    var identity: PacketIdentity {
        PacketIdentity(
            prefix: whosent.payload.prefix ?? "", source: source.ip, destination: destination.ip,
            sourcePort: source.port, destinationPort: destination.port, icmpSequence: icmp?.seq)
    }

    /// The identity of the request that an echo reply answers.
    var requestIdentity: PacketIdentity {
        PacketIdentity(
            prefix: whosent.payload.prefix ?? "", source: destination.ip, destination: source.ip, sourcePort: nil,
            destinationPort: nil, icmpSequence: icmp?.seq)
    }
}

/// The last line.
struct ReportedSummary: Decodable, Sendable {
    struct Body: Decodable, Sendable {
        var summary: Counts
    }
    struct Damage: Decodable, Sendable {
        var file: String
        var offset: Int
        var what: String
    }
    struct Counts: Decodable, Sendable {
        var packets: Int
        var records: Int
        var unmatchedRecords: Int
        var lost: [String: Int]
        var verdicts: [String: Int]
        var tags: [String: Int]
        var damage: [Damage]
        /// How the command after `--` ended.
        var commandStatus: Int?

        enum CodingKeys: String, CodingKey {
            case packets, records, lost, verdicts, tags, damage
            case unmatchedRecords = "unmatched_records"
            case commandStatus = "command_status"
        }
    }
    var whosent: Body
}

/// A whole NDJSON output.
struct ReportedOutput: Sendable {
    var lines: [ReportedLine]
    var summary: ReportedSummary.Counts

    /// Decodes every line; the last has to be the summary.
    init(_ data: Data) throws {
        let decoder = JSONDecoder()
        let rows = data.split(separator: UInt8(ascii: "\n"))
        guard let last = rows.last else { throw CommandFailure(description: "no output at all") }
        lines = try rows.dropLast().map { try decoder.decode(ReportedLine.self, from: $0) }
        summary = try decoder.decode(ReportedSummary.self, from: last).whosent.summary
    }
}
