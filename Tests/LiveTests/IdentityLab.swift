import Foundation

/// A row of the identity lab.
struct IdentityRow: Sendable {
    /// The number in the matrix and a name; a name alone for rows that only this suite has.
    var id: String
    var title: String
    /// Packets of each IP version.
    var count = 23
    /// How often the `any` interface sees each packet.
    var sightings = 1

    static let all =
        [
            IdentityRow(id: "20", title: "another program each time under one process id", count: 300),
            IdentityRow(id: "20-container", title: "the same by the id inside a container", count: 300, sightings: 2),
            IdentityRow(id: "21-intact", title: "the executable is the file at its path"),
            IdentityRow(id: "21-deleted", title: "executable deleted before it sends"),
            IdentityRow(id: "21-replaced", title: "executable replaced before it sends"),
            IdentityRow(id: "21-later", title: "executable deleted, then replaced between sends", count: 69),
            IdentityRow(id: "21-memfd", title: "executable from a memfd"),
            IdentityRow(id: "21-memfd-once", title: "executable from a memfd, gone at once"),
            IdentityRow(id: "21-copied", title: "clone(CLONE_PARENT): the image is not the parent's", count: 101),
            IdentityRow(id: "unit", title: "systemd unit, another user"),
            IdentityRow(id: "unit-own-mounts", title: "systemd unit with its own mount namespace"),
            IdentityRow(id: "unit-v1", title: "systemd unit in cgroup v1"),
        ]
        + [
            ("docker-cgroupfs", "Docker, cgroupfs driver"), ("docker-systemd", "Docker, systemd driver"),
            ("containerd", "containerd, kubelet's systemd driver"), ("crio", "CRI-O"),
            ("kubelet-cgroupfs", "kubelet, cgroupfs driver"), ("podman", "Podman"), ("nerdctl", "nerdctl, rootless"),
            ("user", "a container's user with a number of the host's"),
            ("user-namespace", "a user namespace, no runtime"), ("by-hand", "a root of its own, no runtime"),
            ("v1-systemd", "Docker in cgroup v1, name=systemd"), ("v1-pids", "Docker in cgroup v1, pids"),
            ("once", "a container's process that is gone at once"),
        ].map { IdentityRow(id: "22-\($0.0)", title: "container: \($0.1)", sightings: 2) }
}

/// One row, one IP version, one way.
struct IdentityCase: Sendable, CustomStringConvertible {
    var row: IdentityRow
    var family: Family
    var way: Way

    var description: String { "row \(row.id) (\(row.title)), \(family.rawValue), \(way.rawValue)" }

    static let ways: [Way] = [.live, .joinAny]
    static let all = IdentityRow.all.flatMap { row in
        Family.allCases.flatMap { family in ways.map { IdentityCase(row: row, family: family, way: $0) } }
    }
}

/// One run of the identity lab, shared by its tests.
struct IdentitySession: Sendable {
    private struct Record: Decodable {
        var commands: [LabSession.Command]
        var skipped: [String: String]
    }

    /// Where the run left its files.
    let folder: URL
    let sent: [IdentityPacket]
    let commands: [LabSession.Command]
    /// Rows that this machine cannot run, and why.
    let skipped: [String: String]
    /// What each way said, by the first half of the payload's prefix.
    let lines: [Way: [String: [IdentityLine]]]

    /// The run, made when the first test asks for it.
    static let shared = Result { try IdentitySession() }

    private init() throws {
        folder = try LabRun.folder(of: "identity")
        let decoder = JSONDecoder()
        let truth = try Data(contentsOf: folder.appending(path: "truth.ndjson"))
        sent = try truth.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(IdentityPacket.self, from: $0) }
        let record = try decoder.decode(Record.self, from: Data(contentsOf: folder.appending(path: "session.json")))
        commands = record.commands
        skipped = record.skipped
        var lines: [Way: [String: [IdentityLine]]] = [:]
        for way in IdentityCase.ways {
            let output = try Data(contentsOf: folder.appending(path: "\(way.rawValue).ndjson"))
            // The last line is the summary.
            let packets = try output.split(separator: UInt8(ascii: "\n")).dropLast()
                .map { try decoder.decode(IdentityLine.self, from: $0) }
            lines[way] = Dictionary(grouping: packets) { String(($0.whosent.payload.prefix ?? "").prefix(16)) }
        }
        self.lines = lines
        try writeResults()
    }

    /// The verdicts on one case's packets.
    func result(of test: IdentityCase) -> RowResult {
        var result = RowResult(
            row: test.row.id, title: test.row.title, expected: "process, exact", way: test.way, family: test.family)
        result.notRun = skipped[test.row.id]
        for packet in sent where packet.row == test.row.id && packet.family == test.family {
            result.sent += 1
            let found = lines[test.way]?[String(packet.prefix.prefix(16))] ?? []
            guard found.count == test.row.sightings else {
                result.miscounted += 1
                result.note("\(packet.prefix): \(found.count) lines, not \(test.row.sightings)")
                continue
            }
            result.add(found.map(packet.judge))
        }
        return result
    }

    /// Leaves the figures for the accuracy document.
    private func writeResults() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(IdentityCase.all.map(result)).write(to: folder.appending(path: "results.json"))
    }
}

/// A packet of the identity lab, with all that is known of its sender.
struct IdentityPacket: Decodable, Sendable {
    var row: String
    /// Nil where only the id inside the container is known.
    var pid: Int?
    var ppid: Int?
    var vpid: Int?
    var name: String?
    var executable: String
    var args: [String]
    var source: String
    var prefix: String
    var image: String?
    /// The hash that has to be there.
    var sha256: String?
    /// The hash that may be there, where the process may be gone before anybody looks.
    var possibleHash: String?
    var container: String?
    var service: String?
    var user: Int
    var userName: String?

    enum CodingKeys: String, CodingKey {
        case row, pid, ppid, vpid, name, executable, args, source, prefix, image, sha256, container, service, user
        case possibleHash = "possible_sha256"
        case userName = "user_name"
    }

    var family: Family { source.contains(":") ? .ipv6 : .ipv4 }

    /// Holds a line against the truth: what is left out makes it incomplete, what is another makes it wrong.
    func judge(_ line: IdentityLine) -> Sighting {
        guard let process = line.process, line.whosent.verdict == "process" else {
            return .unknown("\(prefix): \(line.whosent.verdict): \(line.whosent.reason)")
        }
        var absent: [String] = []
        var different: [String] = []
        func compare<Value: Equatable>(_ what: String, _ got: Value?, _ want: Value?) {
            guard got != want else { return }
            let words = "\(what) is \(got.map { "\($0)" } ?? "absent"), not \(want.map { "\($0)" } ?? "absent")"
            if got == nil { absent.append(words) } else { different.append(words) }
        }
        if let pid { compare("pid", process.pid, pid) }
        if let ppid { compare("parent", process.parent?.pid, ppid) }
        if let name { compare("name", process.name, name) }
        compare("vpid", process.vpid, vpid)
        compare("executable", process.executable, executable)
        compare("args", process.args, args)
        compare("image", line.whosent.image, image)
        compare("container", line.container?.id, container)
        if let service { compare("service", line.service?.name, service) }
        compare("user", process.user?.id, "\(user)")
        compare("user's name", process.user?.name, userName)
        if possibleHash == nil || process.hash != nil { compare("hash", process.hash?.sha256, sha256 ?? possibleHash) }
        if line.whosent.confidence != "exact" { absent.append("confidence is \(line.whosent.confidence)") }
        if !different.isEmpty { return .wrong("\(prefix): \(different.joined(separator: ", "))") }
        return absent.isEmpty ? .right : .incomplete("\(prefix): \(absent.joined(separator: ", "))")
    }
}

/// What the identity tests look at in a line of NDJSON.
struct IdentityLine: Decodable, Sendable {
    struct Identifier: Decodable, Sendable {
        var id: String
        var name: String?
    }
    struct Named: Decodable, Sendable {
        var name: String
    }
    struct Hash: Decodable, Sendable {
        var sha256: String
    }
    struct Parent: Decodable, Sendable {
        var pid: Int
    }
    struct Process: Decodable, Sendable {
        var pid: Int
        var vpid: Int?
        var name: String?
        var executable: String?
        var args: [String]?
        var parent: Parent?
        var user: Identifier?
        var hash: Hash?
    }
    struct Payload: Decodable, Sendable {
        var prefix: String?
    }
    struct Judgement: Decodable, Sendable {
        var payload: Payload
        var verdict: String
        var confidence: String
        var reason: String
        var image: String?
    }

    var process: Process?
    var container: Identifier?
    var service: Named?
    var whosent: Judgement
}
