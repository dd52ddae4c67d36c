import Records

/// UdpIp and TcpIp events of the NT Kernel Logger, all generations (MOF classes UdpIp_V0, UdpIp_V1, UdpIp, TcpIp_V0,
/// TcpIp_V1, TcpIp and their IPv6 forms).
struct TraceTraffic {
    /// The addresses that a trace's sends came from: they tell which side of a received packet is this machine.
    private static let localLimit = 4096
    private static let noThread: UInt64 = 0xFFFF_FFFF

    private var local: Set<IPAddress> = []
    private var lastLocal: IPAddress?
    private let host: UInt16

    init(host: UInt16) { self.host = host }

    /// Places of an event's values. `dport` precedes `sport` in all but XP's UDP events.
    private struct Layout {
        var pid: Int
        var size: Int
        var destination: Int
        var source: Int
        var destinationPort: Int
        var sourcePort: Int
    }

    /// The record of a line; nil for events that name no packet.
    mutating func record(
        _ line: CSVLine, _ columns: TraceColumns, transport: IPPacket.Transport, time: Timestamp, position: UInt64
    ) throws(LineProblem) -> TrafficRecord? {
        guard let action = Self.action(line.keyword(columns.type)) else { return nil }
        let layout = try Self.layout(line, columns.data, transport, action)
        let source = try address(line, layout.source)
        let destination = try address(line, layout.destination)
        guard source.version == destination.version else {
            throw line.problem(layout.source, "one address is IPv4 and the other IPv6")
        }
        let sourcePort = try port(line, layout.sourcePort)
        let destinationPort = try port(line, layout.destinationPort)
        let size = try number(line, layout.size, "a size")
        let pid = try number(line, layout.pid, "a process id")
        let thread = columns.thread >= 0 && columns.thread < line.count ? line.number(columns.thread) : nil
        let side = orient(source, destination, action)
        let isSource = side == .source
        return TrafficRecord(
            time: time, action: action, transport: transport, localAddress: isSource ? source : destination,
            remoteAddress: isSource ? destination : source, localPort: isSource ? sourcePort : destinationPort,
            remotePort: isSource ? destinationPort : sourcePort, isOriented: side != nil, payloadLength: size,
            // 0 is the idle process, which sends nothing: the event was logged where no process is known.
            pid: pid == 0 || pid == .max ? nil : pid,
            thread: thread.flatMap { $0 == Self.noThread ? nil : UInt32(exactly: $0) }, position: position, host: host)
    }

    private enum Side {
        case source
        case destination
    }

    /// Which side is this machine's; nil where it cannot be told.
    private mutating func orient(_ source: IPAddress, _ destination: IPAddress, _ action: TrafficRecord.Action) -> Side?
    {
        if action == .sent || action == .connected {
            if source != lastLocal {
                lastLocal = source
                if local.count < Self.localLimit { local.insert(source) }
            }
            return .source
        }
        let isSource = local.contains(source)
        guard isSource != local.contains(destination) else { return nil }
        return isSource ? .source : .destination
    }

    private static func layout(
        _ line: CSVLine, _ data: Int, _ transport: IPPacket.Transport, _ action: TrafficRecord.Action
    ) throws(LineProblem) -> Layout {
        guard line.count >= data + 6 else {
            throw line.problem(
                line.count, "the event has \(max(line.count - data, 0)) values where at least 6 belong; it was cut off")
        }
        if transport == .udp, line.count > data + 5, looksLikeAddress(line, data + 1), !looksLikeAddress(line, data + 2)
        {
            // XP: context, saddr, sport, size, daddr, dport, dsize. What was received is counted in dsize.
            let size = action == .received && line.count > data + 6 ? data + 6 : data + 3
            return Layout(
                pid: data, size: size, destination: data + 4, source: data + 1, destinationPort: data + 5,
                sourcePort: data + 2)
        }
        if looksLikeAddress(line, data) {
            // XP, TCP: daddr, saddr, dport, sport, size, PID.
            return Layout(
                pid: data + 5, size: data + 4, destination: data, source: data + 1, destinationPort: data + 2,
                sourcePort: data + 3)
        }
        // 2003 and later: PID, size, daddr, saddr, dport, sport, and more.
        return Layout(
            pid: data, size: data + 1, destination: data + 2, source: data + 3, destinationPort: data + 4,
            sourcePort: data + 5)
    }

    private static func looksLikeAddress(_ line: CSVLine, _ field: Int) -> Bool {
        line.fields[field].prefix(5).contains {
            line.bytes[$0] == UInt8(ascii: ".") || line.bytes[$0] == UInt8(ascii: ":")
        }
    }

    private func address(_ line: CSVLine, _ field: Int) throws(LineProblem) -> IPAddress {
        guard let address = line.bytes.address(line.fields[field]) else {
            throw line.problem(field, "\(quoted(line.value(field))) is no IP address")
        }
        return address
    }

    private func port(_ line: CSVLine, _ field: Int) throws(LineProblem) -> UInt16 {
        guard let port = line.bytes.port(line.fields[field]) else {
            throw line.problem(field, "\(quoted(line.value(field))) is no port")
        }
        return port
    }

    private func number(_ line: CSVLine, _ field: Int, _ what: String) throws(LineProblem) -> UInt32 {
        guard let number = line.number(field).flatMap({ UInt32(exactly: $0) }) else {
            throw line.problem(
                field, "\(quoted(line.value(field))) is not \(what): a decimal number, or a hexadecimal one with 0x")
        }
        return number
    }
}

// Event types.
extension TraceTraffic {
    /// By name or number (IPv6 counts 16 on).
    private static func action(_ type: Keyword) -> TrafficRecord.Action? {
        switch type {
        case Word.sendIPv4, Word.send, Word.sendIPv6, Word.send10, Word.send26: .sent
        case Word.receiveIPv4, Word.receive, Word.receiveIPv6, Word.receive11, Word.receive27: .received
        default: otherActions[type]
        }
    }

    private enum Word {
        static let send = Keyword("send")
        static let sendIPv4 = Keyword("sendipv4")
        static let sendIPv6 = Keyword("sendipv6")
        static let send10 = Keyword("10")
        static let send26 = Keyword("26")
        static let receive = Keyword("recv")
        static let receiveIPv4 = Keyword("recvipv4")
        static let receiveIPv6 = Keyword("recvipv6")
        static let receive11 = Keyword("11")
        static let receive27 = Keyword("27")
    }

    private static let otherActions: [Keyword: TrafficRecord.Action] = {
        var actions: [Keyword: TrafficRecord.Action] = [:]
        let named: [(names: [String], number: Int, action: TrafficRecord.Action)] = [
            (["connect"], 12, .connected), (["disconnect"], 13, .disconnected), (["retransmit"], 14, .other),
            (["accept"], 15, .accepted), (["reconnect"], 16, .other), (["tcpcopy", "copy"], 18, .other),
        ]
        for (names, number, action) in named {
            for name in names + [String(number), String(number + 16)] {
                for form in ["", "ipv4", "ipv6"] { actions[Keyword(name + form)] = action }
            }
        }
        return actions
    }()
}
