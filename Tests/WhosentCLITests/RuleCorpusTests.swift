import Classification
import Foundation
import Records
import Testing

@testable import WhosentCLI

/// The fuzzer's inputs (tools/fuzz/corpus/rules), replayed: each is accepted or refused as its name says.
@Suite("Rule files of the fuzzer's corpus")
struct RuleCorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/fuzz/corpus/rules")

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()

    @Test func thereIsACorpus() {
        #expect(Self.names.count >= 10)
    }

    @Test(arguments: names)
    func replay(name: String) throws {
        let bytes = try [UInt8](Data(contentsOf: Self.folder.appending(path: name)))
        let rules: [Rule]
        do {
            rules = try RuleFile.rules(of: bytes, file: name)
        } catch {
            #expect(name.hasPrefix("refused-"), "\(error)")
            #expect(error.description.hasPrefix("\(name)"))
            return
        }
        #expect(name.hasPrefix("accepted-"))
        var configuration = ClassifierConfiguration()
        configuration.rules = rules
        var classifier = Classifier(configuration: configuration)
        for (index, byte) in bytes.enumerated() {
            var packet = IPPacket(source: IPAddress(v4: 1), destination: IPAddress(v4: 2), transport: .udp)
            packet.destinationPort = UInt16(byte)
            packet.payloadPrefix = PayloadPrefix(bytes.dropFirst(index))
            packet.payloadLength = UInt32(bytes.count - index)
            let record = PacketRecord(time: Timestamp(nanoseconds: Int64(index)), frame: 1, ip: packet)
            guard case .final(let tag) = classifier.observe(record) else { continue }
            #expect(tag.confidence <= .possible && !tag.reasons.isEmpty)
        }
    }
}
