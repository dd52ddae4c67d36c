import Correlation
import Records
import Testing

@Suite("Socket tables")
struct SocketTableJudgeTests {
    private static let own: Set<IPAddress> = [Traffic.client, Traffic.client6]
    private static let store = SocketHolder(process: ProcessKey(pid: 2136, startTime: 10_000_000), imageVersion: 1)
    private static let other = SocketHolder(process: ProcessKey(pid: 99, startTime: 20_000_000), imageVersion: 1)

    private static func udp(
        _ inode: UInt64 = 7, port: UInt16 = 36003, address: IPAddress = .unspecified(.v4), isDual: Bool = false,
        holders: [SocketHolder] = [store]
    ) -> OpenSocket {
        OpenSocket(kind: .udp, address: address, isDual: isDual, port: port, inode: inode, holders: holders)
    }

    /// A judge with readings 0.2 s before and after ``Traffic/start``.
    private static func judge(
        _ before: [OpenSocket], _ after: [OpenSocket], hides: Bool = false, translations: SourceTranslations = .none
    ) -> SocketTableJudge {
        var judge = SocketTableJudge()
        judge.setAddresses(own)
        for (sockets, time) in [(before, -200_000_000), (after, 200_000_000)] as [([OpenSocket], Int64)] {
            judge.add(
                SocketSnapshot(
                    began: Traffic.start.advanced(by: time), ended: Traffic.start.advanced(by: time + 1_000_000),
                    sockets: sockets, hidesProcesses: hides, translations: translations))
        }
        return judge
    }

    private static func verdict(
        _ sockets: [OpenSocket], _ ip: IPPacket = Traffic.udp(), hides: Bool = false,
        translations: SourceTranslations = .none, direction: Direction = .egress
    ) -> Verdict {
        judge(sockets, sockets, hides: hides, translations: translations).judge(
            Traffic.seen(ip, direction: direction), onLoopback: false)
    }

    @Test func theOnlyHolderIsProbable() {
        let verdict = Self.verdict([Self.udp()])
        #expect(verdict.kind == .process && verdict.confidence == .probable && verdict.method == .socketTable)
        #expect(verdict.sender?.process == Self.store.process)
        #expect(verdict.reason.description.contains("0.200 s before and 0.200 s after"), "\(verdict.reason)")
    }

    @Test func whereProcessesAreHiddenItIsPossibleOnly() {
        #expect(Self.verdict([Self.udp()], hides: true).confidence == .possible)
    }

    /// One socket of two processes, two sockets on one port, and a raw socket that may send anything.
    @Test(arguments: [
        [udp(holders: [store, other])], [udp(), udp(8, address: Traffic.client, holders: [other])],
        [udp(), OpenSocket(kind: .raw(255), address: .unspecified(.v4), port: 255, inode: 9, holders: [other])],
        [udp(), OpenSocket(kind: .raw(17), address: .unspecified(.v4), port: 17, inode: 9, holders: [other])],
    ])
    func severalHoldersAreAllListed(sockets: [OpenSocket]) {
        let verdict = Self.verdict(sockets)
        #expect(verdict.kind == .process && verdict.confidence == .ambiguous && verdict.sender == nil)
        #expect(Set(verdict.candidates.map(\.sender.process.pid)) == [99, 2136])
    }

    @Test func severalSocketsOfOneProcessAreOneHolder() {
        #expect(Self.verdict([Self.udp(), Self.udp(8, address: Traffic.client)]).confidence == .probable)
    }

    /// Sockets that say nothing about the packet.
    @Test(arguments: [
        udp(port: 36004), udp(address: Traffic.client6), udp(address: .unspecified(.v6)),
        udp(address: Traffic.client, holders: []), udp(0, holders: []),
        OpenSocket(kind: .ping, address: .unspecified(.v4), port: 36003, inode: 7, holders: [store]),
        OpenSocket(kind: .raw(255), address: .unspecified(.v4), port: 255, inode: 7, holders: [store]),
    ])
    func whatDoesNotFitNamesNobody(socket: OpenSocket) {
        let verdict = Self.verdict([socket])
        #expect(verdict.kind == .unknown && verdict.sender == nil && verdict.candidates.isEmpty)
    }

    /// Groups, and IPv4 on an IPv6 socket.
    @Test(arguments: [
        udp(address: IPAddress(v4: 0xE000_00FB)), udp(address: .unspecified(.v6), isDual: true),
        udp(address: Traffic.client),
    ])
    func whatMaySendFromTheAddressFits(socket: OpenSocket) {
        #expect(Self.verdict([socket]).sender?.process == Self.store.process)
    }

    @Test func aSocketThatCameOrWentNamesNobody() {
        for (before, after) in [([Self.udp()], []), ([], [Self.udp()]), ([Self.udp(7)], [Self.udp(8)])] {
            let verdict = Self.judge(before, after).judge(Traffic.seen(Traffic.udp()), onLoopback: false)
            #expect(verdict.kind == .unknown && verdict.reason.description.contains("only at one of the readings"))
        }
    }

    @Test func aHolderAtOneReadingIsACandidateToo() {
        let verdict = Self.judge([Self.udp(holders: [Self.store, Self.other])], [Self.udp()]).judge(
            Traffic.seen(Traffic.udp()), onLoopback: false)
        #expect(verdict.confidence == .ambiguous)
    }

    @Test func aHolderThatExecutedAnotherProgramIsNotNamed() {
        var later = Self.store
        later.imageVersion = 2
        let verdict = Self.judge([Self.udp()], [Self.udp(holders: [later])]).judge(
            Traffic.seen(Traffic.udp()), onLoopback: false)
        #expect(verdict.kind == .unknown)
    }

    @Test func withoutAReadingOnBothSidesNothingIsKnown() {
        let judge = Self.judge([Self.udp()], [Self.udp()])
        for offset in [-300_000_000, 300_000_000, -199_500_000] as [Int64] {
            let verdict = judge.judge(Traffic.seen(Traffic.udp(), at: offset), onLoopback: false)
            #expect(verdict.reason == .socketTables(.notRead), "\(offset)")
        }
    }

    @Test func theKernelsTunnelsAreNobodys() {
        let listening = OpenSocket(kind: .udp, address: .unspecified(.v4), port: 2762, inode: 0)
        #expect(Self.verdict([Self.udp(), listening]).reason == .socketTables(.kernelTunnelPort(2762)))
    }

    @Test func translatedSourcesAreNobodysHere() {
        let source = SourceEndpoint(address: Traffic.client, port: 36003)
        #expect(Self.verdict([Self.udp()], translations: .known([source])).kind == .unknown)
        #expect(Self.verdict([Self.udp()], translations: .hidden).kind == .unknown)
        #expect(Self.verdict([Self.udp()], translations: .known([])).kind == .process)
    }

    @Test func whatComesInIsNeverReceivedNorNamed() {
        let verdict = Self.verdict([Self.udp()], direction: .ingress)
        #expect(verdict.kind == .unknown && verdict.reason == .socketTables(.cameIn))
    }

    /// The kernel answers pings whoever holds raw sockets.
    @Test func echoRepliesAreNotARawSocketsOwners() {
        let raw = OpenSocket(kind: .raw(1), address: .unspecified(.v4), port: 1, inode: 5, holders: [Self.store])
        #expect(Self.verdict([raw], Traffic.echoReply()).reason == .socketTables(.kernelOrRawSocket))
    }

    @Test(
        arguments: [(9, 2136, nil), (2136, 2136, .possible), (UInt16(2136).byteSwapped, 2136, .possible)]
            as [(UInt16, UInt32, Verdict.Confidence?)])
    func aRawSocketIsTiedByTheProcessIDAlone(identifier: UInt16, pid: UInt32, confidence: Verdict.Confidence?) {
        let raw = OpenSocket(kind: .raw(1), address: .unspecified(.v4), port: 1, inode: 5, holders: [Self.store])
        var request = Traffic.echoReply()
        request.icmpType = 8
        request.sourcePort = identifier
        let verdict = Self.verdict([raw], request)
        #expect(verdict.sender?.process.pid == confidence.map { _ in pid })
        #expect(verdict.confidence == confidence ?? .none)
    }

    @Test func aPingSocketIsTiedByItsIdentifier() {
        let ping = OpenSocket(kind: .ping, address: .unspecified(.v4), port: 9, inode: 5, holders: [Self.store])
        var request = Traffic.echoReply()
        request.icmpType = 8
        #expect(Self.verdict([ping], request).confidence == .probable)
    }

    @Test func onlyPacketsOfUnknownSocketsHurry() {
        let judge = Self.judge([Self.udp()], [Self.udp()])
        #expect(!judge.isUnfamiliar(Traffic.seen(Traffic.udp())))
        #expect(judge.isUnfamiliar(Traffic.seen(Traffic.udp(sourcePort: 1))))
        #expect(!judge.isUnfamiliar(Traffic.seen(Traffic.udp(sourcePort: 1), direction: .ingress)))
    }
}
