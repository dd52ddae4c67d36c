/// An interface or transfer syntax: its UUID as on the wire with little-endian integers, and its version.
struct SyntaxID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64
    let version: UInt32

    /// Reads UUID and version; the first three fields of a UUID are integers in the sender's order.
    init(_ cursor: inout WireCursor) {
        let first = UInt64(cursor.uint32()) << 32
        let second = UInt64(cursor.uint16()) << 16
        high = first | second | UInt64(cursor.uint16())
        low = cursor.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
        version = cursor.uint32()
    }

    /// A UUID from its printed halves.
    init(high: UInt64, low: UInt64, version: UInt32) {
        self.high = high
        self.low = low
        self.version = version
    }

    /// MS-OXCRPC 1.9: a4f1db00-ca47-1067-b31f-00dd010662da version 0.81.
    static let emsmdb = SyntaxID(high: 0xA4F1_DB00_CA47_1067, low: 0xB31F_00DD_0106_62DA, version: 0x0051_0000)
    /// MS-OXCRPC 1.9: 5261574a-4572-206e-b268-6b199213b4e4 version 0.1.
    static let asyncEMSMDB = SyntaxID(high: 0x5261_574A_4572_206E, low: 0xB268_6B19_9213_B4E4, version: 0x0001_0000)
    /// C706, appendix O: e1af8308-5d1f-11c9-91a4-08002b14a0fa version 3.
    static let endpointMapper = SyntaxID(high: 0xE1AF_8308_5D1F_11C9, low: 0x91A4_0800_2B14_A0FA, version: 3)
    /// C706, appendix I: 8a885d04-1ceb-11c9-9fe8-08002b104860 version 2.
    static let ndr = SyntaxID(high: 0x8A88_5D04_1CEB_11C9, low: 0x9FE8_0800_2B10_4860, version: 2)

    func hasUUID(of other: SyntaxID) -> Bool { high == other.high && low == other.low }
}

/// The interfaces that are followed.
enum RPCInterface: UInt8, Hashable, Sendable {
    case emsmdb
    case asyncEMSMDB
    case endpointMapper
    case other

    init(_ syntax: SyntaxID) {
        switch syntax {
        case .emsmdb: self = .emsmdb
        case .asyncEMSMDB: self = .asyncEMSMDB
        case .endpointMapper: self = .endpointMapper
        default: self = .other
        }
    }
}

/// The presentation contexts of one connection (C706, 12.6.3.4): which interface a number stands for.
struct Presentations: Sendable {
    /// What was agreed on.
    enum Transfer: Sendable {
        case ndr
        /// NDR64 or another one: its layouts are not read.
        case foreign
    }

    private struct Proposal {
        let callID: UInt32
        let contexts: [(id: UInt16, interface: RPCInterface)]
    }

    private static let contextLimit = 64
    private static let proposalLimit = 4

    private var agreed: [(id: UInt16, interface: RPCInterface, transfer: Transfer)] = []
    private var proposals: [Proposal] = []
    /// A bind or an acknowledgement was seen.
    private(set) var hasAny = false

    subscript(id: UInt16) -> (interface: RPCInterface, transfer: Transfer)? {
        agreed.first { $0.id == id }.map { ($0.interface, $0.transfer) }
    }

    /// Reads a bind or alter_context.
    mutating func propose(_ unit: [UInt8], _ header: PDUHeader) {
        var cursor = WireCursor(unit, from: 24, isBigEndian: header.isBigEndian)
        let count = Int(cursor.uint8())
        cursor.skip(3)
        var contexts: [(UInt16, RPCInterface)] = []
        for _ in 0..<min(count, Self.contextLimit) {
            let id = cursor.uint16()
            let transfers = Int(cursor.uint8())
            cursor.skip(1)
            let interface = RPCInterface(SyntaxID(&cursor))
            cursor.skip(20 * transfers)
            guard !cursor.hasOverrun else { break }
            contexts.append((id, interface))
        }
        if proposals.count == Self.proposalLimit { proposals.removeFirst() }
        proposals.append(Proposal(callID: header.callID, contexts: contexts))
    }

    /// Reads a bind_ack or alter_context_response.
    ///
    /// - Returns: the interfaces that may be called from now on.
    mutating func accept(_ unit: [UInt8], _ header: PDUHeader) -> [RPCInterface] {
        guard let index = proposals.firstIndex(where: { $0.callID == header.callID }) else { return [] }
        let proposal = proposals.remove(at: index)
        var cursor = WireCursor(unit, from: 24, isBigEndian: header.isBigEndian)
        let address = Int(cursor.uint16())
        cursor.skip(address)
        cursor.align(4)
        let count = Int(cursor.uint8())
        cursor.skip(3)
        var accepted: [RPCInterface] = []
        for context in proposal.contexts.prefix(count) {
            let result = cursor.uint16()
            cursor.skip(2)
            let transfer = SyntaxID(&cursor)
            guard !cursor.hasOverrun else { break }
            guard result == 0 else { continue }
            agreed.removeAll { $0.id == context.id }
            if agreed.count == Self.contextLimit { agreed.removeFirst() }
            agreed.append((context.id, context.interface, transfer == .ndr ? .ndr : .foreign))
            accepted.append(context.interface)
        }
        return accepted
    }

    /// A bind_nak.
    mutating func refuse(_ header: PDUHeader) { proposals.removeAll { $0.callID == header.callID } }

    /// Takes a context for the interface that its calls were recognised as.
    mutating func infer(_ id: UInt16, _ interface: RPCInterface) {
        guard self[id] == nil, agreed.count < Self.contextLimit else { return }
        agreed.append((id, interface, .ndr))
    }
}
