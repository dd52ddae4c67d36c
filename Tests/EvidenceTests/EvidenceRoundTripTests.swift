import Evidence
import PcapNG
import Records
import SeededRandomness
import SystemPackage
import Testing

@Suite("Evidence, written and read back")
struct EvidenceRoundTripTests {
    @Test("header, coverage and summary survive exactly")
    func header() throws {
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            try writer.finish(stop: SampleEvidence.start.advanced(by: 5), lost: [:])
        }
        let (records, reader) = try readAll(bytes)
        var expected = SampleEvidence.coverage
        expected.stop = SampleEvidence.start.advanced(by: 5)
        expect(reader.coverage, equals: expected)
        #expect(reader.kind == .recording)
        #expect(reader.damage.isEmpty)
        #expect(!reader.endedWithoutSummary)
        #expect(records.map(name) == ["end"])
    }

    @Test("every field of 500 random send records survives")
    func sends() throws {
        var generator = SeededGenerator(state: 7)
        var expected: [SendRecord] = []
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 60)
            for _ in 0..<500 {
                let (record, packet) = try randomSend(&generator)
                try writer.send(record, bytes: packet.rawSpan, originalLength: packet.count)
                expected.append(record)
            }
            try writer.finish(stop: SampleEvidence.start)
        }
        let (records, reader) = try readAll(bytes)
        #expect(reader.damage.isEmpty)
        let read = records.compactMap { if case .send(let record) = $0 { record } else { nil } }
        #expect(read.count == expected.count)
        for (record, original) in zip(read, expected) {
            #expect(fields(of: record) == fields(of: original))
            #expect(record.host == 3)
        }
    }

    /// Blocks of a burst are copies of the one before, which must show in nothing but the time they take.
    @Test("bursts of equal senders are written as one packet after the other is")
    func bursts() throws {
        var generator = SeededGenerator(state: 11)
        let senders = try (0..<4).map { _ in try randomSend(&generator) }
        var expected: [(SendRecord, [UInt8])] = []
        for turn in 0..<400 {
            var (record, packet) = senders[Int(generator.next() % 4)]
            if turn % 5 == 0 { packet.append(UInt8(truncatingIfNeeded: turn)) }
            for _ in 0..<Int(generator.next() % 5) {
                record.time = SampleEvidence.start.advanced(by: Int64(generator.next() % 1_000_000_000_000))
                packet[packet.count - 1] = UInt8(truncatingIfNeeded: generator.next())
                switch generator.next() % 16 {
                case 0: record.thread += 1
                case 1: record.socketCookie += 1
                case 2: record.imageVersion += 1
                case 3: record.proof = record.proof == .verified ? .unverified : .verified
                default: break
                }
                expected.append((record, packet))
            }
        }
        let together = try packets(expected)
        // A writer of its own for each repeats nothing.
        let alone = try expected.flatMap { one in try packets([one]) }
        #expect(together.count == expected.count)
        #expect(together == alone)
    }

    /// The packets' blocks as a writer writes them.
    private func packets(_ sends: [(SendRecord, [UInt8])]) throws -> [[UInt8]] {
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 60)
            for (record, packet) in sends {
                try writer.send(record, bytes: packet.rawSpan, originalLength: packet.count)
            }
            try writer.finish(stop: SampleEvidence.start)
        }
        var blocks: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << (8 * $1) }
            if bytes[offset] == 6 { blocks.append(Array(bytes[offset..<offset + length])) }
            offset += length
        }
        return blocks
    }

    @Test("wire records survive, forwarded and kernel-made")
    func wires() throws {
        let packet = SampleEvidence.ping6(sequence: 1)
        let ip = try #require(decoded(packet, originalLength: packet.count))
        let origins: [WireRecord.Origin] = [
            .kernel, .forwarded(ingressInterface: 3, ingressName: "eth\"1\\x1b"),
            .forwarded(ingressInterface: .max, ingressName: nil),
        ]
        var expected: [WireRecord] = []
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            for (index, origin) in origins.enumerated() {
                var record = WireRecord(
                    time: SampleEvidence.start.advanced(by: Int64(index)), packet: ip, origin: origin,
                    namespace: index == 0 ? 0 : .max, interface: UInt32(index), hasKernelSocket: index != 2, host: 3)
                record.isAtPort = index == 0
                try writer.wire(record, bytes: packet.rawSpan, originalLength: packet.count)
                expected.append(record)
            }
            try writer.finish(stop: SampleEvidence.start)
        }
        let (records, reader) = try readAll(bytes)
        #expect(reader.damage.isEmpty)
        let read = records.compactMap { if case .wire(let record) = $0 { record } else { nil } }
        #expect(read.map(fields) == expected.map(fields))
    }

    @Test("processes survive, are written once an image, and packets point to them")
    func processes() throws {
        let key = ProcessKey(pid: 2136, startTime: .max)
        let description = SampleEvidence.description(pid: 2136)
        var renamed = description
        renamed.name = "other"
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            let isDescribedBefore = writer.describes(key, imageVersion: 1)
            #expect(!isDescribedBefore)
            try writer.process(key: key, imageVersion: 1, description: description, time: SampleEvidence.start)
            let isDescribedAfter = writer.describes(key, imageVersion: 1)
            #expect(isDescribedAfter)
            try writer.process(key: key, imageVersion: 1, description: renamed, time: SampleEvidence.start)
            try writer.process(
                key: key, imageVersion: 2, description: renamed, time: SampleEvidence.start.advanced(by: 1))
            let packet = SampleEvidence.udp(payload: [1])
            let ip = try #require(decoded(packet, originalLength: packet.count))
            for version: UInt32 in [2, 1, 3] {
                try writer.send(
                    SendRecord(time: SampleEvidence.start, packet: ip, process: key, imageVersion: version),
                    bytes: packet.rawSpan, originalLength: packet.count)
            }
            try writer.finish(stop: SampleEvidence.start)
        }
        let (records, reader) = try readAll(bytes)
        #expect(reader.damage.isEmpty)
        let read = records.compactMap { if case .process(let record) = $0 { record } else { nil } }
        #expect(read.map(\.description) == [description, renamed])
        #expect(read.map(\.process) == [key, key])
        #expect(read.map(\.imageVersion) == [1, 2])
        #expect(read.map(\.time) == [SampleEvidence.start, SampleEvidence.start.advanced(by: 1)])
        #expect(read.map(\.host) == [3, 3])
        var blocks = BlockReader(MemorySource(bytes), file: "test")
        var indices: [UInt32?] = []
        while let event = try blocks.next() {
            if case .packet(let packet) = event { indices.append(packet.processIndex) }
        }
        #expect(indices == [1, 0, nil])
    }

    @Test("a command line longer than an option is cut, and the rest survives")
    func longCommandLine() throws {
        var description = SampleEvidence.description(pid: 5)
        description.arguments = (0..<2000).map { "\($0) " + String(repeating: "\"", count: 40) }
        description.parents[0].arguments = [String(repeating: "p", count: 70_000)]
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            try writer.process(
                key: ProcessKey(pid: 5, startTime: 1), imageVersion: 1, description: description,
                time: SampleEvidence.start)
            try writer.finish(stop: SampleEvidence.start)
        }
        let (records, reader) = try readAll(bytes)
        #expect(reader.damage.isEmpty)
        guard case .process(let record) = records.first, let read = record.description else {
            Issue.record("no process")
            return
        }
        let kept = try #require(read.arguments)
        #expect(kept.count > 500 && kept.count < 2000)
        #expect(kept == Array((description.arguments ?? []).prefix(kept.count)))
        #expect(read.parents.map(\.name) == ["sh", "systemd"])
        #expect(read.executable == description.executable)
    }

    @Test("losses and interfaces that come later are in the coverage and in the records")
    func lossesAndInterfaces() throws {
        let losses = LossInterval.Kind.allCases.enumerated().map { index, kind in
            LossInterval(
                kind: kind, count: UInt64(17 + index), start: SampleEvidence.start,
                stop: SampleEvidence.start.advanced(by: Int64(index)))
        }
        var late = HostInterface(index: 9, name: "veth0", namespace: 77, mac: nil, addresses: [])
        late.isVirtual = true
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            for loss in losses { try writer.lost(loss) }
            try writer.interfaces([late], time: SampleEvidence.start)
            try writer.finish(stop: SampleEvidence.start.advanced(by: 100), lost: [.send: 20])
            let lost = writer.totals.lost[.send]
            #expect(lost == 20)
        }
        let (records, reader) = try readAll(bytes)
        // Three more send records were lost than anybody said when: anywhere in the recording.
        let rest = LossInterval(
            kind: .send, count: 3, start: SampleEvidence.start, stop: SampleEvidence.start.advanced(by: 100))
        #expect(reader.coverage.losses == losses + [rest])
        #expect(reader.coverage.interfaces == SampleEvidence.coverage.interfaces + [late])
        #expect(records.map(name) == losses.map { _ in "lost" } + ["coverage", "end", "lost"])
    }

    @Test("the coverage is known before the first record, whatever the number of interfaces")
    func manyInterfaces() throws {
        var header = SampleEvidence.header
        header.coverage.interfaces = (1...3000).map { index in
            HostInterface(
                index: UInt32(index), name: "veth\(index)", namespace: 1,
                addresses: (0..<(index == 2999 ? 1201 : 2)).map {
                    .init(address: IPAddress(v6High: UInt64(index), low: UInt64($0)), prefixLength: 64)
                })
        }
        let packet = SampleEvidence.udp(payload: [1])
        let ip = try #require(decoded(packet, originalLength: packet.count))
        let bytes = try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: header, snapLength: 128)
            try writer.send(
                SendRecord(time: SampleEvidence.start, packet: ip, process: ProcessKey(pid: 5, startTime: 1)),
                bytes: packet.rawSpan, originalLength: packet.count)
            try writer.finish(stop: SampleEvidence.start)
        }
        let reader = try EvidenceReader(source: MemorySource(bytes), file: "test", host: 0)
        #expect(reader.coverage.interfaces == header.coverage.interfaces)
        var records: [String] = []
        while let record = try reader.next() { records.append(name(record)) }
        #expect(records.filter { $0 == "send" }.count == 1)
        #expect(reader.damage.isEmpty)
    }
}

/// What kind of record it is.
func name(_ record: EvidenceRecord) -> String {
    switch record {
    case .send: "send"
    case .wire: "wire"
    case .process: "process"
    case .tunnels: "tunnels"
    case .lost: "lost"
    case .coverageChanged: "coverage"
    case .end: "end"
    case .traffic: "traffic"
    case .sighting: "sighting"
    case .listing: "listing"
    case .socket: "socket"
    }
}

private func expect(_ coverage: Coverage, equals expected: Coverage) {
    #expect(coverage.host == expected.host)
    #expect(coverage.bootID == expected.bootID)
    #expect(coverage.start == expected.start)
    #expect(coverage.stop == expected.stop)
    #expect(coverage.filter == expected.filter)
    #expect(coverage.onlyInterface == expected.onlyInterface)
    #expect(coverage.interfaces == expected.interfaces)
    #expect(coverage.losses == expected.losses)
    #expect(coverage.includesWire == expected.includesWire)
}

/// All fields but the host, which the reader gives.
private func fields(of record: SendRecord) -> [AnyHashable] {
    [
        record.time, record.packet, record.process, record.thread, record.threadName, record.imageVersion, record.user,
        record.group, record.namespace, record.interface, record.socketCookie, record.cgroup, record.segmentSize,
        record.path, record.proof, record.beforeNAT, record.creator,
    ]
}

private func fields(of record: WireRecord) -> [AnyHashable] {
    [
        record.time, record.packet, record.origin, record.namespace, record.interface, record.hasKernelSocket,
        record.isAtPort, record.host,
    ]
}

private func randomSend(_ generator: inout SeededGenerator) throws -> (SendRecord, [UInt8]) {
    let payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
    }
    let packet =
        Bool.random(using: &generator)
        ? SampleEvidence.udp(payload: payload, identification: .random(in: 0...0xFFFF, using: &generator))
        : SampleEvidence.ping6(sequence: .random(in: 0...255, using: &generator))
    // What is read back is what the snap length left.
    let kept = Array(packet.prefix(60))
    let ip = try #require(decoded(kept, originalLength: packet.count))
    func maybe(_ value: UInt64) -> UInt64 { generator.next() % 3 == 0 ? 0 : value }
    let name = (0..<Int.random(in: 0...16, using: &generator)).map { _ in
        generator.next() % 4 == 0
            ? UInt8.random(in: 1...255, using: &generator) : UInt8.random(in: 0x20...0x7E, using: &generator)
    }
    var record = SendRecord(
        time: SampleEvidence.start.advanced(by: Int64(generator.next() >> 3)), packet: ip,
        process: ProcessKey(pid: .random(in: 1...(.max), using: &generator), startTime: maybe(generator.next())),
        thread: UInt32(truncatingIfNeeded: maybe(generator.next())), threadName: TaskName(name),
        imageVersion: UInt32(truncatingIfNeeded: maybe(generator.next())),
        user: Bool.random(using: &generator) ? UInt32(truncatingIfNeeded: maybe(generator.next())) : nil,
        group: Bool.random(using: &generator) ? UInt32.max : nil,
        namespace: UInt32(truncatingIfNeeded: maybe(generator.next())),
        interface: Bool.random(using: &generator) ? 2 : UInt32(truncatingIfNeeded: maybe(generator.next())),
        socketCookie: maybe(generator.next()), cgroup: maybe(.max),
        segmentSize: UInt16(truncatingIfNeeded: maybe(generator.next())),
        path: [.cgroupEgress, .packetSocket, .transmit, .foreign][Int(generator.next() % 4)],
        proof: [.verified, .unverified, .borrowed, .socketUser, .likelySocketUser][Int(generator.next() % 5)])
    if generator.next() % 3 == 0 {
        record.beforeNAT = UntranslatedTuple(
            source: ip.version == .v4 ? IPAddress(v4: .random(in: 0...(.max), using: &generator)) : ip.destination,
            destination: ip.source, sourcePort: .random(in: 0...(.max), using: &generator), destinationPort: 53)
    }
    if generator.next() % 3 == 0 {
        record.creator = SocketCreator(
            process: ProcessKey(pid: .random(in: 1...(.max), using: &generator), startTime: generator.next()),
            name: TaskName(name.reversed()))
    }
    return (record, packet)
}
