internal import Records

/// What ept_map (C706, appendix O; opnum 3 of the endpoint mapper) answers: where an interface is served.
enum EndpointMapperAnswer {
    static let opnum: UInt16 = 3

    /// The endpoints of `interface` over TCP in an answer.
    static func endpoints(of interface: SyntaxID, in stub: RPCStub) -> [TCPEndpoint] {
        // Entry handle, number of towers, then a conformant varying array of pointers and what they point at.
        var cursor = WireCursor(stub.bytes, from: 24, isBigEndian: stub.isBigEndian)
        cursor.skip(8)
        let count = Int(cursor.uint32())
        cursor.skip(4 * count)
        guard !cursor.hasOverrun else { return [] }
        var found: [TCPEndpoint] = []
        for _ in 0..<count {
            cursor.align(4)
            cursor.skip(4)
            let length = Int(cursor.uint32())
            let tower = Array(cursor.bytes(length))
            guard !cursor.hasOverrun else { break }
            if let endpoint = endpoint(of: interface, in: tower) { found.append(endpoint) }
        }
        return found
    }

    /// A tower's floors are little-endian in any case (C706, appendix I): interface, transfer syntax, RPC protocol, TCP
    /// port, IP address.
    private static func endpoint(of interface: SyntaxID, in tower: [UInt8]) -> TCPEndpoint? {
        var cursor = WireCursor(tower, isBigEndian: false)
        let floors = cursor.uint16()
        var port: UInt16?
        var address: IPAddress?
        for floor in 0..<min(floors, 8) {
            let left = Array(cursor.bytes(Int(cursor.uint16())))
            let right = Array(cursor.bytes(Int(cursor.uint16())))
            guard !cursor.hasOverrun, let kind = left.first else { return nil }
            switch (floor, kind, left.count, right.count) {
            case (0, 0x0D, 19, _):
                var identifier = WireCursor(left, from: 1, isBigEndian: false)
                guard SyntaxID(&identifier).hasUUID(of: interface) else { return nil }
            case (0, _, _, _): return nil
            case (_, 0x07, _, 2): port = UInt16(right[0]) << 8 | UInt16(right[1])
            case (_, 0x09, _, 4):
                address = IPAddress(v4: right.reduce(0) { $0 << 8 | UInt32($1) })
            default: break
            }
        }
        guard let port, port != 0, let address else { return nil }
        return TCPEndpoint(address: address, port: port)
    }
}
