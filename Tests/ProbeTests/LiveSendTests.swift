import Glibc
import Records
import Testing

@testable import Probe

@Suite("Live send records", .serialized, LiveProbe.condition)
struct LiveSendTests {
    private let payload = [UInt8]("whosent!".utf8)

    @Test(arguments: ProbeConfiguration.Reading.allCases)
    func namesThisProcess(reading: ProbeConfiguration.Reading) throws {
        var configuration = ProbeConfiguration()
        configuration.reading = reading
        let probe = try Probe(configuration)
        try #require(probe.guardState.isWorking, "\(probe.guardState.detail)")
        let loopback = unsafe if_nametoindex("lo")
        let socket = try LoopbackSocket()
        for _ in 0..<23 { #expect(socket.send(payload) == payload.count) }
        let ours = try LiveProbe.sends(probe, from: socket.port, count: 23)
        #expect(ours.count == 23)
        for sent in ours {
            #expect(sent.record.process.pid == UInt32(getpid()))
            #expect(sent.record.thread == LiveProbe.currentThread)
            #expect(sent.record.proof == .verified)
            #expect(sent.record.user == geteuid())
            #expect(sent.originalLength == 36)
            #expect(sent.bytes.suffix(8) == payload[...])
            #expect(sent.record.packet.payloadPrefix == PayloadPrefix(payload))
            #expect(sent.record.socketCookie != 0)
            #expect(sent.record.namespace == probe.host.networkNamespace)
            #expect(sent.record.interface == loopback)
        }
    }

    @Test func namesTheThread() throws {
        let probe = try Probe()
        let socket = try LoopbackSocket()
        var thread: UInt32?
        let ran = DedicatedThread.run {
            thread = LiveProbe.currentThread
            for _ in 0..<7 { _ = socket.send(payload) }
        }
        try #require(ran)
        let ours = try LiveProbe.sends(probe, from: socket.port, count: 7)
        #expect(ours.count == 7)
        #expect(thread != LiveProbe.currentThread)
        #expect(ours.allSatisfy { $0.record.thread == thread && $0.record.process.pid == UInt32(getpid()) })
    }

    @Test(arguments: [28, 96, 1500, 16_384])
    func copiesPacketsUpToTheSnapLength(snapLength: Int) throws {
        var configuration = ProbeConfiguration()
        configuration.snapLength = snapLength
        let probe = try Probe(configuration)
        for size in [1, 4, 7, 8, 9, 63, 67, 68, 69, 200, 1000, 4000, 30_000] {
            let socket = try LoopbackSocket()
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(socket.send(payload) == size)
            let sent = try #require(try LiveProbe.sends(probe, from: socket.port, count: 1).first)
            #expect(sent.originalLength == size + 28)
            #expect(sent.bytes.count == min(size + 28, snapLength))
            #expect(sent.bytes.dropFirst(28).elementsEqual(payload.prefix(snapLength - 28)))
        }
    }

    /// Nothing is lost without being counted.
    @Test func countsWhatDoesNotFit() throws {
        var configuration = ProbeConfiguration()
        configuration.sendRingBytes = 65_536
        let probe = try Probe(configuration)
        let socket = try LoopbackSocket()
        for _ in 0..<2003 { _ = socket.send(payload) }
        let sink = try LiveProbe.gather(probe) { !$0.losses.isEmpty }
        let received = sink.sends.count
        let lost = sink.losses.filter { $0.kind == .send }.reduce(0) { $0 + $1.count }
        #expect(lost > 0)
        #expect(received + Int(lost) >= 2003)
        #expect(probe.losses[.send] == lost)
        #expect(sink.losses.allSatisfy { $0.start < $0.stop })
    }

    @Test func recordsOnlyTheInterfaceThatWasAskedFor() throws {
        var configuration = ProbeConfiguration()
        configuration.interface = "lo"
        let loopback = unsafe if_nametoindex("lo")
        let probe = try Probe(configuration)
        let socket = try LoopbackSocket()
        _ = socket.send(payload)
        let ours = try LiveProbe.sends(probe, from: socket.port, count: 1)
        #expect(ours.map(\.record.interface) == [loopback])
    }

    @Test func refusesAnInterfaceThatDoesNotExist() {
        var configuration = ProbeConfiguration()
        configuration.interface = "no-such-if0"
        let error = #expect(throws: ProbeError.self) { _ = try Probe(configuration) }
        #expect(error?.code == .noSuchInterface)
    }

    @Test func watermarkPassesWhatWasSent() throws {
        let probe = try Probe()
        let socket = try LoopbackSocket()
        var sink = GatheringSink()
        let before = probe.poll(&sink)
        _ = socket.send(payload)
        var after = before
        for _ in 0..<200 where after <= before || !sink.sends.contains(where: { $0.record.time < after }) {
            usleep(1000)
            after = probe.poll(&sink)
        }
        let sent = try #require(sink.sends.first { $0.record.packet.sourcePort == socket.port })
        #expect(sent.record.time > before)
        #expect(sent.record.time < after)
    }
}
