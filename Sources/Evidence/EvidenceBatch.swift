public import Records

/// Records of an evidence file, in its order.
///
/// Send records stand by themselves: they are most of what evidence holds, and are taken from where they lie.
public struct EvidenceBatch: Sendable {
    /// A record that is not of a send.
    public struct Other: Sendable {
        /// It stands before the send record of this number; that may be one after the batch's last.
        public var position: Int
        /// The record.
        public var record: EvidenceRecord
    }

    /// Why nothing comes after a batch.
    public enum End: Sendable {
        /// The evidence is at its end.
        case complete
        /// It could not be read any further.
        case failed(EvidenceError)
    }

    /// The most records in a batch: enough that handing it to another thread costs nothing beside them, and few enough that
    /// they stay in the processor's cache.
    public static let limit = 1 << 9

    /// The send records.
    public var sends: [SendRecord] = []
    /// All others.
    public var others: [Other] = []
    /// Set in the last batch, which may be empty.
    public var end: End?

    /// An empty batch.
    public init() {}

    /// How many records there are.
    public var count: Int { sends.count + others.count }

    /// Empties the batch and keeps its storage.
    public mutating func removeAll() {
        sends.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
        end = nil
    }

    /// Adds a record behind the others.
    @inline(__always)
    mutating func append(_ record: EvidenceRecord) {
        if case .send(let send) = record {
            sends.append(send)
        } else {
            others.append(Other(position: sends.count, record: record))
        }
    }
}
