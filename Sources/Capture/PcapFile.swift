internal import CLibPcap
internal import Glibc
internal import PacketDecoding
internal import Records

/// A pcap savefile read by libpcap: both byte orders, micro- and nanoseconds, the modified formats it knows.
@safe
final class PcapFile {
    /// What the file header says.
    let interface: CaptureInterface
    /// What ended the packets before the file's end.
    private(set) var damage: Damage?

    private let input: CaptureInput
    private let handle: OpaquePointer
    private let stream: UnsafeMutablePointer<FILE>
    private let buffer: UnsafeMutablePointer<CChar>
    private let recordHead: UInt64
    /// Where the next record begins.
    private var offset: UInt64
    private let snapLength: UInt32

    /// Opens what `input` holds, whose first four bytes are `magic`.
    init(_ input: CaptureInput, magic: [UInt8]) throws(CaptureError) {
        let stream = try unsafe openStream(over: input)
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: streamBuffer)
        unsafe setvbuf(stream, buffer, _IOFBF, streamBuffer)
        let (opened, message) = unsafe withPcapMessage { buffer in
            unsafe pcap_fopen_offline_with_tstamp_precision(stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), buffer)
        }
        guard let handle = unsafe opened else {
            unsafe fclose(stream)
            unsafe buffer.deallocate()
            throw Self.refused(input, magic: magic, message: message)
        }
        unsafe self.handle = handle
        unsafe self.stream = stream
        unsafe self.buffer = buffer
        self.input = input
        snapLength = unsafe UInt32(clamping: pcap_snapshot(handle))
        interface = CaptureInterface(
            name: nil, linkType: DataLinkType.linkType(of: unsafe pcap_datalink(handle)), snapLength: snapLength)
        offset = unsafe UInt64(clamping: ftello(stream))
        // The modified format has eight bytes more in each record's head.
        recordHead = magic == Self.modifiedMagic || magic == Self.modifiedMagic.reversed() ? 24 : 16
        guard LinkType.isSupported(interface.linkType) else {
            let name = unsafe pcap_datalink_val_to_name(pcap_datalink(handle)).map { unsafe String(cString: $0) }
            throw .unsupportedLinkType(interface.linkType, name: name, of: input.name)
        }
    }

    deinit {
        // Closes the stream too, which is the last to use the buffer.
        unsafe pcap_close(handle)
        unsafe buffer.deallocate()
    }

    /// Goes to the next packet.
    ///
    /// - Returns: its bytes, valid until the next call; nil at the end.
    @inline(__always)
    func advance(_ frame: inout CapturedFrame) -> UnsafeRawBufferPointer? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        guard unsafe pcap_next_ex(handle, &header, &data) == 1, let header = unsafe header else {
            noteEnd()
            return nil
        }
        let captured = unsafe header.pointee.caplen
        unsafe frame.time = Timestamp(
            seconds: Int64(header.pointee.ts.tv_sec), nanoseconds: Int64(header.pointee.ts.tv_usec))
        frame.frame += 1
        frame.linkType = interface.linkType
        frame.capturedLength = Int(captured)
        frame.originalLength = unsafe Int(max(header.pointee.len, captured))
        offset += recordHead + UInt64(captured)
        // libpcap cuts what passes the file's snap length: only the stream knows then how long the record was.
        if captured == snapLength { offset = unsafe UInt64(clamping: ftello(stream)) }
        return unsafe UnsafeRawBufferPointer(start: data, count: Int(captured))
    }

    /// The end of the file is no error, anything else is damage at the record that could not be read.
    private func noteEnd() {
        guard damage == nil else { return }
        if let failure = input.failure {
            damage = failure
            return
        }
        let message = unsafe String(cString: pcap_geterr(handle))
        guard !message.isEmpty else { return }
        damage = Damage(
            file: input.name, offset: offset,
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

/// How much is read ahead: the default of 4 KiB would cost a system call every few packets.
private let streamBuffer = 256 * 1024

/// A C stream over the input, for libpcap. Closing it gives the input back.
private func openStream(over input: CaptureInput) throws(CaptureError) -> UnsafeMutablePointer<FILE> {
    let functions = unsafe clibpcap_cookie_functions(
        read: { cookie, buffer, size in
            guard let cookie = unsafe cookie, let buffer = unsafe buffer else { return -1 }
            let input = unsafe Unmanaged<CaptureInput>.fromOpaque(cookie).takeUnretainedValue()
            return unsafe input.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
        },
        write: nil,
        seek: { cookie, position, whence in
            // Only where it stands can be told, for ftello.
            guard let cookie = unsafe cookie, let position = unsafe position, whence == SEEK_CUR,
                unsafe position.pointee == 0
            else {
                errno = ESPIPE
                return -1
            }
            let input = unsafe Unmanaged<CaptureInput>.fromOpaque(cookie).takeUnretainedValue()
            unsafe position.pointee = Int64(clamping: input.position)
            return 0
        },
        close: { cookie in
            if let cookie = unsafe cookie { unsafe Unmanaged<CaptureInput>.fromOpaque(cookie).release() }
            return 0
        })
    let cookie = unsafe Unmanaged.passRetained(input)
    guard let stream = unsafe clibpcap_fopencookie(cookie.toOpaque(), "r", functions) else {
        unsafe cookie.release()
        throw CaptureError(
            code: .io, operation: "fopencookie", errno: errno,
            description: "There is not enough memory to open \(input.name); free some and try again.")
    }
    return unsafe stream
}
