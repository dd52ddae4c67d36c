import PcapNG

/// A pcapng of another tool, recognised by its section header or else by the first comments of its packets: etl2pcapng
/// writes no name into the header.
struct OpenedForeignCapture: ~Copyable {
    /// How many packets may pass before one with a comment that is known.
    private static let lookahead = 10_000

    var kind: EvidenceKind
    /// The packet that `blocks` stands at, where it is one to be read.
    var first: PacketBlock?
    /// Its number, or how many packets there were.
    var position: UInt64
    var blocks: BlockReader

    /// - Parameter blocks: stands behind its first section header.
    init(_ blocks: consuming BlockReader, file: String) throws(EvidenceError) {
        let application = blocks.section.application ?? ""
        var position: UInt64 = 0
        var kind: EvidenceKind?
        if application.contains("ptcpdump") { kind = .ptcpdump }
        if application.contains("etl2pcapng") { kind = .etl2pcapng }
        var first: PacketBlock?
        while kind == nil {
            let event: BlockReader.Event?
            do throws(ByteSourceError) {
                event = try blocks.next()
            } catch {
                throw .readFailed(file, error)
            }
            guard let event, position < Self.lookahead else { break }
            guard case .packet(let packet) = event else { continue }
            position += 1
            kind = Self.kind(blocks.comments())
            if kind != nil { first = packet }
        }
        guard let kind else {
            let maker = application.isEmpty ? "" : " of \(application)"
            throw .notEvidence(file, "is a pcapng\(maker): it has packets, but does not say who sent them")
        }
        self.kind = kind
        self.first = first
        self.position = position
        self.blocks = blocks
    }

    private static func kind(_ comments: [String]) -> EvidenceKind? {
        if PtcpdumpComments.read(comments) != nil { return .ptcpdump }
        return Etl2pcapngComments.read(comments) == nil ? nil : .etl2pcapng
    }
}
