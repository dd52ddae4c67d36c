import Audit
import PcapNG
import Testing

@Suite("Paths and digests of manifests")
struct ManifestPathTests {
    @Test(arguments: ["a", "../a", "../../a/b c", "-", "a/-rf", "...", "..a/b", "ü"])
    func acceptable(text: String) { #expect(ManifestPath(text)?.text == text) }

    @Test(arguments: ["", "/", "/a", "..", "../..", "a/..", "a/../b", "./a", "a/./b", "a//b", "a/", "../", "a\0b"])
    func refused(text: String) { #expect(ManifestPath(text) == nil) }

    @Test func tooLong() {
        #expect(ManifestPath(String(repeating: "a", count: 4096)) != nil)
        #expect(ManifestPath(String(repeating: "a", count: 4097)) == nil)
    }

    @Test(arguments: [
        ("/case/eth0.pcap", "/case/report", "../eth0.pcap"), ("/case/eth0.pcap", "/case", "eth0.pcap"),
        ("/a/b", "/c/d/e", "../../../a/b"), ("/b", "/", "b"), ("/casement/x", "/case", "../casement/x"),
    ])
    func relative(file: String, folder: String, path: String) {
        #expect(ManifestPath(to: file, from: folder)?.text == path)
    }

    @Test func relativePathsHaveNoWayBetweenThem() {
        #expect(ManifestPath(to: "a", from: "/b") == nil)
        #expect(ManifestPath(to: "/a", from: "b") == nil)
        #expect(ManifestPath(to: "/a", from: "/a") == nil)
    }

    @Test func resolved() throws {
        let path = try require(ManifestPath("-"))
        #expect(path.resolved(in: "") == "./-" && path.resolved(in: "/x") == "/x/-" && path.resolved(in: "/") == "/-")
    }

    /// The examples of FIPS 180-4.
    @Test(arguments: [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
    func digest(text: String, hash: String) throws {
        let digest = ContentDigest(of: Array(text.utf8))
        #expect(digest == ContentDigest(length: UInt64(text.utf8.count), sha256: hash))
        #expect(try ContentDigest(reading: MemorySource(Array(text.utf8))) == digest)
    }

    @Test("a source that comes in many pieces has the digest of the whole")
    func pieces() throws {
        let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let source = MemorySource(Array(bytes.prefix(262_143)), then: MemorySource(Array(bytes.dropFirst(262_143))))
        #expect(try ContentDigest(reading: source) == ContentDigest(of: bytes))
    }
}
