import Correlation
import Evidence
import Foundation
import PcapNG
import Records
import SeededRandomness
import SystemPackage
import Testing

@testable import WhosentCLI

@Suite("Evidence files, read as far as the captures have come")
struct EvidenceFeedTests {
    private static let start = Timestamp(nanoseconds: 1_772_360_430_000_000_000)

    /// What a run was given, in words.
    private struct Log: EvidenceSink {
        var lines: [String] = []

        mutating func add(_ records: Span<SendRecord>, _ index: Int, _ lookup: PacketLookup?) { add(records[index]) }
        mutating func add(_ record: SendRecord) {
            lines.append("send \(record.socketCookie) \(record.time) host \(record.host) machine \(record.machine)")
        }
        mutating func add(_ record: WireRecord) { lines.append("wire \(record.time) host \(record.host)") }
        mutating func add(_ record: ProcessRecord) { lines.append("process \(record.time) \(record.process.pid)") }
        mutating func add(_ scan: TunnelScan) { lines.append("tunnels \(scan.time)") }
        mutating func add(_ loss: LossInterval) { lines.append("\(loss)") }
        mutating func add(_ damage: [Damage]) { lines.append("\(damage)") }
        mutating func setCoverage(_ coverage: Coverage, host: UInt16) { lines.append("\(host): \(coverage)") }
    }

    /// The rule by itself, one record after the other: a file is read 0.1 s ahead, and up to 0.5 s as long as fewer than
    /// 16,384 records lie beyond the 0.1 s.
    private struct PlainFeed {
        let reader: EvidenceReader
        let clockOffset: Int64
        var next: EvidenceRecord?
        var hasEnded = false
        var times: [Timestamp] = []

        mutating func advance(through time: Timestamp, into log: inout Log) throws {
            while !hasEnded {
                if next == nil { next = try reader.next() }
                guard let record = next else {
                    hasEnded = true
                    log.setCoverage(reader.coverage.shifted(by: clockOffset), host: 0)
                    log.add(reader.damage)
                    return
                }
                if let moment = moment(of: record)?.advanced(by: clockOffset) {
                    let certain = time.advanced(by: 100_000_000)
                    let isFlood = times.count >= 16_384 && times[times.count - 16_384] > certain
                    guard moment <= certain || (moment <= time.advanced(by: 500_000_000) && !isFlood) else { return }
                    times.append(moment)
                }
                next = nil
                switch record {
                case .send(var send):
                    send.time = send.time.advanced(by: clockOffset)
                    log.add(send)
                case .wire(var wire):
                    wire.time = wire.time.advanced(by: clockOffset)
                    log.add(wire)
                case .process(var process):
                    process.time = process.time.advanced(by: clockOffset)
                    log.add(process)
                case .lost(var loss):
                    loss.start = loss.start.advanced(by: clockOffset)
                    loss.stop = loss.stop.advanced(by: clockOffset)
                    log.add(loss)
                case .coverageChanged: log.setCoverage(reader.coverage.shifted(by: clockOffset), host: 0)
                default: break
                }
            }
        }

        private func moment(of record: EvidenceRecord) -> Timestamp? {
            switch record {
            case .send(let send): send.time
            case .wire(let wire): wire.time
            case .lost(let loss): loss.start
            default: nil
            }
        }
    }

    /// A recording of `count` sends over three seconds, most of them within a quarter of one, in some disorder, with
    /// everything else that evidence has between them.
    private static func recording(_ count: Int, seed: UInt64, boot: String = "b") throws -> [UInt8] {
        var generator = SeededGenerator(state: seed)
        let packet: [UInt8] =
            [0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0x8C, 0xA3, 0, 53, 0, 9, 0, 0, 1]
        let ip = IPPacket(source: IPAddress(v4: 0xC000_0201), destination: IPAddress(v4: 0xC633_6407), transport: .udp)
        let header = EvidenceHeader(
            toolVersion: "0.1.0", kernel: "Linux 6.12",
            coverage: Coverage(host: "h", bootID: boot, start: start, filter: "", onlyInterface: nil, interfaces: []))
        return try withTemporaryFile { path, descriptor in
            var writer = try EvidenceWriter(descriptor: descriptor, header: header, snapLength: 64)
            var nanoseconds: Int64 = 0
            for index in 0..<count {
                let isFlood = index > count / 10 && index < count * 9 / 10
                nanoseconds += Int64(generator.next() % UInt64((isFlood ? 500_000_000 : 27_500_000_000) / count))
                let late = generator.next() % 20 == 0 ? Int64(generator.next() % 1_500_000_000) : 0
                let time = start.advanced(by: nanoseconds - late)
                switch generator.next() % 200 {
                case 0:
                    try writer.process(
                        key: ProcessKey(pid: UInt32(index + 1), startTime: 1), imageVersion: 1,
                        description: ProcessDescription(pid: UInt32(index + 1)), time: time)
                case 1: try writer.lost(LossInterval(kind: .send, count: 1, start: time, stop: time))
                case 2:
                    try writer.interfaces(
                        [HostInterface(index: UInt32(index), name: "v\(index)", namespace: 1)], time: time)
                case 3:
                    try writer.wire(
                        WireRecord(time: time, packet: ip, origin: .kernel), bytes: packet.rawSpan,
                        originalLength: packet.count)
                default:
                    let record = SendRecord(
                        time: time, packet: ip, process: ProcessKey(pid: 5, startTime: 1), thread: UInt32(index % 3),
                        socketCookie: UInt64(index + 1))
                    try writer.send(record, bytes: packet.rawSpan, originalLength: packet.count)
                }
            }
            try writer.finish(stop: start.advanced(by: nanoseconds))
            return Array(try Data(contentsOf: path))
        }
    }

    private static func withTemporaryFile<Result>(_ body: (URL, FileDescriptor) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID()).pcapng")
        let descriptor = try FileDescriptor.open(
            FilePath(path.path), .readWrite, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
        defer { try? FileManager.default.removeItem(at: path) }
        return try descriptor.closeAfter { try body(path, descriptor) }
    }

    private static func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "whosent-test-\(UUID()).pcapng")
        try Data(bytes).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        return try body(path.path)
    }

    /// The moments that captures come to: some close together, some far apart, and the end.
    private static func moments(_ generator: inout SeededGenerator) -> [Timestamp] {
        var time = start.advanced(by: -1_000_000_000)
        var moments: [Timestamp] = []
        for _ in 0..<300 {
            time = time.advanced(by: Int64(generator.next() % (generator.next() % 9 == 0 ? 200_000_000 : 4_000_000)))
            moments.append(time)
        }
        return moments + [.distantFuture]
    }

    /// What a feed gives at each moment.
    private static func logged(_ feed: consuming EvidenceFeed, _ moments: [Timestamp]) throws -> [[String]] {
        var feed = feed
        return try moments.map { moment in
            var log = Log()
            try feed.advance(through: moment, into: &log)
            return log.lines
        }
    }

    @Test("each record comes when the rule says, read ahead or not", arguments: [0, 250_000_000, -40_000_000])
    func rule(clockOffset: Int64) throws {
        var generator = SeededGenerator(state: 41)
        for (count, isCut) in [(25_000, false), (700, false), (700, true), (0, false)] {
            var bytes = try Self.recording(count, seed: UInt64(count) + 5)
            if isCut { bytes.removeLast(bytes.count / 3) }
            let moments = Self.moments(&generator)
            try Self.withFile(bytes) { path in
                var plain = PlainFeed(reader: try EvidenceReader(path: path, host: 0), clockOffset: clockOffset)
                let expected = try moments.map { moment in
                    var log = Log()
                    try plain.advance(through: moment, into: &log)
                    return log.lines
                }
                for mayHaveThreads in [false, true] {
                    let feed = try EvidenceFeed(
                        paths: [path], clockOffset: clockOffset, mayHaveThreads: mayHaveThreads)
                    #expect(try Self.logged(feed, moments) == expected)
                }
            }
        }
    }

    @Test("several files, of one machine and of two, give the same read ahead or not")
    func several() throws {
        var generator = SeededGenerator(state: 43)
        let moments = Self.moments(&generator)
        try Self.withFile(Self.recording(5000, seed: 1, boot: "a")) { first in
            try Self.withFile(Self.recording(3000, seed: 2, boot: "b")) { second in
                try Self.withFile(Self.recording(2000, seed: 3, boot: "a")) { third in
                    let paths = [first, second, third]
                    let plain = try Self.logged(EvidenceFeed(paths: paths, mayHaveThreads: false), moments)
                    #expect(try Self.logged(EvidenceFeed(paths: paths), moments) == plain)
                    #expect(plain.joined().contains { $0.hasSuffix("host 2 machine 0") })
                    #expect(plain.joined().contains { $0.hasSuffix("host 1 machine 1") })
                }
            }
        }
    }

    @Test("a feed that is given up in the middle ends its thread")
    func givenUp() throws {
        try Self.withFile(Self.recording(5000, seed: 7)) { path in
            for step in 0..<50 {
                var feed = try EvidenceFeed(paths: [path])
                var log = Log()
                try feed.advance(through: Self.start.advanced(by: Int64(step) * 10_000_000), into: &log)
            }
            // The thread lets go of the file as the last thing it does, which may be a moment later.
            for _ in 0..<500 where try Self.isOpen(path) { Thread.sleep(forTimeInterval: 0.01) }
            #expect(try !Self.isOpen(path))
        }
    }

    private static func isOpen(_ path: String) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").contains { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")) == path
        }
    }
}

extension Coverage {
    fileprivate func shifted(by offset: Int64) -> Coverage {
        guard offset != 0 else { return self }
        var result = self
        result.start = start.advanced(by: offset)
        result.stop = stop?.advanced(by: offset)
        for index in result.losses.indices {
            result.losses[index].start = result.losses[index].start.advanced(by: offset)
            result.losses[index].stop = result.losses[index].stop.advanced(by: offset)
        }
        return result
    }
}
