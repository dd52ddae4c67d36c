import PcapNG
import Records
import SystemPackage
import TextEscaping

/// Opens evidence, told by its first bytes.
func openEvidence(_ source: any ByteSource, file: String, host: UInt16) throws(EvidenceError) -> any RecordStream {
    var source = source
    let prefix = try filePrefix(of: &source, file: file)
    switch FileContent(prefix) {
    case .empty: throw .notEvidence(file, "is empty")
    case .other(let what): throw .notEvidence(file, what)
    case .pcapng: return try openBlocks(MemorySource(prefix, then: source), file: file, host: host)
    case .text(let text, let encoding, let markLength):
        let rest = MemorySource(Array(prefix.dropFirst(markLength)), then: source)
        let lines = TextLines(rest, encoding: encoding, markLength: markLength)
        switch text {
        case .kernelTrace: return KernelTrace(lines, file: file, host: host)
        case .taskList(let form): return TaskList(lines, form: form, file: file, host: host)
        case .socketList: return SocketList(lines, file: file, host: host)
        }
    }
}

private func openBlocks(
    _ source: any ByteSource, file: String, host: UInt16
) throws(EvidenceError) -> any RecordStream {
    var blocks = BlockReader(source, file: file)
    let event: BlockReader.Event?
    do throws(ByteSourceError) {
        event = try blocks.next()
    } catch {
        throw .readFailed(file, error)
    }
    guard case .section = event else {
        let damage = blocks.damage.first?.what ?? "it holds no section"
        throw .notEvidence(file, "begins like a pcapng but nothing of it can be used: \(damage)")
    }
    guard blocks.section.application?.hasPrefix("whosent") == true else {
        return ForeignCapture(try OpenedForeignCapture(blocks, file: file), file: file, host: host)
    }
    let opened = try OpenedEvidence(blocks, file: file)
    switch opened.kind {
    case .recording, .annotatedCapture: return try OwnEvidence(opened, file: file, host: host)
    default: return ConvertedEvidence(opened, file: file, host: host)
    }
}

/// The first bytes; fewer only where the source ends.
private func filePrefix(of source: inout any ByteSource, file: String) throws(EvidenceError) -> [UInt8] {
    var prefix = [UInt8](repeating: 0, count: FileContent.prefixLength)
    var count = 0
    while count < prefix.count {
        do throws(ByteSourceError) {
            let read = try prefix.fill(from: count, &source)
            if read == 0 { break }
            count += read
        } catch {
            throw count == 0 ? .unreadable(file, error.errno) : .readFailed(file, error)
        }
    }
    return Array(prefix.prefix(count))
}

/// A pcapng of this tool whose header says what it is.
struct OpenedEvidence: ~Copyable {
    var kind: EvidenceKind
    var coverage: Coverage
    /// How many interfaces the header announces; those that it does not hold itself follow at once.
    var interfaceCount: Int
    /// Of a converted file: the clock of what it was converted from.
    var clock: EvidenceClock?
    var blocks: BlockReader

    /// - Parameter blocks: stands at its first section header.
    init(_ blocks: consuming BlockReader, file: String) throws(EvidenceError) {
        let comments = blocks.comments()
        guard let json = comments.first.flatMap({ JSONValue($0.utf8) }),
            let header = CoverageComment.readHeader(json), let kind = EvidenceKind(rawValue: header.kind)
        else {
            let application = blocks.section.application ?? ""
            throw .notEvidence(file, "was written by \(application), but its header does not say what it covers")
        }
        self.kind = kind
        coverage = header.coverage
        interfaceCount = header.interfaceCount
        clock = comments.dropFirst().first.flatMap { JSONValue($0.utf8) }.flatMap(ConvertedComment.readClock)
        self.blocks = blocks
    }
}

/// Closes a descriptor when nothing refers to it any more, also where an initializer fails midway.
final class DescriptorOwner {
    let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }
}
