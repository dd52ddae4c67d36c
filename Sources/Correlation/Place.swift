import Records

/// Where a packet can be seen: a record's packet passes each place once.
struct Place: Hashable, Sendable {
    let capture: UInt16
    let interface: UInt16
    let interfaceIndex: UInt32
    let direction: Direction
    /// Before or behind a translation.
    let isTranslated: Bool

    /// Of a packet that was not translated.
    @inline(never)
    init(_ packets: Span<PacketRecord>, _ index: Int) {
        capture = packets[index].capture
        interface = packets[index].interface
        interfaceIndex = packets[index].interfaceIndex
        direction = packets[index].direction
        isTranslated = false
    }

    init(_ packet: PacketRecord, isTranslated: Bool = false) {
        capture = packet.capture
        interface = packet.interface
        interfaceIndex = packet.interfaceIndex
        direction = packet.direction
        self.isTranslated = isTranslated
    }
}
