import Evidence
import PcapNG
import Records
import SeededRandomness
import SystemPackage
import Testing

@Suite("Damaged and foreign evidence")
struct EvidenceDamageTests {
    /// Where its blocks end, found by their own length fields.
    static func blockEnds(_ bytes: [UInt8]) -> [Int] {
        var ends: [Int] = []
        var at = 0
        while at + 12 <= bytes.count {
            at += (0..<4).reduce(0) { $0 | Int(bytes[at + 4 + $1]) << (8 * $1) }
            ends.append(at)
        }
        return ends
    }

    /// A header, a process, five sends and a wire record, 1 s apart, a loss, and the summary.
    static func recording() throws -> [UInt8] {
        try written { descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: SampleEvidence.header, snapLength: 128)
            let key = ProcessKey(pid: 2136, startTime: 17)
            try writer.process(
                key: key, imageVersion: 1, description: SampleEvidence.description(pid: 2136),
                time: SampleEvidence.start)
            for index in 0..<5 {
                let packet = SampleEvidence.udp(payload: [UInt8(index)])
                let ip = try #require(decoded(packet, originalLength: packet.count))
                try writer.send(
                    SendRecord(time: second(index + 1), packet: ip, process: key, thread: 2140, imageVersion: 1),
                    bytes: packet.rawSpan, originalLength: packet.count)
            }
            let ping = SampleEvidence.ping6(sequence: 1)
            let ip = try #require(decoded(ping, originalLength: ping.count))
            try writer.wire(
                WireRecord(time: second(6), packet: ip, origin: .kernel), bytes: ping.rawSpan,
                originalLength: ping.count)
            try writer.lost(LossInterval(kind: .wire, count: 13, start: second(6), stop: second(7)))
            try writer.finish(stop: second(9))
        }
    }

    static func second(_ count: Int) -> Timestamp { SampleEvidence.start.advanced(by: Int64(count) * 1_000_000_000) }

    @Test("cut at every byte, as a kill leaves it: readable to the last whole block")
    func truncation() throws {
        let bytes = try Self.recording()
        let ends = Self.blockEnds(bytes)
        #expect(ends.last == bytes.count)
        // Records per whole block after the section and the two interfaces; the wire interface's counters are none.
        let kinds = ["process", "send", "send", "send", "send", "send", "wire", "lost", nil, "end"]
        #expect(ends.count == 3 + kinds.count)
        for length in 0..<bytes.count {
            let cut = Array(bytes.prefix(length))
            guard length >= ends[0] else {
                #expect(throws: EvidenceError.self) { try readAll(cut) }
                continue
            }
            let (records, reader) = try readAll(cut)
            let whole = ends.filter { $0 <= length }.count - 3
            #expect(records.map(name) == kinds.prefix(max(whole, 0)).compactMap { $0 })
            #expect(reader.endedWithoutSummary)
            #expect(reader.damage.contains { $0.what.contains("ended without a summary") })
            let isCut = !ends.contains(length)
            #expect(reader.damage.contains { $0.what.contains("the file ends") } == isCut)
            // Nothing is covered after the last record; a loss is one.
            let times = [0, 0, 1, 2, 3, 4, 5, 6, 7, 7]
            #expect(reader.coverage.stop == Self.second(times[min(max(whole, 0), 9)]))
        }
        let (records, reader) = try readAll(bytes)
        #expect(records.map(name) == kinds.compactMap { $0 })
        #expect(!reader.endedWithoutSummary && reader.damage.isEmpty)
        #expect(reader.coverage.stop == Self.second(9))
    }

    @Test("a record that was made unusable becomes a loss at its time, never a silent absence")
    func unusableRecords() throws {
        var bytes = try Self.recording()
        let ends = Self.blockEnds(bytes)
        // The second send record (block 5): its comment's first key in small letters.
        let block = ends[4]..<ends[5]
        let at = try #require(block.first { Array(bytes[$0..<$0 + 5]) == Array("IMAGE".utf8) })
        bytes[at] = UInt8(ascii: "i")
        let (records, reader) = try readAll(bytes)
        #expect(records.map(name) == ["process", "send", "lost", "send", "send", "send", "wire", "lost", "end"])
        #expect(
            reader.coverage.losses.first
                == LossInterval(kind: .send, count: 1, start: Self.second(2), stop: Self.second(2)))
        #expect(reader.damage.map(\.offset) == [UInt64(block.lowerBound)])
    }

    @Test("a block that cannot be read at all is a loss around its place, and the summary shows what is missing")
    func unreadableBlocks() throws {
        var bytes = try Self.recording()
        let ends = Self.blockEnds(bytes)
        // The second send record states more captured bytes than its block holds.
        bytes[ends[4] + 21] = 0xFF
        let (records, reader) = try readAll(bytes)
        #expect(records.filter { name($0) == "send" }.count == 4)
        #expect(
            reader.coverage.losses.contains(
                LossInterval(kind: .send, count: 1, start: Self.second(0), stop: Self.second(4))))
        #expect(
            reader.coverage.losses.contains(
                LossInterval(kind: .send, count: 1, start: Self.second(0), stop: Self.second(9))))
        #expect(reader.damage.contains { $0.what.contains("counts 5 send and 1 wire records, the file holds 4 and 1") })
    }

    @Test("a record whose proof is not stated proves nothing; impossible values are refused")
    func comments() throws {
        let bytes = try Self.recording()
        for (from, to, sends) in [
            ("PROOF=verified", "PROOX=verified", 5), ("PROOF=verified", "PROOF=Verified", 0),
            ("PATH=egress", "PATH=egresx", 0), ("IMAGE=1", "IMAGE=x", 0), ("START=17", "START=-7", 0),
            ("START=17", "IMAGE=17", 0),
        ] {
            let changed = replacing(from, with: to, in: bytes)
            let (records, _) = try readAll(changed)
            let read = records.compactMap { if case .send(let record) = $0 { record } else { nil } }
            #expect(read.count == sends)
            #expect(read.allSatisfy { $0.proof == .unverified })
        }
    }

    @Test("a second recording appended to the first is named and not read")
    func secondSection() throws {
        let bytes = try Self.recording()
        let (records, reader) = try readAll(bytes + bytes)
        #expect(records.count == 9)
        #expect(
            reader.damage == [
                Damage(
                    file: "test", offset: UInt64(bytes.count),
                    what: "a second section begins here: only the first one is read")
            ])
    }

    @Test("1,000 mutated recordings: no crash, no hang")
    func mutations() throws {
        let whole = try Self.recording()
        var generator = SeededGenerator(state: 17)
        for _ in 0..<1000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch generator.next() % 4 {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 2: bytes.remove(at: at)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
                }
            }
            do {
                let (records, reader) = try readAll(bytes)
                #expect(records.count <= 64)
                // What is missing must show: as damage, as a loss, or as a recording without a summary.
                let sends = records.filter { name($0) == "send" }.count
                let isSilent =
                    reader.damage.isEmpty && !reader.endedWithoutSummary
                    && !reader.coverage.losses.contains { $0.kind == .send }
                #expect(sends >= 5 || !isSilent)
            } catch let error as EvidenceError {
                #expect(error.code == .notEvidence)
            }
        }
    }

    @Test(
        "what is no evidence is named",
        arguments: [
            ([], "f is empty"),
            (Array("hello, this is a note".utf8), "f seems to be a text file"),
            (
                Array("Event Name; Type; TID; Clock-Time\n".utf8),
                "f seems to be a kernel trace, but no line has commas between its values and a Clock-Time in its "
                    + "place: write it with tracerpt -of CSV"
            ),
            (Array("Image Name   PID Session\n".utf8), "f seems to be a tasklist listing, but has no row"),
            (
                Array("\nActive Connections\n".utf8),
                "f seems to be a netstat listing, but has no row: run netstat -ano"
            ),
            ([0xFF, 0xFE, 0x41, 0x00], "f seems to be a text file"),
            (
                [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0],
                "f is a pcap savefile: it has packets, but does not say who sent them"
            ),
            ([0x1F, 0x8B, 8, 0], "f is compressed with gzip: decompress it first"),
            ([0x7F, 0x45, 0x4C, 0x46, 2], "f is a program or library (ELF)"),
            ([UInt8](repeating: 0, count: 5000), "f begins with nothing but zeros"),
            ([0x80, 0x81, 0x82], "f is of no kind that is known here"),
            (
                [0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0],
                "f begins like a pcapng but nothing of it can be used: the file ends 8 bytes into a block"
            ),
        ])
    func foreign(bytes: [UInt8], message: String) {
        let error = #expect(throws: EvidenceError.self) {
            _ = try EvidenceReader(source: MemorySource(bytes), file: "f", host: 0)
        }
        #expect(error?.code == .notEvidence)
        #expect(
            error?.description
                == message + "; evidence is what `whosent record -w` writes, and more that `whosent help join` names")
    }

    @Test(
        "pcapng files of other tools are named",
        arguments: [
            ("Dumpcap 4.0.17", "f is a pcapng of Dumpcap 4.0.17: it has packets, but does not say who sent them"),
            ("", "f is a pcapng: it has packets, but does not say who sent them"),
            ("whosent 9", "f was written by whosent 9, but its header does not say what it covers"),
        ])
    func foreignSections(application: String, message: String) {
        var encoder = BlockEncoder()
        encoder.section(SectionHeader(application: application))
        let error = #expect(throws: EvidenceError.self) {
            _ = try EvidenceReader(source: MemorySource(encoder.bytes), file: "f", host: 0)
        }
        #expect(error?.description.hasPrefix(message) == true)
    }

    @Test("files that cannot be opened or read")
    func unreadable() throws {
        let missing = try temporaryPath().string
        let cases: [(String, Errno, String)] = [
            (missing, .noSuchFileOrDirectory, "\(missing) does not exist"),
            ("/tmp", .isDirectory, "/tmp is a directory, not an evidence file"),
        ]
        for (path, errno, message) in cases {
            let error = #expect(throws: EvidenceError.self) { _ = try EvidenceReader(path: path, host: 0) }
            #expect(error?.code == .unreadable(errno))
            #expect(error?.description == message)
        }
    }

    @Test("a file is read by its path")
    func path() throws {
        try withFile(try Self.recording()) { path in
            let reader = try EvidenceReader(path: path, host: 0)
            var count = 0
            while try reader.next() != nil { count += 1 }
            #expect(count == 9)
        }
    }
}

private func replacing(_ from: String, with to: String, in bytes: [UInt8]) -> [UInt8] {
    let old = Array(from.utf8)
    let new = Array(to.utf8)
    var result = bytes
    for at in 0...bytes.count - old.count where Array(bytes[at..<at + old.count]) == old {
        result.replaceSubrange(at..<at + old.count, with: new)
    }
    return result
}
