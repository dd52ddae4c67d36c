public import Records
internal import PacketDecoding
public import PcapNG

/// A capture file: pcap in every form that libpcap reads, or pcapng; plain or gzipped, a file or standard input.
///
/// What is readable is delivered; what is not is a finding in ``damage``. Nothing is allocated per packet.
@safe
public final class Savefile {
    /// The interfaces the file has described so far, of all its sections.
    public var interfaces: [CaptureInterface] { content.interfaces }
    /// What was found wrong so far.
    public var damage: [Damage] { content.damage }
    /// How many packets were delivered so far.
    public var frameCount: UInt64 { current.frame }

    /// How far the file is read; nil for a pipe.
    public var progress: ReadProgress? { input.progress }

    private let input: CaptureInput
    private let content: Content
    private let batch = FrameBatch(hasBuffer: false)
    @usableFromInline var current = CapturedFrame(
        time: .distantPast, frame: 0, linkType: 0, originalLength: 0, capturedLength: 0)
    @usableFromInline var bytes = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

    private enum Content {
        case pcap(PcapFile)
        case pcapNG(PcapNGFile)

        var interfaces: [CaptureInterface] {
            switch self {
            case .pcap(let file): [file.interface]
            case .pcapNG(let file): file.interfaces
            }
        }

        var damage: [Damage] {
            switch self {
            case .pcap(let file): file.damage.map { [$0] } ?? []
            case .pcapNG(let file): file.damage
            }
        }
    }

    /// Opens a capture, `-` for standard input. What it is is told by its content, not by its name.
    ///
    /// - Throws: where it cannot be opened, is no capture, or holds nothing usable. A damaged packet is no error; see
    ///   ``damage``.
    public init(path: String) throws(CaptureError) {
        input = try CaptureInput(path: path)
        let magic = input.peek(4)
        content =
            magic == PcapNGFile.magic
            ? .pcapNG(try PcapNGFile(input)) : .pcap(try PcapFile(input, magic: magic))
    }

    /// Hands the next packet to `body`.
    ///
    /// - Returns: what `body` returns; nil at the end of the file, or where it cannot be read any further.
    /// - Throws: only what `body` throws.
    @inlinable
    public func next<Result, Failure: Error>(
        _ body: (CapturedFrame, RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard advance() else { return nil }
        return try unsafe body(current, bytes.bytes)
    }

    /// Reads the next frames of a pcap file, at most as many as lie together: as many as are there, where it is a pipe.
    ///
    /// - Returns: the frames, which may be none and last until the next call; nil at the end of the file, where it cannot be
    ///   read any further, or where it is no pcap file (see ``hasOnePlace``).
    public func nextBatch() -> FrameBatch? {
        guard case .pcap(let file) = content, !batch.isLast else { return nil }
        file.read(into: batch, after: &current)
        return batch
    }

    /// Begins to do what ``nextBatch()`` does on another thread; nothing else may be asked of the file meanwhile, and nothing
    /// but its damage afterwards.
    ///
    /// - Returns: nil where it would gain nothing or cannot be done: there is one processor only, or no thread to be had; the
    ///   file is a pipe, whose reader may have to be stopped while it waits, or none whose packets can be read side by side.
    public func readAhead() -> ReadAhead? {
        guard mayBeReadAhead, case .pcap(let file) = content else { return nil }
        return ReadAhead(file, after: current)
    }

    /// It gains something to read the frames on another thread, and whoever waits for them can be stopped meanwhile.
    public var mayBeReadAhead: Bool {
        guard case .pcap(let file) = content else { return false }
        return file.isOrdinary && file.stream.input.isRegularFile && processorCount() > 1
    }

    /// Every packet was captured at the same place and in no known direction: a pcap file of a link type that says
    /// neither.
    public var hasOnePlace: Bool {
        guard case .pcap(let file) = content else { return false }
        return file.interface.linkType != LinkType.linuxSLL && file.interface.linkType != LinkType.linuxSLL2
    }

    /// Goes to the next packet: ``current`` and ``bytes``, which live until the next call.
    @usableFromInline
    func advance() -> Bool {
        let found =
            switch content {
            case .pcap(let file): unsafe file.advance(&current)
            case .pcapNG(let file): unsafe file.advance(&current)
            }
        guard let found = unsafe found else { return false }
        unsafe bytes = found
        return true
    }
}
