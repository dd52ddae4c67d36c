internal import CLibPcap
internal import Glibc
internal import Records
internal import TextEscaping

/// A compiled pcap-filter(7) expression.
public struct PacketFilter {
    private let program: Program

    /// Owns what `pcap_compile` allocated.
    @safe
    private final class Program {
        let compiled: UnsafeMutablePointer<bpf_program>

        init(_ compiled: UnsafeMutablePointer<bpf_program>) { unsafe self.compiled = unsafe compiled }

        deinit {
            unsafe pcap_freecode(compiled)
            unsafe compiled.deallocate()
        }
    }

    /// Compiles an expression for frames of a link type (LINKTYPE_ value). The empty expression matches everything.
    ///
    /// - Throws: `.badFilter` with libpcap's reason.
    public init(_ expression: String, linkType: UInt16) throws(CaptureError) {
        guard
            let handle = unsafe pcap_open_dead_with_tstamp_precision(
                DataLinkType.dataLinkType(of: linkType), CInt(longestFrame), UInt32(PCAP_TSTAMP_PRECISION_NANO))
        else {
            throw CaptureError(
                code: .io, operation: "pcap_open_dead", errno: errno,
                description: "There is not enough memory to compile the filter expression; free some and try again.")
        }
        defer { unsafe pcap_close(handle) }
        let compiled = UnsafeMutablePointer<bpf_program>.allocate(capacity: 1)
        unsafe compiled.initialize(to: bpf_program())
        guard unsafe pcap_compile(handle, compiled, expression, 1, bpf_u_int32.max) == 0 else {
            let message = unsafe String(cString: pcap_geterr(handle))
            unsafe compiled.deallocate()
            throw .badFilter(expression, message)
        }
        program = unsafe Program(compiled)
    }

    /// Whether the expression matches a frame.
    public func matches(_ frame: RawSpan, originalLength: Int) -> Bool {
        var header = pcap_pkthdr()
        header.caplen = UInt32(clamping: frame.byteCount)
        header.len = UInt32(clamping: max(originalLength, frame.byteCount))
        return unsafe frame.withUnsafeBytes { bytes in
            // An empty frame has no address, and no byte that a filter could load.
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe withUnsafePointer(to: &header) {
                unsafe pcap_offline_filter(program.compiled, $0, start) != 0
            }
        }
    }
}

/// libpcap's own limit for most link types.
let longestFrame = 262_144

extension CaptureError {
    static func badFilter(_ expression: String, _ message: String) -> CaptureError {
        CaptureError(
            code: .badFilter, operation: "pcap_compile",
            description: "The filter expression \"\(LosslessEscape.text(expression))\" cannot be used: "
                + "\(LosslessEscape.text(message)); see pcap-filter(7).")
    }
}
