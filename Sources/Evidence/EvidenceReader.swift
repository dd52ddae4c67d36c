public import PcapNG
public import Records
import SystemPackage
import TextEscaping

/// Reads evidence, of whatever kind that is known, into the records that correlation takes.
///
/// What is readable of a damaged file is delivered; the damage is named in ``damage``, and where records may be missing
/// because of it ``coverage`` has a loss interval, so that their absence proves nothing.
public final class EvidenceReader {
    private let owner: DescriptorOwner?
    private var stream: EvidenceStream

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - host: the number that its records get.
    public init(path: String, host: UInt16) throws(EvidenceError) {
        guard path != "-" else {
            owner = nil
            let name = "standard input"
            let opened = try OpenedEvidence(DescriptorSource(.standardInput), file: name)
            stream = EvidenceStream(opened, file: name, host: host)
            try stream.readAnnouncedInterfaces()
            return
        }
        let name = LosslessEscape.text(path)
        let owner: DescriptorOwner
        do {
            owner = DescriptorOwner(try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec]))
        } catch {
            throw .unreadable(name, error as? Errno ?? .ioError)
        }
        self.owner = owner
        stream = EvidenceStream(
            try OpenedEvidence(DescriptorSource(owner.descriptor), file: name), file: name, host: host)
        try stream.readAnnouncedInterfaces()
    }

    /// Reads from a source, such as a decompressor.
    ///
    /// - Parameters:
    ///   - source: the evidence's bytes.
    ///   - file: how it is called in messages (lossless escape).
    ///   - host: the number that its records get.
    public init(source: any ByteSource, file: String, host: UInt16) throws(EvidenceError) {
        owner = nil
        stream = EvidenceStream(try OpenedEvidence(source, file: file), file: file, host: host)
        try stream.readAnnouncedInterfaces()
    }

    /// What kind of evidence it is.
    public var kind: EvidenceKind { stream.kind }
    /// What the evidence covers: from the file's header at first; losses, interfaces that came later and `stop` are
    /// complete once ``next()`` has returned nil.
    public var coverage: Coverage { stream.coverage }
    /// The recording broke off before its summary: known once ``next()`` has returned nil.
    public var endedWithoutSummary: Bool { stream.endedWithoutSummary }
    /// What was found wrong so far.
    public var damage: [Damage] { stream.damage }

    /// The next record; nil at the end.
    public func next() throws(EvidenceError) -> EvidenceRecord? { try stream.next() }
}
