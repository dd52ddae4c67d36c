import Foundation
import Testing

@Suite("The fuzzers' corpus")
struct FuzzCorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/fuzz/corpus")

    @Test("Every input is taken without harm", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: target.rawValue), includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files { target.run([UInt8](try Data(contentsOf: file))) }
    }

    /// What the corpus begins with: the sound messages that the other tests are made of.
    @Test("Sound messages are in the corpus")
    func seeds() throws {
        for (target, name, bytes) in Self.seeds {
            let file = Self.folder.appending(path: "\(target.rawValue)/\(name)")
            if ProcessInfo.processInfo.environment["WHOSENT_UPDATE_GOLDEN"] != nil { try Data(bytes).write(to: file) }
            #expect(try [UInt8](Data(contentsOf: file)) == bytes)
        }
    }

    private static var seeds: [(FuzzTarget, String, [UInt8])] {
        let client = Conversation.mailClient
        var seeds: [(FuzzTarget, String, [UInt8])] = []
        for big in [false, true] {
            let stub = Stub.register(client, 2762, big: big)
            let name = big ? "big" : "little"
            seeds.append((.mapi, "request-\(name)", [big ? 1 : 0] + stub))
            seeds.append((.mapi, "response-\(name)", [big ? 1 : 0] + Stub.registered(big: big)))
            let units: [[UInt8]] = [
                Unit.bind(big: big), Unit.bindAck(big: big), Unit.request(4, stub, big: big),
                Unit.response(Stub.registered(big: big), big: big),
                Unit.request(4, stub, call: 3, big: big, authLevel: 5),
            ]
            seeds.append((.dcerpc, "conversation-\(name)", [63] + units.flatMap { $0 }))
            let segments = units.prefix(4).enumerated().reduce(into: ([UInt8](), [0, 0])) { result, unit in
                let direction = unit.offset % 2
                let (own, other) = (UInt16(result.1[direction] + 1), UInt16(result.1[1 - direction] + 1))
                result.0 +=
                    [direction == 0 ? 0x18 : 0x98] + Wire.u16(own) + Wire.u16(other) + [1, UInt8(unit.element.count)]
                result.0 += unit.element
                result.1[direction] += unit.element.count
            }
            let handshake: [UInt8] = [0x02, 0, 0, 0, 0, 0, 0, 0x92, 0, 0, 1, 0, 0, 0]
            seeds.append((.tcp, "conversation-\(name)", handshake + segments.0))
        }
        return seeds
    }
}
