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

    /// Decodes packets and hands them to `body`, each with its bytes from the transport header on, until it returns false.
    ///
    /// - Returns: false at the end of the file, or where it cannot be read any further.
    public func scan(while body: (ScannedFrame, RawSpan) -> Bool) -> Bool {
        guard case .pcap(let file) = content else {
            while advance() { if unsafe !Self.scan(current, bytes.bytes, body) { return true } }
            return false
        }
        var frame = current
        defer { current = frame }
        while let bytes = unsafe file.advance(&frame) { if unsafe !Self.scan(frame, bytes.bytes, body) { return true } }
        return false
    }

    @inline(__always)
    private static func scan(
        _ frame: CapturedFrame, _ bytes: RawSpan, _ body: (ScannedFrame, RawSpan) -> Bool
    ) -> Bool {
        let decoded = decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength)
        return body(ScannedFrame(frame, decoded), decoded.transport(of: bytes))
    }

    /// Begins to do what ``scan(while:)`` does on another thread; nothing else may be asked of the file meanwhile, and nothing
    /// but its damage afterwards.
    ///
    /// - Returns: nil where it would gain nothing or cannot be done: there is one processor only, or no thread to be had; the
    ///   file is a pipe, whose reader may have to be stopped while it waits, or none whose packets can be read side by side.
    public func readAhead() -> ReadAhead? {
        guard case .pcap(let file) = content, file.isOrdinary, file.stream.input.isRegularFile, processorCount() > 1
        else {
            return nil
        }
        return ReadAhead(file, after: current)
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
