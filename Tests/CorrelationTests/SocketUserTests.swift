import Correlation
import Records
import Testing

@Suite("Packets that a queue's daemon re-injected, and what a record says beside its sender")
struct SocketUserTests {
    @Test(arguments: [false, true])
    func theOnlyUserOfTheSocketIsExact(v6: Bool) {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(v6: v6), proof: .socketUser))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp(v6: v6)))
        #expect(verdict.kind == .process && verdict.confidence == .exact && verdict.sender?.process.pid == 2136)
        #expect(verdict.reason.description.contains("re-injected"))
    }

    @Test func aLikelyUserIsProbable() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), proof: .likelySocketUser))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.kind == .process && verdict.confidence == .probable && verdict.sender?.process.pid == 2136)
    }

    @Test func severalUsersAreAllCandidates() {
        var correlator = Traffic.correlator()
        for pid in [UInt32(7), 8, 9] { correlator.add(Traffic.record(Traffic.udp(), pid: pid, proof: .socketUser)) }
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.confidence == .ambiguous && verdict.sender == nil)
        #expect(verdict.candidates.map(\.sender.process.pid).sorted() == [7, 8, 9])
        #expect(verdict.reason.description.contains("3 processes used the socket"))
        #expect(correlator.unmatchedRecords == 0, "it is one packet")
    }

    /// The daemon's own packets are as certain as anybody's.
    @Test func aVerifiedSenderIsNoCandidateAmongSeveral() {
        var correlator = Traffic.correlator()
        correlator.add(Traffic.record(Traffic.udp(), pid: 7, proof: .likelySocketUser))
        correlator.add(Traffic.record(Traffic.udp(), pid: 8, proof: .verified))
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.confidence == .exact && verdict.sender?.process.pid == 8)
    }

    @Test func theRecordsTranslationAndCreatorReachTheVerdict() {
        var correlator = Traffic.correlator()
        var record = Traffic.record(Traffic.udp())
        record.beforeNAT = UntranslatedTuple(
            source: Traffic.client, destination: IPAddress(v4: 0xC000_024D), sourcePort: 36003, destinationPort: 53)
        record.creator = SocketCreator(process: ProcessKey(pid: 12, startTime: 3), name: TaskName("maker".utf8))
        correlator.add(record)
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.method == .packet && verdict.confidence == .exact)
        #expect(verdict.beforeNAT == record.beforeNAT && verdict.socketCreator == record.creator)
    }

    /// Equal packets of one process on two sockets: whose socket it was is not certain.
    @Test func creatorsThatDifferAreNotTold() {
        var correlator = Traffic.correlator()
        for pid in [UInt32(12), 13] {
            var record = Traffic.record(Traffic.udp())
            record.creator = SocketCreator(process: ProcessKey(pid: pid, startTime: 3), name: .empty)
            correlator.add(record)
        }
        let verdict = correlator.judge(Traffic.seen(Traffic.udp()))
        #expect(verdict.sender?.process.pid == 2136 && verdict.socketCreator == nil)
    }
}
