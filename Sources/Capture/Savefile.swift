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

    /// Hands packets to `body` until it returns false, at the least cost for each.
    ///
    /// - Returns: false at the end of the file, or where it cannot be read any further.
    public func read(while body: (CapturedFrame, RawSpan) -> Bool) -> Bool {
        guard case .pcap(let file) = content else {
            while advance() { if unsafe !body(current, bytes.bytes) { return true } }
            return false
        }
        var frame = current
        defer { current = frame }
        while let bytes = unsafe file.advance(&frame) { if unsafe !body(frame, bytes.bytes) { return true } }
        return false
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
