public import Classification
public import Correlation
public import Records

/// An output format of the commands: appends to a byte buffer that the caller flushes, per batch while live.
///
/// The calls come in the order `begin`; for each packet of the run `count`, and `packet` where an output filter lets its
/// line through; `summary`.
public protocol ReportFormat {
    /// Appends what stands before the first packet.
    mutating func begin(into output: inout [UInt8])

    /// Counts one packet, whether its line is printed or not. Most formats need no counts of their own.
    mutating func count(_ reported: ReportedPacket)

    /// Packets have lines.
    var hasLines: Bool { get }

    /// Counts one packet whose line is not printed; `report` says more of it, and is asked only where that is needed.
    mutating func count(_ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket)

    /// Goes on with what was counted elsewhere, where nothing was counted here.
    mutating func adopt(_ table: SummaryTable)

    /// Appends one packet's line. Only UDP and ICMP have lines (``Records/IPPacket/isReported``).
    mutating func packet(_ reported: ReportedPacket, into output: inout [UInt8])

    /// Appends what stands after the last packet.
    mutating func summary(_ summary: RunSummary, into output: inout [UInt8])
}

extension ReportFormat {
    /// Nothing.
    public mutating func count(_ reported: ReportedPacket) {}

    /// They do.
    public var hasLines: Bool { true }

    /// As ``count(_:)``.
    public mutating func count(
        _ packet: PacketRecord, _ verdict: Verdict, tag: Tag?, _ report: () -> ReportedPacket
    ) { count(report()) }

    /// Nothing.
    public mutating func adopt(_ table: SummaryTable) {}
}
