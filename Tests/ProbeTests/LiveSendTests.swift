import Glibc
import Records
import Testing

@testable import Probe

@Suite("Live send records", .serialized, LiveProbe.condition)
struct LiveSendTests {
    @Test(arguments: ProbeConfiguration.Reading.allCases)
    func namesThisProcess(reading: ProbeConfiguration.Reading) throws {
        var configuration = ProbeConfiguration()
        configuration.reading = reading
        let probe = try Probe(configuration)
        let loopback = unsafe if_nametoindex("lo")
        try #require(probe.guardState.isWorking, "\(probe.guardState.detail)")
        let socket = try LoopbackSocket()
        let payload = [UInt8]("whosent!".utf8)
        for _ in 0..<23 { #expect(socket.send(payload) == payload.count) }
        let ours = try LiveProbe.gather(probe) { sink in
            sink.sends.count { $0.record.packet.sourcePort == socket.port } >= 23
        }.sends.filter { $0.record.packet.sourcePort == socket.port }
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
}
