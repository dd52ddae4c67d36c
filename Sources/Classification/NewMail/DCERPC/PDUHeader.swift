/// The header that all connection-oriented DCE/RPC units begin with (C706, 12.6.3.1).
struct PDUHeader: Sendable {
    /// The units' types (C706, 12.6.4; RTS: MS-RPCH 2.2.3.6).
    enum Kind: UInt8, Sendable {
        case request = 0
        case response = 2
        case fault = 3
        case bind = 11
        case bindAck = 12
        case bindNak = 13
        case alterContext = 14
        case alterContextResponse = 15
        case auth3 = 16
        case shutdown = 17
        case cancel = 18
        case orphaned = 19
        case rts = 20

        /// The length that such a unit has at least.
        var shortest: Int {
            switch self {
            case .request, .response, .fault: 24
            case .bind, .alterContext: 28
            case .bindAck, .alterContextResponse: 26
            case .bindNak: 18
            case .rts: 20
            case .auth3, .shutdown, .cancel, .orphaned: 16
            }
        }

        /// Sent by clients only, by servers only, or by both.
        var isClients: Bool? {
            switch self {
            case .request, .bind, .alterContext, .auth3, .cancel, .orphaned: true
            case .response, .fault, .bindAck, .bindNak, .alterContextResponse, .shutdown: false
            case .rts: nil
            }
        }
    }

    static let length = 16
    static let firstFragment: UInt8 = 0x01
    static let lastFragment: UInt8 = 0x02
    static let objectUUID: UInt8 = 0x80

    let kind: Kind
    let flags: UInt8
    let isBigEndian: Bool
    let fragmentLength: Int
    let authLength: Int
    let callID: UInt32

    var isFirst: Bool { flags & Self.firstFragment != 0 }
    var isLast: Bool { flags & Self.lastFragment != 0 }

    /// A header that contradicts itself nowhere.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.length, Self.canBegin(bytes), let kind = Kind(rawValue: bytes[2]) else { return nil }
        self.kind = kind
        flags = bytes[3]
        isBigEndian = bytes[4] & 0xF0 == 0
        var cursor = WireCursor(bytes, from: 8, isBigEndian: isBigEndian)
        fragmentLength = Int(cursor.uint16())
        authLength = Int(cursor.uint16())
        callID = cursor.uint32()
    }

    /// Whether a unit may begin with these bytes, as far as there are any.
    static func canBegin(_ bytes: [UInt8]) -> Bool {
        for (index, byte) in bytes.prefix(8).enumerated() {
            let isPossible =
                switch index {
                case 0: byte == 5
                case 1: byte <= 1
                case 2: Kind(rawValue: byte) != nil
                // Integers big- or little-endian, characters ASCII or EBCDIC; then one of four float formats.
                case 4: byte & 0xEE == 0
                case 5: byte <= 3
                case 6, 7: byte == 0
                default: true
                }
            if !isPossible { return false }
        }
        guard bytes.count >= 12, let kind = Kind(rawValue: bytes[2]) else { return true }
        var cursor = WireCursor(bytes, from: 8, isBigEndian: bytes[4] & 0xF0 == 0)
        let fragment = Int(cursor.uint16())
        let auth = Int(cursor.uint16())
        return fragment >= kind.shortest && (auth == 0 || auth + 8 <= fragment - length)
    }
}

/// What `ncacn_http` servers greet with before the first unit.
let httpBanner = Array("ncacn_http/1.0".utf8)

/// The security trailer of a unit (MS-RPCE 2.2.2.11).
struct AuthTrailer: Sendable {
    /// RPC_C_AUTHN_LEVEL_PKT_PRIVACY: the stub is encrypted.
    static let privacy: UInt8 = 6

    let level: UInt8
    /// Where the stub ends: before the padding and this trailer.
    let stubEnd: Int

    /// nil where there is none or it was not captured.
    init?(_ unit: [UInt8], _ header: PDUHeader, stubStart: Int) {
        guard header.authLength > 0 else { return nil }
        let start = header.fragmentLength - header.authLength - 8
        guard start >= stubStart, start + 8 <= unit.count else { return nil }
        let end = start - Int(unit[start + 2])
        guard end >= stubStart else { return nil }
        level = unit[start + 1]
        stubEnd = end
    }
}
