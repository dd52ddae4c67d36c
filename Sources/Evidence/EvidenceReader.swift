public import PcapNG
public import Records
import SystemPackage
import TextEscaping

/// Reads evidence, of whatever kind that is known, into the records that correlation takes.
///
/// Records come in file order, which for evidence of other tools need not be that of time, and nothing is kept of
/// those that were handed over: a file of any length is read in bounded memory.
///
/// What is readable of a damaged file is delivered; the damage is named in ``damage``, and where records may be missing
/// because of it ``coverage`` has a loss interval, so that their absence proves nothing.
public final class EvidenceReader {
    private let owner: DescriptorOwner?
    private let stream: any RecordStream

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - host: the number that its records get.
    public init(path: String, host: UInt16) throws(EvidenceError) {
        guard path != "-" else {
            owner = nil
            stream = try openEvidence(DescriptorSource(.standardInput), file: "standard input", host: host)
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
        stream = try openEvidence(DescriptorSource(owner.descriptor), file: name, host: host)
    }

    /// Reads from a source, such as a decompressor.
    ///
    /// - Parameters:
    ///   - source: the evidence's bytes.
    ///   - file: how it is called in messages (lossless escape).
    ///   - host: the number that its records get.
    public init(source: any ByteSource, file: String, host: UInt16) throws(EvidenceError) {
        owner = nil
        stream = try openEvidence(source, file: file, host: host)
    }

    /// How far the file is read; nil for a pipe.
    public var progress: ReadProgress? { (owner?.descriptor).flatMap { ReadProgress($0) } }
    /// What kind of evidence it is; of a converted file, what kind it was converted from.
    public var kind: EvidenceKind { stream.kind }
    /// It is a pcapng of this tool into which evidence of ``kind`` was converted: it is believed no further than that.
    public var isConverted: Bool { stream.isConverted }
    /// How far its word about senders may be believed.
    public var trust: EvidenceTrust { stream.kind.trust }
    /// What its times mean. Where the file itself tells its clock's resolution, that is known from its first records
    /// on.
    public var clock: EvidenceClock { stream.clock }
    /// What the evidence covers: from the file's header at first; losses, interfaces that came later and `stop` are
    /// complete once ``next()`` has returned nil. Evidence of other tools covers no time at all: that a packet is not
    /// in it proves nothing.
    public var coverage: Coverage { stream.coverage }
    /// The kernel of the machine, as in `Linux 6.12.48 x86_64` (lossless escape); nil where the file does not say it.
    public var kernel: String? { stream.kernel }
    /// The recording broke off before its summary: known once ``next()`` has returned nil.
    public var endedWithoutSummary: Bool { stream.endedWithoutSummary }
    /// What was found wrong so far.
    public var damage: [Damage] { stream.damage }

    /// The packet of the record that was returned last, from its IP header on; empty where the evidence holds none.
    var packetBytes: [UInt8] { stream.packetBytes }

    /// The next record; nil at the end.
    public func next() throws(EvidenceError) -> EvidenceRecord? { try stream.next() }

    /// Takes the next records into a batch, which is emptied before: one at least unless the evidence is at its end, and no
    /// more than can be had without waiting for the source.
    public func read(into batch: inout EvidenceBatch) {
        batch.removeAll()
        stream.read(into: &batch)
    }
}
