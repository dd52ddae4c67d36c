import Audit
import Foundation
import Testing

@Suite("Manifests")
struct ManifestTests {
    @Test("what was written is read again, and written alike")
    func roundTrip() throws {
        let manifest = try sampleManifest()
        let text = manifest.encoded()
        #expect(try AuditManifest(decoding: text) == manifest)
        #expect(try AuditManifest(decoding: text).encoded() == text)
        var empty = AuditManifest(caseID: "c", examiner: "e", toolVersion: "1")
        empty.outputs = manifest.outputs
        #expect(try AuditManifest(decoding: empty.encoded()) == empty)
    }

    @Test("a changed byte is found, wherever it is")
    func anyByte() throws {
        let text = try sampleManifest().encoded()
        for index in text.indices {
            var changed = text
            changed[index] ^= 1
            #expect(throws: ManifestError.self, "byte \(index)") { try AuditManifest(decoding: changed) }
        }
    }

    @Test("a missing end is found, wherever it begins")
    func anyLength() throws {
        let text = try sampleManifest().encoded()
        for length in 0..<text.count {
            #expect(throws: ManifestError.self) { try AuditManifest(decoding: Array(text.prefix(length))) }
        }
    }

    /// Replaces text and makes the checksum fit, as somebody who changes a manifest on purpose would.
    private func forged(_ old: String, _ new: String) throws -> [UInt8] {
        let text = try #require(String(validating: sampleManifest().encoded(), as: UTF8.self))
        let range = try #require(text.range(of: old))
        let changed = text.replacingCharacters(in: range, with: new)
        let end = try #require(changed.range(of: "  \"manifest_sha256\""))
        let body = Array(changed[..<end.lowerBound].utf8)
        return body + Array("  \"manifest_sha256\":\"\(ContentDigest(of: body).sha256)\"\n}\n".utf8)
    }

    /// A change, and a word of the sentence that refuses it.
    struct Forgery: Sendable, CustomTestStringConvertible {
        var old: String
        var new: String
        var complaint: String
        var testDescription: String { "\(old) → \(new)" }
    }

    static let forgeries: [Forgery] = [
        Forgery(old: #""path":"../eth0.pcap""#, new: #""path":"/etc/shadow""#, complaint: "relative to the manifest"),
        Forgery(old: #""path":"../eth0.pcap""#, new: #""path":"a/../../b""#, complaint: "relative to the manifest"),
        Forgery(old: #""path":"../eth0.pcap""#, new: #""path":"""#, complaint: "relative to the manifest"),
        Forgery(old: #""path":"../eth0.pcap""#, new: #""path":"-""#, complaint: "not written as whosent"),
        Forgery(old: #""path":"report.html""#, new: #""path":"../report.html""#, complaint: "no report has"),
        Forgery(old: #""path":"report.html""#, new: #""path":"report.json""#, complaint: "does not list"),
        Forgery(old: #""whosent_manifest":1"#, new: #""whosent_manifest":2"#, complaint: "version 2"),
        Forgery(old: #""whosent_manifest":1"#, new: #""manifest":1"#, complaint: "no manifest of whosent"),
        Forgery(
            old: #""no_args":true"#, new: #""no_args":true,"write":"/etc/passwd""#,
            complaint: "\"write\" in its options"),
        Forgery(old: #""case":"#, new: #""hook":"x","case":"#, complaint: "\"hook\""),
        Forgery(old: #""role":"capture""#, new: #""role":"output""#, complaint: "a role"),
        Forgery(old: #""pids":[2136"#, new: #""pids":["2136""#, complaint: "\"pids\""),
        Forgery(old: #""newmail_ports":[2762"#, new: #""newmail_ports":[70000"#, complaint: "\"newmail_ports\""),
        Forgery(old: #""whosent","report""#, new: #""sh","-c""#, complaint: "not written as whosent"),
        Forgery(old: #""tool":"#, new: #""tool": "#, complaint: "not written as whosent"),
        Forgery(old: #""tags":["newmail"]"#, new: #""tags":"newmail""#, complaint: "\"tags\""),
    ]

    @Test("what a forger with the right checksum writes is refused with a sentence", arguments: forgeries)
    func forgery(forgery: Forgery) throws {
        let text = try forged(forgery.old, forgery.new)
        let error = #expect(throws: ManifestError.self) { try AuditManifest(decoding: text) }
        #expect(error?.description.contains(forgery.complaint) == true, "\(error?.description ?? "none")")
    }

    @Test("an escape sequence in a member's name does not reach the terminal")
    func escaped() throws {
        let text = try forged(#""case":"#, #""\u001b[2J":"x","case":"#)
        let error = #expect(throws: ManifestError.self) { try AuditManifest(decoding: text) }
        #expect(error?.description.contains("\\x1b[2J") == true)
    }

    @Test("the command line in it has no word that an option could be made of")
    func command() throws {
        let text = try #require(String(validating: sampleManifest().encoded(), as: UTF8.self))
        #expect(text.contains(#""whosent","report","../eth0.pcap","./-r.ndjson","--evidence","a b/ev.pcapng""#))
        #expect(text.contains(#""--process=-o /tmp/x""#) && text.contains(#""--process=\u001b[2J""#))
    }
}
