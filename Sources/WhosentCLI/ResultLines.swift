import PcapNG
import Records
import Reporting
import SystemPackage
import TextEscaping

/// The NDJSON of an earlier run, read a line at a time.
struct ResultLines {
    /// A line of ours with the longest command line that is kept has less than a tenth of this.
    private static let lengthLimit = 1 << 20
    private static let chunk = 1 << 16
    /// The most lines that are reported as foreign, each by its number.
    private static let findingLimit = 8

    private let source: ReportSource
    private var line: [UInt8] = []
    private var isCut = false
    private var number: UInt64 = 0
    /// The byte at which the line began.
    private var lineStart: UInt64 = 0
    /// Packets since the last summary.
    private var packets: UInt64 = 0
    /// Packets before a summary that counts fewer: those of a run that was cut short, with another one behind it.
    private var uncountedPackets: UInt64 = 0
    private var hasSummary = false
    private var foreignLines = 0

    init(_ source: ReportSource) { self.source = source }

    /// Adds every line to the end of the file.
    mutating func add(to digest: ReportDigest) throws(CommandFailure) {
        let descriptor = try ReportSource.open(source.path)
        defer { if source.path != "-" { try? descriptor.close() } }
        var input: any ByteSource = DescriptorSource(descriptor)
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        var offset: UInt64 = 0
        while true {
            let count = try read(&chunk, &input)
            if count == 0 { break }
            for byte in chunk[..<count] {
                offset += 1
                if byte == UInt8(ascii: "\n") {
                    end(digest)
                    lineStart = offset
                } else if line.count < Self.lengthLimit {
                    line.append(byte)
                } else {
                    isCut = true
                }
            }
        }
        if !line.isEmpty { end(digest) }
        try conclude(digest)
    }

    private func read(_ chunk: inout [UInt8], _ input: inout any ByteSource) throws(CommandFailure) -> Int {
        do throws(ByteSourceError) {
            return try chunk.fill(from: 0, &input)
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot read \(source.path): \(error)")
        }
    }

    private mutating func end(_ digest: ReportDigest) {
        defer {
            line.removeAll(keepingCapacity: true)
            isCut = false
        }
        number += 1
        guard !line.isEmpty else { return }
        switch isCut ? .foreign : JSONValue(line).map(digest.add) ?? .foreign {
        case .packet:
            // Several runs in one file: each has its summary behind it.
            hasSummary = false
            packets += 1
        case .summary(let counted):
            // Fewer lines than it counts may be the work of output filters; more cannot be.
            if packets > counted { uncountedPackets += packets - counted }
            hasSummary = true
            packets = 0
        case .foreign:
            foreignLines += 1
            guard foreignLines <= Self.findingLimit else { return }
            digest.note(
                Damage(file: source.name, offset: lineStart, what: "line \(number) is no line of whosent's NDJSON"))
        }
    }

    /// Says what is wrong with the file as a whole.
    private func conclude(_ digest: ReportDigest) throws(CommandFailure) {
        if UInt64(foreignLines) == number {
            throw CommandFailure(ExitStatus.noUsableInput, "\(source.path) has no line of whosent's NDJSON")
        }
        if foreignLines > Self.findingLimit {
            let what = "\(foreignLines - Self.findingLimit) further lines are no lines of whosent's NDJSON"
            digest.note(Damage(file: source.name, offset: lineStart, what: what))
        }
        if !hasSummary || uncountedPackets > 0 {
            digest.noteMissingSummary(of: source.name, packets: uncountedPackets + (hasSummary ? 0 : packets))
        }
    }
}
