import Capture
import PacketDecoding
import Records

/// The filters of the evidences, to tell which of them could have seen a packet.
struct PassedFilters {
    private var filters: [(host: UInt16, filter: PacketFilter)] = []

    /// Compiles the filters of coverages by host number; evidence filters see packets from the IP header on.
    init?(_ coverages: [UInt16: Coverage]) throws(CommandFailure) {
        for (host, coverage) in coverages where !coverage.filter.isEmpty {
            do {
                filters.append((host, try PacketFilter(coverage.filter, linkType: LinkType.raw)))
            } catch {
                throw CommandFailure(ExitStatus.noUsableInput, "the evidence's own filter is not readable: \(error)")
            }
        }
        if filters.isEmpty { return nil }
    }

    /// Bit n is set where the packet passes the filter of evidence n, or that evidence has none.
    func mask(_ frame: RawSpan, networkOffset: Int, originalLength: Int) -> UInt64 {
        var mask = UInt64.max
        let packet = frame.extracting(min(networkOffset, frame.byteCount)..<frame.byteCount)
        for (host, filter) in filters
        where !filter.matches(packet, originalLength: max(originalLength - networkOffset, packet.byteCount)) {
            mask &= ~(1 << UInt64(host & 63))
        }
        return mask
    }
}
