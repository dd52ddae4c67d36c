import Correlation
import Foundation
import Records
import Reporting
import Testing

@Suite("NDJSON")
struct NDJSONFormatTests {
    static func line(_ reported: ReportedPacket) throws -> [String: Any] {
        var format = NDJSONFormat()
        var bytes: [UInt8] = []
        format.packet(reported, into: &bytes)
        return try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func everyKindOfPacketAsExpected() {
        Golden.expect(Sample.output(NDJSONFormat()), named: "ndjson.ndjson")
    }

    @Test func everyLineValidatesAndTheCountsAddUp() throws {
        let result = try Golden.witness("validate_ndjson.py", Sample.output(NDJSONFormat()))
        #expect(result.errors == "")
        #expect(result.status == 0)
    }

    /// What the witness must refuse: else its silence would say nothing.
    @Test(arguments: [
        (#""confidence":"exact""#, #""confidence":"certain""#, "'certain' is not one of"),
        (#""frame":1,"#, #""frame":3,"#, "line 2: frame 2 of eth0.pcap after 3"),
        (#""verdict":"received""#, #""verdict":"kernel""#, "with verdict kernel"),
        (#""packets":18"#, #""packets":19"#, "the verdicts add up to 18"),
        (#""newmail":1"#, #""newmail":2"#, "2 tagged newmail, but the lines have 1"),
    ])
    func witnessRefuses(original: String, forged: String, complaint: String) throws {
        let text = String(decoding: Sample.output(NDJSONFormat()), as: UTF8.self)
        var forgedText = text
        let range = try #require(forgedText.range(of: original))
        forgedText.replaceSubrange(range, with: forged)
        let result = try Golden.witness("validate_ndjson.py", Array(forgedText.utf8))
        #expect(result.status == 1)
        #expect(result.errors.contains(complaint), "\(result.errors)")
    }

    @Test func noControlCharacterOrOverrideOfAHostileNameSurvives() {
        let bytes = Sample.output(NDJSONFormat())
        #expect(!bytes.contains { $0 < 0x20 && $0 != 0x0A })
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        #expect(!scalars.contains { (0x7F...0x9F).contains($0.value) || (0x202A...0x202E).contains($0.value) })
    }

    @Test func userOfTheRecordWinsOverTheProcessesLater() throws {
        // Packet 2: the description says 1001 (exch), the record at the moment of the send says 0.
        let process = try #require(try Self.line(Sample.packets[1])["process"] as? [String: Any])
        #expect(process["user"] as? [String: String] == ["id": "0"])
    }

    @Test func aProcessIsNeverShownForAnAmbiguousVerdict() throws {
        let line = try Self.line(Sample.packets[3])
        #expect(line["process"] == nil)
        let own = try #require(line["whosent"] as? [String: Any])
        #expect((own["candidates"] as? [[String: Any]])?.compactMap { $0["pid"] as? Int } == [10, 11, 12, 13])
    }

    @Test(
        arguments: [
            (0, "eth0", nil), (7, "eth0", "veth-a"), (8, nil, "eth0"), (9, nil, "eth0"), (3, nil, nil),
        ] as [(Int, String?, String?)])
    func observerHasTheInterfaces(index: Int, egress: String?, ingress: String?) throws {
        let observer = try Self.line(Sample.packets[index])["observer"] as? [String: [String: [String: String]]]
        #expect(observer?["egress"]?["interface"]?["name"] == egress)
        #expect(observer?["ingress"]?["interface"]?["name"] == ingress)
    }
}
