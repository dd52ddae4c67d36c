import Capture
import PacketDecoding
import Records

/// The filters of the evidences, to tell which of them could have seen a packet.
struct PassedFilters {
    private var filters: [(host: UInt16, filter: PacketFilter)] = []
    /// Evidences of whose filters nothing can be told here.
    private var untold: UInt64 = 0

    /// Compiles the filters of coverages by host number; evidence filters see packets from the IP header on.
    ///
    /// A name in a filter (`host mail`, `port domain`) means what it meant on the recording machine, and no other machine is
    /// asked: such a filter counts as passed by no packet, so that the absence of a record proves nothing.
    init?(_ coverages: [(host: UInt16, coverage: Coverage)]) throws(CommandFailure) {
        for (host, coverage) in coverages where !coverage.filter.isEmpty {
            if let name = PacketFilter.nameToLookUp(in: coverage.filter) {
                Diagnostics.report(
                    "the evidence was recorded with the filter \(coverage.filter): names like \(name) are not looked up here, so what it lacks proves nothing"
                )
                untold |= 1 << UInt64(host & 63)
                continue
            }
            do {
                filters.append((host, try PacketFilter(coverage.filter, linkType: LinkType.raw)))
            } catch {
                throw CommandFailure(ExitStatus.noUsableInput, "the evidence's own filter is not readable: \(error)")
            }
        }
        if filters.isEmpty, untold == 0 { return nil }
    }

    /// Bit n is set where the packet passes the filter of evidence n, or that evidence has none.
    func mask(_ frame: RawSpan, networkOffset: Int, originalLength: Int) -> UInt64 {
        var mask = ~untold
        let packet = frame.extracting(min(networkOffset, frame.byteCount)..<frame.byteCount)
        for (host, filter) in filters
        where !filter.matches(packet, originalLength: max(originalLength - networkOffset, packet.byteCount)) {
            mask &= ~(1 << UInt64(host & 63))
        }
        return mask
    }
}
