import PcapNG
public import Records
import TextEscaping

/// The kinds of evidence that can be read, told by content.
public enum EvidenceKind: String, Hashable, Sendable, CaseIterable {
    /// What `whosent record -w` writes.
    case recording
    /// What `whosent live -w` and `whosent join -w` write: the captured packets with their senders.
    case annotatedCapture
    /// A Windows kernel trace of network and process events, as CSV (tracerpt, tracedmp).
    case kernelTrace = "kernel-trace"
    /// A listing of processes (tasklist).
    case taskList = "task-list"
    /// A listing of sockets with their processes (netstat -o).
    case socketList = "socket-list"
    /// A pcapng of ptcpdump.
    case ptcpdump
    /// A pcapng that etl2pcapng made of a Windows packet trace.
    case etl2pcapng

    /// How it is called in messages.
    public var name: String {
        switch self {
        case .recording: "an evidence pcapng (whosent record -w)"
        case .annotatedCapture: "an annotated pcapng (whosent live -w, whosent join -w)"
        case .kernelTrace: "a Windows kernel trace as CSV (tracerpt -of CSV)"
        case .taskList: "a tasklist listing"
        case .socketList: "a netstat listing with process ids (netstat -ano)"
        case .ptcpdump: "a pcapng of ptcpdump"
        case .etl2pcapng: "a pcapng of etl2pcapng"
        }
    }

    /// How far its word about senders may be believed.
    public var trust: EvidenceTrust {
        switch self {
        case .recording, .annotatedCapture: .recorded
        case .kernelTrace, .ptcpdump: .stated
        case .taskList, .socketList: .snapshot
        case .etl2pcapng: .running
        }
    }
}

/// What a file seems to be, by its first bytes.
enum FileContent: Hashable {
    /// How many bytes are looked at.
    static let prefixLength = 4096

    case empty
    case pcapng
    /// A text that is evidence.
    case text(EvidenceText, TextEncoding, markLength: Int)
    /// No evidence that is known: what it seems to be, as the end of a sentence.
    case other(String)

    init(_ prefix: [UInt8]) {
        if prefix.isEmpty {
            self = .empty
        } else if prefix.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]) {
            self = .pcapng
        } else if let what = Self.binary(prefix) {
            self = .other(what)
        } else if let (encoding, length) = TextEncoding.detect(prefix) {
            let begin = textBegin(prefix, encoding, markLength: length)
            if let text = EvidenceText(begin) {
                self = .text(text, encoding, markLength: length)
            } else {
                self = .other(Self.text(begin))
            }
        } else {
            self = .other("is of no kind that is known here")
        }
    }

    private static func binary(_ prefix: [UInt8]) -> String? {
        let magics: [([UInt8], String)] = [
            ([0xD4, 0xC3, 0xB2, 0xA1], "is a pcap savefile: it has packets, but does not say who sent them"),
            ([0xA1, 0xB2, 0xC3, 0xD4], "is a pcap savefile: it has packets, but does not say who sent them"),
            ([0x4D, 0x3C, 0xB2, 0xA1], "is a pcap savefile: it has packets, but does not say who sent them"),
            ([0xA1, 0xB2, 0x3C, 0x4D], "is a pcap savefile: it has packets, but does not say who sent them"),
            ([0x1F, 0x8B], "is compressed with gzip: decompress it first"),
            ([0x28, 0xB5, 0x2F, 0xFD], "is compressed with zstd: decompress it first"),
            ([0x7F, 0x45, 0x4C, 0x46], "is a program or library (ELF)"),
            ([0x50, 0x4B, 0x03, 0x04], "is a zip archive"),
        ]
        if let found = magics.first(where: { prefix.starts(with: $0.0) }) { return found.1 }
        return prefix.allSatisfy { $0 == 0 } ? "begins with nothing but zeros" : nil
    }

    /// What a text that is no evidence seems to be.
    private static func text(_ lines: [[UInt8]]) -> String {
        let text = String(decoding: Array(lines.joined(separator: [0x0A])), as: UTF8.self)
        if text.contains("Event Name") || text.contains("UdpIp") {
            return
                "seems to be a kernel trace, but no line has commas between its values and a Clock-Time in its place: "
                + "write it with tracerpt -of CSV"
        }
        if text.contains("Active Connections") {
            return "seems to be a netstat listing, but has no row: run netstat -ano"
        }
        if text.contains("Image Name") { return "seems to be a tasklist listing, but has no row" }
        if text.hasPrefix("{") { return "seems to be JSON" }
        if lines.contains(where: { $0.contains(where: { $0 >= 0x80 }) && String(validating: $0, as: UTF8.self) == nil })
        {
            return "is of no kind that is known here"
        }
        return "seems to be a text file"
    }
}
