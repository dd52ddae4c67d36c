import Records
import TextEscaping

/// Losses and totals as JSON comments of statistics blocks.
enum SummaryComment {
    static func loss(_ loss: LossInterval) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("lost") { json in
                json.member("kind", loss.kind.rawValue)
                json.member("count", loss.count)
                json.member("start", loss.start.description)
                json.member("stop", loss.stop.description)
            }
        }
        return json.bytes
    }

    static func end(stop: Timestamp, _ totals: EvidenceTotals) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("end") { json in
                json.member("stop", stop.description)
                json.member("sends", totals.sends)
                json.member("wires", totals.wires)
                json.member("lost") { json in
                    for kind in LossInterval.Kind.allCases {
                        guard let count = totals.lost[kind] else { continue }
                        json.key(kind.rawValue)
                        json.value(count)
                    }
                }
            }
        }
        return json.bytes
    }

    /// The loss of a comment.
    static func readLoss(_ json: JSONValue) -> LossInterval? {
        guard let lost = json["lost"], let kind = lost["kind"]?.string.flatMap(LossInterval.Kind.init),
            let count = lost["count"]?.integer(UInt64.self),
            let start = lost["start"]?.string.flatMap({ Timestamp($0) }),
            let stop = lost["stop"]?.string.flatMap({ Timestamp($0) })
        else { return nil }
        return LossInterval(kind: kind, count: min(count, mostLost), start: start, stop: stop)
    }

    /// No machine loses more; sums of such counts do not overflow, whatever a file claims.
    private static let mostLost: UInt64 = 1 << 48

    /// The end of a comment.
    static func readEnd(_ json: JSONValue) -> (stop: Timestamp, totals: EvidenceTotals)? {
        guard let end = json["end"], let stop = end["stop"]?.string.flatMap({ Timestamp($0) }) else { return nil }
        var totals = EvidenceTotals(sends: end["sends"]?.integer() ?? 0, wires: end["wires"]?.integer() ?? 0)
        for kind in LossInterval.Kind.allCases {
            totals.lost[kind] = end["lost"]?[kind.rawValue]?.integer(UInt64.self).map { min($0, mostLost) }
        }
        return (stop, totals)
    }
}
