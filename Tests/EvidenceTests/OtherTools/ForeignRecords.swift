import Evidence
import PcapNG
import Records

/// The records of a text, which is read as a file.
struct ForeignRecords {
    var traffic: [TrafficRecord] = []
    var sightings: [ProcessSighting] = []
    var listings: [Listing] = []
    var sockets: [SocketSighting] = []
    var losses: [LossInterval] = []
    var damage: [String] = []
    var kind: EvidenceKind?
    var clock: EvidenceClock?

    init(_ text: String) throws { try self.init(bytes: Array(text.utf8)) }

    init(bytes: [UInt8]) throws {
        let (records, reader) = try readAll(bytes)
        for record in records {
            switch record {
            case .traffic(let record): traffic.append(record)
            case .sighting(let record): sightings.append(record)
            case .listing(let listing): listings.append(listing)
            case .socket(let socket): sockets.append(socket)
            case .lost(let loss): losses.append(loss)
            default: break
            }
        }
        damage = reader.damage.map(\.what)
        kind = reader.kind
        clock = reader.clock
    }
}

func ip(_ text: String) -> IPAddress {
    IPAddress(text: Substring(text)) ?? IPAddress.unspecified(.v4)
}

/// UTF-16 with its byte order mark.
func utf16(_ text: String, bigEndian: Bool, mark: Bool = true) -> [UInt8] {
    ((mark ? "\u{FEFF}" : "") + text).utf16.flatMap { unit in
        let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
        return bigEndian ? bytes : bytes.reversed()
    }
}
