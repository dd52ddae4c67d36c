import PacketDecoding
import Records

@testable import Classification

/// Integers as a sender writes them.
enum Wire {
    static func u16(_ value: UInt16, _ big: Bool = false) -> [UInt8] {
        let bytes = [UInt8(value & 0xFF), UInt8(value >> 8)]
        return big ? bytes.reversed() : bytes
    }

    static func u32(_ value: UInt32, _ big: Bool = false) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        return big ? bytes.reversed() : bytes
    }

    /// Filler up to a multiple of `size`; not zero, as real stubs have it.
    static func padded(_ bytes: [UInt8], to size: Int) -> [UInt8] {
        bytes + Array(repeating: 0xCC, count: (size - bytes.count % size) % size)
    }

    static func syntax(_ id: SyntaxID, _ big: Bool = false) -> [UInt8] {
        u32(UInt32(id.high >> 32), big) + u16(UInt16(id.high >> 16 & 0xFFFF), big) + u16(UInt16(id.high & 0xFFFF), big)
            + (0..<8).map { UInt8(truncatingIfNeeded: id.low >> UInt64(56 - 8 * $0)) } + u32(id.version, big)
    }

    static let ndr64 = SyntaxID(high: 0x7171_0533_BEBA_4937, low: 0x8319_B5DB_EF9C_CC36, version: 1)
    static let featureNegotiation = SyntaxID(high: 0x6CB7_1C2C_9812_4540, low: 0x0300_0000_0000_0000, version: 1)
}

/// DCE/RPC units, field by field (C706, 12.6.4).
enum Unit {
    static func make(
        _ kind: UInt8, _ call: UInt32, _ body: [UInt8], flags: UInt8 = 3, big: Bool = false, auth: [UInt8] = [],
        authLevel: UInt8 = 0
    ) -> [UInt8] {
        let padding = auth.isEmpty ? [] : [UInt8](repeating: 0xEE, count: (4 - body.count % 4) % 4)
        let trailer = auth.isEmpty ? [] : [10, authLevel, UInt8(padding.count), 0] + Wire.u32(7, big) + auth
        let length = 16 + body.count + padding.count + trailer.count
        return [5, 0, kind, flags, big ? 0x00 : 0x10, 0, 0, 0]  // version 5.0, type, flags, data representation
            + Wire.u16(UInt16(length), big) + Wire.u16(UInt16(auth.count), big) + Wire.u32(call, big) + body + padding
            + trailer
    }

    static func bind(
        _ contexts: [(UInt16, SyntaxID, [SyntaxID])] = [(0, .emsmdb, [.ndr])], call: UInt32 = 1, big: Bool = false,
        kind: UInt8 = 11
    ) -> [UInt8] {
        var body = Wire.u16(5840, big) + Wire.u16(5840, big) + Wire.u32(0, big)
        body += [UInt8(contexts.count), 0, 0, 0]
        for (id, interface, transfers) in contexts {
            body += Wire.u16(id, big) + [UInt8(transfers.count), 0] + Wire.syntax(interface, big)
            for transfer in transfers { body += Wire.syntax(transfer, big) }
        }
        return make(kind, call, body, big: big)
    }

    static func bindAck(
        _ results: [(UInt16, SyntaxID)] = [(0, .ndr)], call: UInt32 = 1, big: Bool = false, kind: UInt8 = 12
    ) -> [UInt8] {
        var body = Wire.u16(5840, big) + Wire.u16(5840, big) + Wire.u32(0x1234, big)
        body += Wire.u16(5, big) + Array("1141\0".utf8)
        body = Wire.padded(body, to: 4) + [UInt8(results.count), 0, 0, 0]
        for (result, transfer) in results {
            body += Wire.u16(result, big) + Wire.u16(0, big) + Wire.syntax(transfer, big)
        }
        return make(kind, call, body, big: big)
    }

    static func request(
        _ opnum: UInt16, _ stub: [UInt8], call: UInt32 = 2, context: UInt16 = 0, flags: UInt8 = 3, big: Bool = false,
        authLevel: UInt8 = 0
    ) -> [UInt8] {
        var body = Wire.u32(UInt32(stub.count), big) + Wire.u16(context, big) + Wire.u16(opnum, big)
        if flags & 0x80 != 0 { body += [UInt8](repeating: 0xAB, count: 16) }
        return make(
            0, call, body + stub, flags: flags, big: big, auth: authLevel == 0 ? [] : [UInt8](repeating: 9, count: 16),
            authLevel: authLevel)
    }

    static func response(
        _ stub: [UInt8], call: UInt32 = 2, flags: UInt8 = 3, big: Bool = false, authLevel: UInt8 = 0
    ) -> [UInt8] {
        make(
            2, call, Wire.u32(UInt32(stub.count), big) + Wire.u16(0, big) + [0, 0] + stub, flags: flags, big: big,
            auth: authLevel == 0 ? [] : [UInt8](repeating: 9, count: 16), authLevel: authLevel)
    }

    static func fault(_ status: UInt32, call: UInt32 = 2) -> [UInt8] {
        make(3, call, Wire.u32(0) + Wire.u16(0) + [0, 0] + Wire.u32(status) + Wire.u32(0))
    }
}

/// Stubs of emsmdb (MS-OXCRPC 3.1.4.5), field by field.
enum Stub {
    static let handle: [UInt8] = [0, 0, 0, 0] + (1...16).map { UInt8($0) }
    static let otherHandle: [UInt8] = [0, 0, 0, 0] + (101...116).map { UInt8($0) }

    /// A sockaddr: family in the client's order, port and address in network order.
    static func address(_ address: IPAddress, _ port: UInt16, big: Bool = false, family6: UInt16 = 23) -> [UInt8] {
        if address.version == .v4 {
            return Wire.u16(2, big) + Wire.u16(port, true) + Wire.u32(UInt32(address.low), true)
                + [UInt8](repeating: 0, count: 8)
        }
        let halves = [address.high, address.low].flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) }
        }
        return Wire.u16(family6, big) + Wire.u16(port, true) + Wire.u32(0) + halves + Wire.u32(0, big)
    }

    /// What to get wrong.
    struct Wrong {
        var contextCount: Int?
        var contextSize: Int?
        var addressCount: Int?
        var advise: UInt32 = 0xFFFF_FFFF
        var addressSize: Int?
    }

    static func register(
        _ address: IPAddress, _ port: UInt16, context: [UInt8] = Traffic.context, handle: [UInt8] = handle,
        big: Bool = false, wrong: Wrong = Wrong()
    ) -> [UInt8] {
        let sockaddr = self.address(address, port, big: big)
        var stub = handle + Wire.u32(0, big)  // pcxh, iRpc
        stub += Wire.u32(UInt32(wrong.contextCount ?? context.count), big) + context  // rgbContext
        stub = Wire.padded(stub, to: 2) + Wire.u16(UInt16(wrong.contextSize ?? context.count), big)  // cbContext
        stub = Wire.padded(stub, to: 4) + Wire.u32(wrong.advise, big)  // grbitAdviseBits
        stub += Wire.u32(UInt32(wrong.addressCount ?? sockaddr.count), big) + sockaddr  // rgbCallbackAddress
        return Wire.padded(stub, to: 2) + Wire.u16(UInt16(wrong.addressSize ?? sockaddr.count), big)
    }

    /// ept_map's answer with one tower: an interface at 192.0.2.1, TCP port 1025.
    static func endpointMap(of interface: SyntaxID) -> [UInt8] {
        func floor(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
            Wire.u16(UInt16(left.count)) + left + Wire.u16(UInt16(right.count)) + right
        }
        let syntax = Wire.syntax(interface)
        let tower =
            Wire.u16(5) + floor([0x0D] + syntax[..<18], Array(syntax[18...]))
            + floor([0x0D] + Wire.syntax(.ndr)[..<18], [0, 0]) + floor([0x0B], [0, 0]) + floor([0x07], [0x04, 0x01])
            + floor([0x09], [192, 0, 2, 1])
        // Entry handle, towers, maximum, offset, count, one pointer, and what it points at.
        return [UInt8](repeating: 0, count: 20) + Wire.u32(1) + Wire.u32(4) + Wire.u32(0) + Wire.u32(1) + Wire.u32(3)
            + Wire.padded(Wire.u32(UInt32(tower.count)) + Wire.u32(UInt32(tower.count)) + tower, to: 4) + Wire.u32(0)
    }

    static func registered(_ status: UInt32 = 0, handle: [UInt8] = handle, big: Bool = false) -> [UInt8] {
        handle + Wire.u32(0x77, big) + Wire.u32(status, big)
    }
}

/// A conversation over one TCP connection, as the packets and bytes that a classifier sees.
struct Conversation {
    static let mailClient = Traffic.client(7)
    static let port: UInt16 = 2762

    var client = TCPEndpoint(address: mailClient, port: 50001)
    var server = TCPEndpoint(address: Traffic.server, port: 1025)
    /// Near the end, so that it wraps.
    var clientNext: UInt32 = 0xFFFF_FFC0
    var serverNext: UInt32 = 0x7FFF_FFF0
    /// Nanoseconds since ``Traffic/begin``.
    var time: Int64 = 0
    var packets: [(PacketRecord, [UInt8])] = []

    private mutating func add(_ isClients: Bool, _ payload: [UInt8], flags: UInt8) {
        let (from, to) = isClients ? (client, server) : (server, client)
        let (sequence, acknowledged) = isClients ? (clientNext, serverNext) : (serverNext, clientNext)
        packets.append(
            Self.segment(from, to, sequence, acknowledged, flags: flags, payload, at: time, frame: packets.count + 1))
        let used = UInt32(payload.count) + (flags & 3 != 0 ? 1 : 0)
        if isClients { clientNext &+= used } else { serverNext &+= used }
        time += 1_000_000
    }

    static func segment(
        _ from: TCPEndpoint, _ to: TCPEndpoint, _ sequence: UInt32, _ acknowledged: UInt32, flags: UInt8,
        _ payload: [UInt8], at time: Int64, frame: Int
    ) -> (PacketRecord, [UInt8]) {
        var packet = IPPacket(source: from.address, destination: to.address, transport: .tcp)
        packet.sourcePort = from.port
        packet.destinationPort = to.port
        packet.tcpFlags = flags
        packet.payloadLength = UInt32(payload.count)
        packet.payloadPrefix = PayloadPrefix(payload)
        let header =
            Wire.u16(from.port, true) + Wire.u16(to.port, true) + Wire.u32(sequence, true)
            + Wire.u32(flags & 0x10 != 0 ? acknowledged : 0, true) + [0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]
        var record = Traffic.at(time, packet)
        record.frame = UInt64(frame)
        return (record, header + payload)
    }

    mutating func open() {
        add(true, [], flags: 0x02)
        add(false, [], flags: 0x12)
        add(true, [], flags: 0x10)
    }

    mutating func ask(_ unit: [UInt8]) { add(true, unit, flags: 0x18) }
    mutating func answer(_ unit: [UInt8]) { add(false, unit, flags: 0x18) }
    mutating func close() { add(true, [], flags: 0x11) }
    mutating func reset() { add(false, [], flags: 0x04) }

    mutating func bind(big: Bool = false) {
        ask(Unit.bind(big: big))
        answer(Unit.bindAck(big: big))
    }

    mutating func register(
        context: [UInt8] = Traffic.context, port: UInt16 = port, handle: [UInt8] = Stub.handle, status: UInt32 = 0,
        call: UInt32 = 2, big: Bool = false
    ) {
        ask(
            Unit.request(
                4, Stub.register(client.address, port, context: context, handle: handle, big: big), call: call, big: big
            ))
        answer(Unit.response(Stub.registered(status, handle: handle, big: big), call: call, big: big))
    }

    mutating func datagram(
        _ payload: [UInt8] = Traffic.context, from source: IPAddress? = nil, to destination: IPAddress? = nil,
        port: UInt16 = port, after delay: Int64 = 0
    ) {
        time += delay
        var record = Traffic.at(
            time,
            Traffic.udp(
                source ?? server.address, UInt16(36000 + packets.count), destination ?? client.address, port,
                payload: payload))
        record.frame = UInt64(packets.count + 1)
        packets.append((record, []))
        time += 1_000_000
    }

    static func run(_ packets: [(PacketRecord, [UInt8])]) -> (tags: [Tag], registrations: [PushRegistration]) {
        var classifier = Classifier(configuration: ClassifierConfiguration())
        var decisions: [TagDecision] = []
        for (packet, bytes) in packets {
            let decision = bytes.withRawSpan { classifier.observe(packet, transport: $0) }
            if packet.ip.transport == .udp { decisions.append(decision) }
        }
        let tags = decisions.map { decision in
            switch decision {
            case .none: Tag(name: "-", confidence: .shape, reasons: [])
            case .final(let tag): tag
            case .pending(let pending): classifier.resolve(pending)
            }
        }
        return (tags, classifier.registrations)
    }

    /// The levels of the datagrams, in order.
    var levels: [String] { Self.run(packets).tags.map { $0.name == "-" ? "-" : $0.confidence.name } }
    var tags: [Tag] { Self.run(packets).tags }
    var registrations: [PushRegistration] { Self.run(packets).registrations }
}
