import Records

// How far what is known of a packet tells it from all others.

extension IPPacket {
    /// It is a fragment, or less of it is known than would be compared: its identity lacks something.
    @inline(__always)
    var isPartial: Bool {
        if isFragment { return true }
        if isTruncated { return true }
        return hasCutPayload
    }

    /// Less of the payload is known than would be compared.
    @inline(__always)
    var hasCutPayload: Bool {
        Int(payloadPrefix.count) < min(Int(payloadLength), PayloadPrefix.capacity)
    }
    /// An equal packet of another sender is out of the question even unseen: the IPv4 identification tells it apart.
    /// A payload alone does not, since programs repeat themselves and each other.
    @inline(__always)
    var isDistinctive: Bool { source.version == .v4 && identification != 0 }
}
