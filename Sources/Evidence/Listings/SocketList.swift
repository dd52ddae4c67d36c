import Records
import TextEscaping

extension EvidenceClock {
    /// A listing has one time for all of it, if any.
    static let listing = EvidenceClock(
        relation: .foreign, resolution: 1_000_000_000,
        description: "the listed machine's: a time with its zone in a line above the listing, or none")
}

/// Reads `netstat -ano`, with `-b` also the images' names.
final class SocketList: RecordStream {
    let kind = EvidenceKind.socketList
    let isConverted = false
    let endedWithoutSummary = false
    let clock = EvidenceClock.listing

    private var text: ListingText
    private let host: UInt16
    /// The process of the last row: the lines below it may name its services and its image.
    private var owner: UInt32?
    private var components: [String] = []
    private var ready: [EvidenceRecord] = []
    private var isFinished = false

    init(_ lines: TextLines, file: String, host: UInt16) {
        text = ListingText(lines, file: file, subject: .sockets)
        self.host = host
    }

    var coverage: Coverage { text.coverage }
    var damage: [Damage] { text.damage }

    func next() throws(EvidenceError) -> EvidenceRecord? {
        while ready.isEmpty {
            guard !isFinished else { return nil }
            guard try text.advance() else {
                isFinished = true
                break
            }
            do throws(LineProblem) {
                try take()
            } catch {
                text.note(error)
            }
        }
        return ready.isEmpty ? nil : ready.removeFirst()
    }

    private func take() throws(LineProblem) {
        let words = text.words
        if let transport = Self.transport(Keyword(text.line, words[0])), words.count >= 3 {
            owner = nil
            components = []
            try row(words, transport)
        } else if let image = imageName {
            named(image)
        } else if text.current == nil || isHeader(words) {
            text.endListing()
        } else if owner != nil {
            component(words)
        }
    }

    static func transport(_ word: Keyword) -> IPPacket.Transport? {
        switch word {
        case Keyword("tcp"), Keyword("tcpv6"): .tcp
        case Keyword("udp"), Keyword("udpv6"): .udp
        default: nil
        }
    }

    private func row(_ words: [Range<Int>], _ transport: IPPacket.Transport) throws(LineProblem) {
        let line = text.line
        guard words.count >= 4, let last = words.last,
            let pid = line.decimalNumber(last).flatMap({ UInt32(exactly: $0) })
        else {
            throw LineProblem(
                position: words[words.count - 1].lowerBound,
                what: "the socket's process id is missing; run netstat with -o (netstat -ano)")
        }
        let local = try endpoint(words[1])
        let remote = try endpoint(words[2])
        guard let local else {
            throw LineProblem(position: words[1].lowerBound, what: "the local address is missing")
        }
        // A listening socket's other side is printed as 0.0.0.0:0.
        let hasRemote = remote.map { $0.port != 0 } ?? false
        let state = Array(
            words[3..<(words.count - 1)].map { Array(line[$0]) }.joined(separator: [UInt8(ascii: " ")]))
        let (listing, isNew) = text.open()
        if isNew { ready.append(.listing(listing)) }
        owner = pid == 0 ? nil : pid
        ready.append(
            .socket(
                SocketSighting(
                    transport: transport, localAddress: local.address, localPort: local.port,
                    remoteAddress: hasRemote ? remote?.address : nil, remotePort: hasRemote ? remote?.port : nil,
                    state: state.isEmpty ? nil : LosslessEscape.text(state), pid: owner, listing: listing,
                    position: text.number, host: host)))
    }

    /// `10.1.1.1:389`, `[::1]:389`; nil for `*:*`.
    private func endpoint(_ word: Range<Int>) throws(LineProblem) -> (address: IPAddress, port: UInt16)? {
        let line = text.line
        if line[word].elementsEqual("*:*".utf8) { return nil }
        guard let colon = word.last(where: { line[$0] == UInt8(ascii: ":") }),
            let address = line.address(word.lowerBound..<colon), let port = line.port(colon + 1..<word.upperBound)
        else {
            throw LineProblem(
                position: word.lowerBound,
                what: "\(quoted(line[word])) is no address with a port in numbers; run netstat with -n (netstat -ano)")
        }
        return (address, port)
    }

    /// `[svchost.exe]`
    private var imageName: ArraySlice<UInt8>? {
        let range = text.line.trimmed(0..<text.line.count)
        guard range.count > 2, text.line[range.lowerBound] == UInt8(ascii: "["),
            text.line[range.upperBound - 1] == UInt8(ascii: "]")
        else { return nil }
        return text.line[range.lowerBound + 1..<range.upperBound - 1]
    }

    private func named(_ image: ArraySlice<UInt8>) {
        guard let owner, let listing = text.current else { return }
        ready.append(
            .sighting(
                ProcessSighting(
                    occasion: .listed, time: listing.taken, pid: owner, imageName: LosslessEscape.text(image),
                    services: components, listing: listing, position: text.number, host: host)))
        self.owner = nil
        components = []
    }

    /// Between a row and its image stand the services that own the socket; paths of libraries and complaints are none.
    private func component(_ words: [Range<Int>]) {
        guard words.count == 1, components.count < 16 else { return }
        components += TaskListRow.services(text.line[words[0]])
    }

    private func isHeader(_ words: [Range<Int>]) -> Bool {
        words.contains { text.line[$0].elementsEqual("PID".utf8) }
    }
}
