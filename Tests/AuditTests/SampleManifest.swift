import Audit
import Records

/// A manifest with everything that one can have.
func sampleManifest() throws -> AuditManifest {
    var manifest = AuditManifest(
        caseID: "2026-0042 \"mystery\"", examiner: "A. Examiner, Müller & Co", toolVersion: "9.8.7")
    manifest.request.filter = "udp port 2762"
    manifest.request.clockOffset = "-14400.25"
    manifest.request.newMailPorts = [2762, 65535]
    manifest.request.processIDs = [2136, .max]
    manifest.request.processNames = ["store", "-o /tmp/x", "\u{1B}[2J"]
    manifest.request.tags = ["newmail"]
    manifest.request.minimumConfidences = ["probable"]
    manifest.request.verdicts = ["process", "unknown"]
    manifest.request.withoutArguments = true
    manifest.request.processTable = 65_536
    manifest.request.recordTable = 16_384
    for (index, role) in AuditManifest.Input.Role.allCases.enumerated() {
        let path = try require(ManifestPath(["../eth0.pcap", "-r.ndjson", "a b/ev.pcapng", "../../rules.yaml"][index]))
        manifest.inputs.append(.init(role: role, path: path, digest: ContentDigest(of: [UInt8(index)])))
    }
    manifest.outputs = AuditManifest.Output.Name.allCases.map { .init(name: $0, digest: ContentDigest(of: [9])) }
    manifest.machines = [
        .init(evidence: "ev.pcapng", host: "mail", kernel: "Linux 6.1.0", bootID: "5b6c"),
        .init(evidence: "trace.csv", host: nil, kernel: nil, bootID: nil),
    ]
    manifest.time = .init(
        first: Timestamp(nanoseconds: 1_772_360_430_000_000_001),
        last: Timestamp(nanoseconds: 1_772_360_431_123_456_789))
    manifest.clockOffsets = [
        .init(seconds: 14400.312441, spread: 0.0001, matches: 17), .init(seconds: -1.5, spread: nil, matches: 1),
    ]
    return manifest
}

struct Missing: Error {}

func require<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}
