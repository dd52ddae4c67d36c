internal import Records

/// The operations of emsmdb that matter here (MS-OXCRPC 3.1.4).
enum EMSMDBOperation {
    static let disconnect: UInt16 = 1
    static let registerPushNotification: UInt16 = 4
    static let unregisterPushNotification: UInt16 = 5
    /// EcDoRpc, EcDoRpcExt and EcDoRpcExt2: a client fetches, among other things, what is pending.
    static let fetches: Set<UInt16> = [2, 9, 11]
}

/// A session's context handle: 20 bytes that the server chose.
struct ContextHandle: Hashable, Sendable {
    static let length = 20
    let bytes: [UInt8]

    init?(_ stub: [UInt8]) {
        guard stub.count >= Self.length else { return nil }
        bytes = Array(stub[..<Self.length])
    }

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
}

/// The stub of an EcRRegisterPushNotification request.
struct PushNotificationRequest: Sendable {
    static let longestContext = 16
    /// AF_INET6 on Windows and on Linux.
    private static let families6: [UInt16] = [23, 10]
    /// MS-RPCE 2.2.2.13: what Windows clients append to a stub.
    private static let verificationTrailer: [UInt8] = [0x8A, 0xE3, 0x13, 0x71, 0x02, 0xF4, 0x36, 0x71]

    let handle: ContextHandle
    let context: PayloadPrefix
    let callback: TCPEndpoint
    /// Every field is as the specification wants it, up to the end of the stub.
    let isStrict: Bool

    /// Reads a stub; nil where the layout contradicts itself.
    init?(_ stub: RPCStub) {
        var cursor = WireCursor(stub.bytes, isBigEndian: stub.isBigEndian)
        guard let handle = ContextHandle(stub.bytes) else { return nil }
        cursor.skip(ContextHandle.length)
        cursor.skip(4)
        let contextCount = cursor.uint32()
        guard (1...UInt32(Self.longestContext)).contains(contextCount) else { return nil }
        let context = PayloadPrefix(cursor.bytes(Int(contextCount)))
        cursor.align(2)
        guard UInt32(cursor.uint16()) == contextCount else { return nil }
        cursor.align(4)
        let advise = cursor.uint32()
        let addressCount = cursor.uint32()
        let address = Array(cursor.bytes(Int(addressCount)))
        cursor.align(2)
        // A stub that is cut short reads as zeros, which are no sound address.
        guard UInt32(cursor.uint16()) == addressCount,
            let callback = Self.endpoint(address, isBigEndian: stub.isBigEndian)
        else { return nil }
        self.handle = handle
        self.context = context
        self.callback = callback
        isStrict =
            advise == 0xFFFF_FFFF && callback.port >= 1024 && !handle.isZero
            && Self.isEnd(Array(cursor.bytes(cursor.remaining)))
    }

    /// A sockaddr: the family in the client's order, the rest as it goes over the network.
    private static func endpoint(_ bytes: [UInt8], isBigEndian: Bool) -> TCPEndpoint? {
        var cursor = WireCursor(bytes, isBigEndian: isBigEndian)
        let family = cursor.uint16()
        let port = cursor.networkUInt16()
        guard port != 0 else { return nil }
        if family == 2, bytes.count == 16 {
            return TCPEndpoint(address: IPAddress(v4: cursor.bytes(4).reduce(0) { $0 << 8 | UInt32($1) }), port: port)
        }
        guard families6.contains(family), bytes.count == 28 else { return nil }
        cursor.skip(4)
        let high = cursor.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
        let low = cursor.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
        return TCPEndpoint(address: IPAddress(v6High: high, low: low), port: port)
    }

    /// Nothing follows but alignment and a verification trailer.
    private static func isEnd(_ rest: [UInt8]) -> Bool {
        if rest.count < 4 { return true }
        return (0..<4).contains { rest.dropFirst($0).starts(with: verificationTrailer) }
    }
}

/// The stub of the response: handle, notification handle, status.
struct PushNotificationResponse: Sendable {
    static let length = 28
    let handle: ContextHandle
    let status: UInt32

    init?(_ stub: RPCStub) {
        guard stub.bytes.count >= Self.length, let handle = ContextHandle(stub.bytes) else { return nil }
        self.handle = handle
        var cursor = WireCursor(stub.bytes, from: 24, isBigEndian: stub.isBigEndian)
        status = cursor.uint32()
    }
}
