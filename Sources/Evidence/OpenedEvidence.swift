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
    case .pcapng:
        let opened = try OpenedEvidence(MemorySource(prefix, then: source), file: file)
        return try OwnEvidence(opened, file: file, host: host)
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

/// A pcapng whose begin shows that it is evidence of this tool.
struct OpenedEvidence: ~Copyable {
    var kind: EvidenceKind
    var coverage: Coverage
    /// How many interfaces the header announces; those that it does not hold itself follow at once.
    var interfaceCount: Int
    var blocks: BlockReader

    init(_ source: any ByteSource, file: String) throws(EvidenceError) {
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
        let application = blocks.section.application ?? ""
        guard application.hasPrefix("whosent") else {
            throw .notEvidence(file, Self.foreign(application))
        }
        guard let json = blocks.comments().first.flatMap({ JSONValue($0.utf8) }),
            let header = CoverageComment.readHeader(json), let kind = EvidenceKind(rawValue: header.kind)
        else {
            throw .notEvidence(file, "was written by \(application), but its header does not say what it covers")
        }
        self.kind = kind
        coverage = header.coverage
        interfaceCount = header.interfaceCount
        self.blocks = blocks
    }

    private static func foreign(_ application: String) -> String {
        if application.contains("ptcpdump") { return "is a pcapng of ptcpdump, which cannot be read yet" }
        if application.contains("etl2pcapng") { return "is a pcapng of etl2pcapng, which cannot be read yet" }
        let maker = application.isEmpty ? "" : " of \(application)"
        return "is a pcapng\(maker): it has packets, but does not say who sent them"
    }
}

/// Closes a descriptor when nothing refers to it any more, also where an initializer fails midway.
final class DescriptorOwner {
    let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }
}
