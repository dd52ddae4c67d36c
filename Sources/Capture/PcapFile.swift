internal import CLibPcap
internal import Glibc
internal import PacketDecoding
internal import Records

/// A pcap savefile: both byte orders, micro- and nanoseconds, the modified formats that libpcap knows.
///
/// Records of this machine's byte order are read where they lie. Whatever is out of the ordinary, the file's header
/// first of all, is libpcap's to read and to judge.
@safe
final class PcapFile {
    /// What the file header says.
    let interface: CaptureInterface
    /// What ended the packets before the file's end.
    private(set) var damage: Damage?

    let stream: PcapStream
    private let handle: OpaquePointer
    /// The most captured bytes of an ordinary record; nil where the file's records are none.
    private let ordinaryLimit: UInt32?
    /// Nanoseconds in a unit of the records' fractions of seconds: 1 or 1,000.
    private let fractionUnit: Int64

    /// Opens what `input` holds, whose first four bytes are `magic`.
    init(_ input: CaptureInput, magic: [UInt8]) throws(CaptureError) {
        let stream = PcapStream(input)
        let file = try unsafe openFile(over: stream)
        let (opened, message) = unsafe withPcapMessage { buffer in
            unsafe pcap_fopen_offline_with_tstamp_precision(file, UInt32(PCAP_TSTAMP_PRECISION_NANO), buffer)
        }
        guard let handle = unsafe opened else {
            unsafe fclose(file)
            throw Self.refused(input, magic: magic, message: message)
        }
        unsafe self.handle = handle
        self.stream = stream
        let snapLength = unsafe UInt32(clamping: pcap_snapshot(handle))
        interface = CaptureInterface(
            name: nil, linkType: DataLinkType.linkType(of: unsafe pcap_datalink(handle)), snapLength: snapLength)
        let stored = magic.count == 4 ? magic.reversed().reduce(0) { $0 << 8 | UInt32($1) } : 0
        let own = UInt32(littleEndian: stored)
        fractionUnit = own == 0xA1B2_3C4D ? 1 : 1000
        ordinaryLimit = own == 0xA1B2_C3D4 || own == 0xA1B2_3C4D ? min(snapLength, longestOrdinary) : nil
        guard LinkType.isSupported(interface.linkType) else {
            let name = unsafe pcap_datalink_val_to_name(pcap_datalink(handle)).map { unsafe String(cString: $0) }
            throw .unsupportedLinkType(interface.linkType, name: name, of: input.name)
        }
    }

    deinit {
        // Closes the C stream too.
        unsafe pcap_close(handle)
    }

    /// Its records are read without libpcap, but for odd ones.
    var isOrdinary: Bool { ordinaryLimit != nil }

    /// Goes to the next packet.
    ///
    /// - Returns: its bytes, valid until the next call; nil at the end.
    @inline(__always)
    func advance(_ frame: inout CapturedFrame) -> UnsafeRawBufferPointer? {
        if let bytes = unsafe readOrdinary(&frame) { return unsafe bytes }
        return unsafe readByLibpcap(&frame)
    }

    /// Reads a record as libpcap would, if there is nothing in it that libpcap has to decide.
    @inline(__always)
    private func readOrdinary(_ frame: inout CapturedFrame) -> UnsafeRawBufferPointer? {
        guard let ordinaryLimit, let bytes = unsafe stream.peek(RecordHead.size) else { return nil }
        let head = unsafe RecordHead(bytes, at: 0)
        guard head.captured <= ordinaryLimit, let time = time(head),
            let record = unsafe stream.peek(RecordHead.size + Int(head.captured))
        else { return nil }
        stream.skip(record.count)
        frame.time = time
        frame.frame += 1
        frame.linkType = interface.linkType
        frame.capturedLength = Int(head.captured)
        frame.originalLength = Int(max(head.original, head.captured))
        return unsafe UnsafeRawBufferPointer(rebasing: record[RecordHead.size...])
    }

    /// The time of an ordinary record; nil where it is libpcap's to say what the head means: later than 2038, or with
    /// more than a second of fractions.
    @inline(__always)
    private func time(_ head: RecordHead) -> Timestamp? {
        let fraction = Int64(head.fraction) * fractionUnit
        guard head.seconds <= UInt32(Int32.max), fraction < 1_000_000_000, head.original <= UInt32(Int32.max) else {
            return nil
        }
        return Timestamp(nanoseconds: Int64(head.seconds) * 1_000_000_000 + fraction)
    }

    /// Reads the frames behind `frame`, which becomes the last of them.
    ///
    /// It never waits for bytes while it has frames: a pipe may have no more yet. Those in the stream's buffer last until
    /// the next call, or as long as the buffer is left alone.
    func read(into batch: FrameBatch, after frame: inout CapturedFrame) {
        batch.begin(after: frame.frame, linkType: interface.linkType)
        while !batch.isFull {
            let next = takeOrdinary(into: batch)
            frame.frame = batch.lastFrame
            if batch.isFull { return }
            if stream.heldCount < next.length, !batch.isEmpty {
                // The fewer batches, the fewer waits for the other thread.
                if batch.hasBuffer, stream.extend() { continue }
                // More bytes would take the place of those that frames lie in.
                return
            }
            if !next.isOdd, stream.fill(next.length) { continue }
            // Out of the ordinary, or cut off at the end of the file.
            guard let bytes = unsafe readByLibpcap(&frame) else {
                batch.isLast = true
                return
            }
            unsafe batch.append(copying: bytes, of: frame)
        }
    }

    /// Takes the ordinary records that are held, as far as there is room.
    ///
    /// - Returns: what is known of the next record: how long it is, and that it is libpcap's to read.
    private func takeOrdinary(into batch: FrameBatch) -> (length: Int, isOdd: Bool) {
        guard let ordinaryLimit else { return (1, true) }
        let buffer = unsafe stream.bytes
        var place = stream.start
        defer { stream.skip(place - stream.start) }
        while !batch.isFull {
            guard buffer.count - place >= RecordHead.size else { return (RecordHead.size, false) }
            let head = unsafe RecordHead(buffer, at: place)
            let length = RecordHead.size + Int(head.captured)
            guard head.captured <= ordinaryLimit, let time = time(head) else { return (length, true) }
            guard buffer.count - place >= length else { return (length, false) }
            unsafe batch.append(
                time, at: place, captured: Int(head.captured), original: Int(head.original), in: buffer)
            place += length
        }
        return (0, false)
    }

    private func readByLibpcap(_ frame: inout CapturedFrame) -> UnsafeRawBufferPointer? {
        let offset = stream.position
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        guard unsafe pcap_next_ex(handle, &header, &data) == 1, let header = unsafe header else {
            noteEnd(at: offset)
            return nil
        }
        let captured = unsafe header.pointee.caplen
        unsafe frame.time = Timestamp(
            seconds: Int64(header.pointee.ts.tv_sec), nanoseconds: Int64(header.pointee.ts.tv_usec))
        frame.frame += 1
        frame.linkType = interface.linkType
        frame.capturedLength = Int(captured)
        frame.originalLength = unsafe Int(max(header.pointee.len, captured))
        return unsafe UnsafeRawBufferPointer(start: data, count: Int(captured))
    }

    /// The end of the file is no error, anything else is damage at the record that could not be read.
    private func noteEnd(at offset: UInt64) {
        guard damage == nil else { return }
        if let failure = stream.input.failure {
            damage = failure
            return
        }
        let message = unsafe String(cString: pcap_geterr(handle))
        guard !message.isEmpty else { return }
        damage = Damage(
            file: stream.input.name, offset: offset,
            what: "the packet here cannot be read, nor anything behind it: \(message)")
    }

    /// The error for what libpcap would not open.
    private static func refused(_ input: CaptureInput, magic: [UInt8], message: String) -> CaptureError {
        let operation = "pcap_fopen_offline"
        if let failure = input.failure {
            return CaptureError(
                code: .damaged, operation: operation,
                description: "\(input.name) holds nothing usable: \(failure.what).")
        }
        if magic.isEmpty {
            return CaptureError(
                code: .notACapture, operation: operation, description: "\(input.name) is empty; capture to it again.")
        }
        guard isPcap(magic) else {
            return CaptureError(code: .notACapture, operation: operation, description: foreign(input.name, magic))
        }
        return CaptureError(
            code: .damaged, operation: operation, description: "\(input.name) holds nothing usable: \(message).")
    }

    /// Begins like one of the pcap formats, as far as it goes.
    private static func isPcap(_ magic: [UInt8]) -> Bool {
        magics.contains { $0.starts(with: magic) || $0.reversed().starts(with: magic) }
    }

    /// Microseconds, the modified format of old Red Hat kernels, nanoseconds.
    private static let magics: [[UInt8]] = [
        [0xA1, 0xB2, 0xC3, 0xD4], modifiedMagic, [0xA1, 0xB2, 0x3C, 0x4D],
    ]
    private static let modifiedMagic: [UInt8] = [0xA1, 0xB2, 0xCD, 0x34]

    private static func foreign(_ name: String, _ magic: [UInt8]) -> String {
        switch magic {
        case [0x28, 0xB5, 0x2F, 0xFD]: "\(name) is compressed with zstd; decompress it first (unzstd)."
        case [0xFD, 0x37, 0x7A, 0x58]: "\(name) is compressed with xz; decompress it first (unxz)."
        case _ where magic.starts(with: "BZh".utf8):
            "\(name) is compressed with bzip2; decompress it first (bunzip2)."
        default: "\(name) is not a capture: it is neither pcap nor pcapng, plain or gzipped."
        }
    }
}

extension CaptureError {
    static func unsupportedLinkType(_ linkType: UInt16, name: String?, of place: String) -> CaptureError {
        CaptureError(
            code: .unsupportedLinkType, operation: "pcap_datalink",
            description: "\(place) has \(name.map { "link type \(linkType) (\($0))" } ?? LinkType.name(of: linkType)), "
                + "whose frames cannot be decoded; capture on another interface, or with -i any.")
    }
}

/// What libpcap takes for the most that a frame of common link types has.
private let longestOrdinary: UInt32 = 262_144

/// A C stream over the bytes, for libpcap; it holds none of them back. Closing it gives the bytes' owner back.
private func openFile(over stream: PcapStream) throws(CaptureError) -> UnsafeMutablePointer<FILE> {
    let functions = unsafe clibpcap_cookie_functions(
        read: { cookie, buffer, size in
            guard let cookie = unsafe cookie, let buffer = unsafe buffer else { return -1 }
            let stream = unsafe Unmanaged<PcapStream>.fromOpaque(cookie).takeUnretainedValue()
            return unsafe stream.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
        },
        write: nil,
        seek: nil,
        close: { cookie in
            if let cookie = unsafe cookie { unsafe Unmanaged<PcapStream>.fromOpaque(cookie).release() }
            return 0
        })
    let cookie = unsafe Unmanaged.passRetained(stream)
    guard let file = unsafe clibpcap_fopencookie(cookie.toOpaque(), "r", functions) else {
        unsafe cookie.release()
        throw CaptureError(
            code: .io, operation: "fopencookie", errno: errno,
            description: "There is not enough memory to open \(stream.input.name); free some and try again.")
    }
    unsafe setvbuf(file, nil, _IONBF, 0)
    return unsafe file
}
