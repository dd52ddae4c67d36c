import Correlation
import Records
import Testing

/// Who sends one-byte pings, by who is connected to the pinged server.
@Suite("Inference for pings")
struct PingInferenceTests {
    private static let second: Int64 = 1_000_000_000

    private static func scene(pings: [Int64]) -> ForeignScene {
        var scene = ForeignScene()
        scene.packets = pings.map { ForeignScene.ping(at: $0 * second) }
        scene.packets.append(ForeignScene.packet(at: 400 * second))
        scene.records = [ForeignScene.record(of: scene.packets[scene.packets.count - 1], line: 50)]
        return scene
    }

    private static let steady = Array(stride(from: Int64(0), to: 120, by: 5))

    @Test("Owners of connections on LDAP ports are candidates", arguments: [389, 636, 3268, 3269, 88, 445])
    func ports(port: UInt16) {
        var scene = Self.scene(pings: Self.steady)
        scene.records.append(ForeignScene.directory(pid: 2136, port: port, line: 7))
        let verdict = scene.joined().verdicts[3]
        guard [389, 636, 3268, 3269].contains(port) else {
            #expect(verdict.reason == .foreign(.noICMP))
            return
        }
        #expect(verdict.confidence == .possible && verdict.method == .inferred)
        #expect(verdict.sender?.process.pid == 2136 && verdict.candidates.map(\.sender.process.pid) == [2136])
        #expect(verdict.reason.description.contains("port \(port) (line 7 of trace.csv)"))
    }

    @Test("Several owners are all listed")
    func several() {
        var scene = Self.scene(pings: Self.steady)
        scene.records += [7176, 2136, 10092].map { ForeignScene.directory(pid: $0) }
        let verdict = scene.joined().verdicts[0]
        #expect(verdict.confidence == .ambiguous && verdict.sender == nil)
        #expect(verdict.candidates.map(\.sender.process.pid) == [2136, 7176, 10092])
    }

    @Test("Only the directory client's ping is inferred", arguments: [0x00, 0x61])
    func otherPings(byte: UInt8) {
        var scene = Self.scene(pings: Self.steady)
        scene.packets[0] = ForeignScene.ping(at: 0, byte: byte)
        scene.records.append(ForeignScene.directory(pid: 2136))
        #expect(scene.joined().verdicts[0].kind == .unknown)
    }

    @Test("Another server's connections say nothing")
    func otherServer() {
        var scene = Self.scene(pings: Self.steady)
        scene.records.append(ForeignScene.directory(pid: 2136, server: Traffic.server))
        #expect(scene.joined().verdicts[0].kind == .unknown)
    }

    @Test("An end that silence follows tells the sender from others", arguments: [true, false])
    func silence(isEnded: Bool) {
        var scene = Self.scene(pings: Self.steady)
        scene.records += [2136, 7176].map { ForeignScene.directory(pid: $0) }
        scene.lives[2136] = [ProcessLife(pid: 2136)]
        scene.lives[7176] = [
            ProcessLife(pid: 7176, ended: ForeignScene.moment((isEnded ? 118 : 60) * Self.second))
        ]
        let verdict = scene.joined().verdicts[2]
        #expect(verdict.candidates.count == 2)
        #expect(verdict.confidence == (isEnded ? .probable : .ambiguous))
        #expect(verdict.sender?.process.pid == (isEnded ? 7176 : nil))
        #expect(verdict.reason.description.contains("the pings stopped") == isEnded)
    }

    @Test("Pings that return with a restart are the new process's")
    func restart() {
        var scene = Self.scene(pings: Self.steady + stride(from: 240, to: 360, by: 5))
        scene.records += [2136, 7176].map { ForeignScene.directory(pid: $0) }
        scene.records.append(ForeignScene.directory(pid: 9028, at: 241 * Self.second))
        scene.lives[7176] = [ProcessLife(pid: 7176, ended: ForeignScene.moment(118 * Self.second))]
        scene.lives[9028] = [ProcessLife(pid: 9028, started: ForeignScene.moment(239 * Self.second))]
        let verdicts = scene.joined().verdicts
        #expect(verdicts[5].sender?.process.pid == 7176)
        #expect(verdicts[30].sender?.process.pid == 9028 && verdicts[30].confidence == .probable)
        #expect(verdicts[30].candidates.map(\.sender.process.pid) == [2136, 9028])
        #expect(verdicts[30].reason.description.contains("it started at"))
    }

    @Test("A process that a later listing lacks", arguments: [(100, 150, true), (20, 60, false)])
    func vanished(listed: Int64, missing: Int64, isEvidence: Bool) {
        var scene = Self.scene(pings: Self.steady)
        scene.records += [2136, 7176].map { ForeignScene.directory(pid: $0) }
        scene.lives[7176] = [
            ProcessLife(
                pid: 7176,
                vanished: ProcessLife.Vanishing(
                    listed: ForeignScene.moment(listed * Self.second),
                    missing: ForeignScene.moment(missing * Self.second)))
        ]
        #expect((scene.joined().verdicts[2].sender?.process.pid == 7176) == isEvidence)
    }

    @Test("Without aligned clocks all owners are candidates, and none is probable")
    func withoutClock() {
        var scene = Self.scene(pings: Self.steady)
        scene.records = [ForeignScene.directory(pid: 2136)]
        scene.lives[2136] = [ProcessLife(pid: 2136, ended: ForeignScene.moment(118 * Self.second))]
        let joined = scene.joined()
        #expect(joined.offset == nil)
        #expect(joined.verdicts[0].confidence == .possible && joined.verdicts[0].method == .inferred)
    }
}
