internal import CLibPcap
internal import Glibc
internal import PacketDecoding
public import Records
internal import TextEscaping

/// A running capture of one interface or, as `any`, of all: what the kernel's tap shows, through libpcap.
///
/// A named interface is promiscuous, as in tcpdump.
@safe
public final class LiveCapture {
    /// Becomes readable when frames can be drained, at most about 10 ms after they came.
    public let descriptor: CInt
    /// What is captured: `any` has LINKTYPE_LINUX_SLL2, others their own link type.
    public let interface: CaptureInterface

    private let handle: OpaquePointer
    private let name: String
    /// The interface's index when the capture began; nil for `any`, which cannot go away.
    private let index: UInt32?
    private var frames: UInt64 = 0
    private var received = GrowingCounter()
    private var droppedByKernel = GrowingCounter()
    private var droppedByInterface = GrowingCounter()

    /// How long the kernel may hold back a block that is not full, in milliseconds: up to twice this. A block takes 256 KiB
    /// of the ring even if it has one packet, so with 16 MiB a reader that does not run for 64 times this loses packets.
    private static let blockTimeout: CInt = 25

    /// Begins to capture.
    ///
    /// - Parameters:
    ///   - interface: its name, or `any`.
    ///   - filter: a pcap-filter(7) expression; empty for everything.
    ///   - snapLength: how many bytes of a frame are kept; 0 for all.
    ///   - bufferBytes: the size of the ring shared with the kernel; 0 for libpcap's default of 2 MiB.
    /// - Throws: `.noSuchInterface`, `.interfaceDown`, `.notPermitted`, `.badFilter`, `.unsupportedLinkType` or `.io`.
    public init(interface: String, filter: String, snapLength: Int, bufferBytes: Int) throws(CaptureError) {
        let escaped = LosslessEscape.text(interface)
        let (created, message) = unsafe withPcapMessage { unsafe pcap_create(interface, $0) }
        guard let handle = unsafe created else {
            throw CaptureError(
                code: .io, operation: "pcap_create", description: "\(escaped) cannot be captured: \(message).")
        }
        var isReady = false
        defer { if !isReady { unsafe pcap_close(handle) } }
        unsafe pcap_set_snaplen(handle, snapLength > 0 ? CInt(clamping: snapLength) : CInt(longestFrame))
        unsafe pcap_set_timeout(handle, Self.blockTimeout)
        // As tcpdump does, so that a mirror port shows what it is there for; `any` cannot be promiscuous.
        if interface != "any" { unsafe pcap_set_promisc(handle, 1) }
        unsafe pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
        if bufferBytes > 0 { unsafe pcap_set_buffer_size(handle, CInt(clamping: bufferBytes)) }
        let status = unsafe pcap_activate(handle)
        guard status >= 0 else { throw unsafe Self.refused(escaped, status, handle) }

        let isAny = interface == "any"
        if isAny { unsafe pcap_set_datalink(handle, DLT_LINUX_SLL2) }
        let linkType = DataLinkType.linkType(of: unsafe pcap_datalink(handle))
        guard LinkType.isSupported(linkType) else { throw .unsupportedLinkType(linkType, name: nil, of: escaped) }
        try unsafe Self.install(filter, in: handle)
        let (result, failure) = unsafe withPcapMessage { unsafe pcap_setnonblock(handle, 1, $0) }
        guard result == 0 else {
            throw CaptureError(
                code: .io, operation: "pcap_setnonblock", description: "\(escaped) cannot be captured: \(failure).")
        }
        isReady = true
        unsafe self.handle = handle
        name = interface
        index = isAny ? nil : unsafe if_nametoindex(interface)
        descriptor = unsafe pcap_get_selectable_fd(handle)
        self.interface = CaptureInterface(
            name: escaped, linkType: linkType, snapLength: unsafe UInt32(clamping: pcap_snapshot(handle)))
    }

    deinit { unsafe pcap_close(handle) }

    /// Hands over what was captured, without ever waiting.
    ///
    /// - Parameters:
    ///   - limit: the most frames to hand over, at least 1.
    ///   - body: gets each frame; the bytes must not outlive the call.
    /// - Returns: how many there were, 0 when none is waiting.
    /// - Throws: `.interfaceGone` once everything that was captured is handed over; `.io`.
    public func drain(limit: Int, _ body: (CapturedFrame, RawSpan) -> Void) throws(CaptureError) -> Int {
        let before = frames
        let status = withoutActuallyEscaping(body) { body in
            var drain = Drain(capture: self, linkType: interface.linkType, body: body)
            return unsafe withUnsafeMutablePointer(to: &drain) { drain in
                unsafe pcap_dispatch(handle, CInt(clamping: max(limit, 1)), handOver, UnsafeMutableRawPointer(drain))
            }
        }
        let count = Int(frames - before)
        if count == 0 {
            if isGone { throw gone() }
            if status == PCAP_ERROR {
                let message = unsafe String(cString: pcap_geterr(handle))
                throw CaptureError(
                    code: .io, operation: "pcap_dispatch",
                    description: "Capturing on \(LosslessEscape.text(name)) failed: \(message); start again.")
            }
        }
        return count
    }

    /// What one call of ``drain(limit:_:)`` needs in libpcap's callback.
    fileprivate struct Drain {
        let capture: LiveCapture
        let linkType: UInt16
        let body: (CapturedFrame, RawSpan) -> Void
    }

    @inline(__always)
    fileprivate func deliver(_ header: pcap_pkthdr, _ bytes: UnsafeRawBufferPointer, _ drain: borrowing Drain) {
        frames += 1
        let frame = CapturedFrame(
            time: Timestamp(seconds: Int64(header.ts.tv_sec), nanoseconds: Int64(header.ts.tv_usec)), frame: frames,
            linkType: drain.linkType, originalLength: Int(max(header.len, header.caplen)),
            capturedLength: bytes.count)
        unsafe drain.body(frame, bytes.bytes)
    }

    /// The interface was removed; one of the same name may have come in its place.
    private var isGone: Bool {
        guard let index else { return false }
        return unsafe if_nametoindex(name) != index
    }

    private func gone() -> CaptureError {
        CaptureError(
            code: .interfaceGone, operation: "pcap_dispatch",
            description: "The interface \(LosslessEscape.text(name)) disappeared while it was captured; "
                + "what was captured until then is complete.")
    }

    /// Frames that passed the filter, and those of them that were lost because the ring was full. Both only grow.
    public func statistics() throws(CaptureError) -> (received: UInt64, dropped: UInt64) {
        var counts = pcap_stat()
        guard unsafe pcap_stats(handle, &counts) == 0 else {
            throw CaptureError(
                code: .io, operation: "pcap_stats",
                description:
                    "The kernel does not tell how many packets were lost: \(unsafe String(cString: pcap_geterr(handle)))."
            )
        }
        received.update(counts.ps_recv)
        droppedByKernel.update(counts.ps_drop)
        droppedByInterface.update(counts.ps_ifdrop)
        return (received.total, droppedByKernel.total + droppedByInterface.total)
    }
}

/// libpcap's callback: `user` is the ``LiveCapture/Drain`` of the call.
private func handOver(
    _ user: UnsafeMutablePointer<UInt8>?, _ header: UnsafePointer<pcap_pkthdr>?, _ data: UnsafePointer<UInt8>?
) {
    guard let user = unsafe user, let header = unsafe header else { return }
    let drain = unsafe UnsafeMutableRawPointer(user).assumingMemoryBound(to: LiveCapture.Drain.self)
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: Int(header.pointee.caplen))
    unsafe drain.pointee.capture.deliver(header.pointee, bytes, drain.pointee)
}

/// A 64-bit count made of a 32-bit one that wraps.
struct GrowingCounter {
    private(set) var total: UInt64 = 0
    private var last: UInt32 = 0

    /// Takes the current value of the 32-bit counter.
    mutating func update(_ value: UInt32) {
        total += UInt64(value &- last)
        last = value
    }
}

// Opening.
extension LiveCapture {
    private static func install(_ filter: String, in handle: OpaquePointer) throws(CaptureError) {
        guard !filter.isEmpty else { return }
        var program = unsafe bpf_program()
        guard unsafe pcap_compile(handle, &program, filter, 1, bpf_u_int32.max) == 0 else {
            throw unsafe .badFilter(filter, String(cString: pcap_geterr(handle)))
        }
        defer { unsafe pcap_freecode(&program) }
        guard unsafe pcap_setfilter(handle, &program) == 0 else {
            throw unsafe .badFilter(filter, String(cString: pcap_geterr(handle)))
        }
    }

    private static func refused(_ name: String, _ status: CInt, _ handle: OpaquePointer) -> CaptureError {
        let message = unsafe LosslessEscape.text(String(cString: pcap_geterr(handle)))
        let (code, sentence): (CaptureError.Code, String) =
            switch status {
            case PCAP_ERROR_NO_SUCH_DEVICE:
                (
                    .noSuchInterface,
                    "There is no interface \(name); there are \((listInterfaces() + ["any"]).joined(separator: ", "))."
                )
            case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
                (.notPermitted, "Capturing on \(name) needs CAP_NET_RAW; run as root (sudo).")
            case PCAP_ERROR_IFACE_NOT_UP:
                (.interfaceDown, "The interface \(name) is not up; bring it up with: ip link set \(name) up.")
            default:
                unsafe (
                    .io,
                    "Capturing on \(name) failed: \(message.isEmpty ? String(cString: pcap_statustostr(status)) : message)."
                )
            }
        return CaptureError(code: code, operation: "pcap_activate", description: sentence)
    }
}
