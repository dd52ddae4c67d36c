import Evidence
import Testing

@Suite(
    "Evidence, read by others",
    .enabled("python3, tcpdump and tshark are installed") {
        requiresWitnesses || ["python3", "tcpdump", "tshark"].allSatisfy { find($0) != nil }
    })
struct EvidenceWitnessTests {
    @Test("the witness accepts it, and sees what was written")
    func witnessAccepts() throws {
        try withFile(try EvidenceDamageTests.recording()) { path in
            let outcome = try run(try #require(find("python3")), [witness, path])
            #expect(outcome.errors == "")
            #expect(outcome.status == 0)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 13)
            #expect(lines[0].contains(#""whosent 0.1.0""#))
            #expect(lines[1].contains(#""whosent-send""#) && lines[2].contains(#""whosent-wire""#))
            #expect(lines[4].contains(#"[8, {"pid": 2136, "tid": 2140}]"#))
            #expect(lines[4].contains("IFNAME=") == false && lines[4].contains("START=17"))
        }
    }

    @Test("tcpdump and tshark read it without a warning", arguments: ["tcpdump", "tshark"])
    func readersAccept(program: String) throws {
        try withFile(try EvidenceDamageTests.recording()) { path in
            let arguments =
                program == "tcpdump" ? ["-n", "-r", path] : ["-r", path, "-T", "fields", "-e", "frame.comment"]
            let outcome = try run(try #require(find(program)), arguments)
            #expect(outcome.status == 0)
            #expect(outcome.output.split(separator: "\n").count == 6)
            // tcpdump announces the file; whoever runs tshark as root is told so by it.
            let complaints = outcome.errors.split(separator: "\n").filter {
                !$0.hasPrefix("reading from file") && !$0.contains("Running as user")
            }
            #expect(complaints.isEmpty)
            if program == "tshark" { #expect(outcome.output.contains("PROOF=verified")) }
        }
    }
}
