import PacketDecoding
import Records

@testable import Classification

/// What `tools/fuzz` throws bytes at, and the tests throw its corpus at.
enum FuzzTarget: String, CaseIterable, Sendable {
    case tcp, dcerpc, mapi

    /// Takes any bytes; a broken promise of the code is a trap.
    func run(_ input: [UInt8]) {
        switch self {
        case .tcp: Self.segments(input)
        case .dcerpc: Self.units(input)
        case .mapi: Self.stubs(input)
        }
    }

    /// Segments of one connection: direction and flags, offsets of sequence and acknowledgement, length, payload.
    private static func segments(_ input: [UInt8]) {
        var configuration = ClassifierConfiguration()
        configuration.connectionLimit = 4
        configuration.reassemblyLimit = 2048
        configuration.tupleLimit = 16
        var channels = ControlChannels(seed: 1, connectionLimit: 4, heldLimit: 2048)
        var control = MailControl(configuration: configuration)
        let ends = (
            TCPEndpoint(address: Traffic.client(7), port: 50001), TCPEndpoint(address: Traffic.server, port: 1025)
        )
        var cursor = WireCursor(input, isBigEndian: false)
        var time: Int64 = 0
        while cursor.remaining >= 7 {
            let control0 = cursor.uint8()
            let sequence = UInt32(cursor.uint16())
            let acknowledgement = UInt32(cursor.uint16())
            time += Int64(cursor.uint8()) * 4_000_000
            let payload = Array(cursor.bytes(min(Int(cursor.uint8()), cursor.remaining)))
            let isForward = control0 & 0x80 == 0
            // Both streams begin right before the sequence numbers wrap.
            let (packet, bytes) = Conversation.segment(
                isForward ? ends.0 : ends.1, isForward ? ends.1 : ends.0, 0xFFFF_FF00 &+ sequence,
                0xFFFF_FF00 &+ acknowledgement, flags: control0 & 0x1F, payload, at: time, frame: 1)
            bytes.withRawSpan { channels.observe(packet, $0, into: &control) }
            precondition(channels.heldBytes >= 0 && channels.heldBytes <= 2048 + TCPStream.heldByteLimit)
        }
    }

    /// One stream in pieces: the first byte says how long they are and who sends.
    private static func units(_ input: [UInt8]) {
        guard let first = input.first else { return }
        var stream = PDUStream()
        var connection = RPCConnection()
        let step = Int(first & 0x3F) + 1
        var start = 1
        while start < input.count {
            let end = min(start + step, input.count)
            var offset = start
            input.withRawSpan { bytes in
                while let unit = stream.next(bytes, &offset, end: end) {
                    precondition(unit.bytes.count <= unit.header.fragmentLength)
                    _ = connection.take(unit.bytes, unit.header, at: Sighting(time: Traffic.begin, frame: 1)) {
                        _, opnum in
                        opnum & 1 == 0 ? .wholeAndAnswer : .whole
                    }
                }
            }
            precondition(offset == end || stream.isHopeless)
            if first & 0x40 != 0 { stream.lose(first & 0x80 != 0 ? step : nil) }
            start = end
        }
    }

    private static func stubs(_ input: [UInt8]) {
        guard let first = input.first else { return }
        let stub = RPCStub(bytes: Array(input.dropFirst()), isBigEndian: first & 1 != 0)
        if let request = PushNotificationRequest(stub) {
            precondition((1...16).contains(request.context.count) && request.callback.port != 0)
        }
        _ = PushNotificationResponse(stub)
        for endpoint in EndpointMapperAnswer.endpoints(of: .emsmdb, in: stub) { precondition(endpoint.port != 0) }
    }
}
