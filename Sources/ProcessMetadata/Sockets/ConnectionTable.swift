internal import Records

/// What the connection tracker of this network namespace says about sources that were translated.
///
/// A container's packet that is masqueraded leaves with an address of this machine, and often with a port that a process
/// here has too. Translation by tc-BPF leaves no trace here.
enum ConnectionTable {
    private static let fileLimit = 4 << 20

    /// Looks at the tracker.
    static func read(procfs: String) -> SourceTranslations {
        guard let count = try? SystemCalls.read("\(procfs)/sys/net/netfilter/nf_conntrack_count", limit: 32),
            count.bytes.contains(where: { $0 != UInt8(ascii: "0") && $0 != UInt8(ascii: "\n") })
        else { return .none }
        if let table = try? SystemCalls.read("\(procfs)/thread-self/net/nf_conntrack", limit: fileLimit), !table.isCut {
            return .known(translatedSources(table.bytes))
        }
        // Where nothing is passed on, only a process's own source could have been translated.
        return passesOn(procfs: procfs) ? .hidden : .none
    }

    private static func passesOn(procfs: String) -> Bool {
        ["ipv4", "ipv6"].contains { family in
            let folder = "\(procfs)/sys/net/\(family)/conf"
            let names = (try? SystemCalls.list(folder, limit: 4096))?.map(\.name) ?? []
            return names.contains { name in
                (try? SystemCalls.read("\(folder)/\(name)/forwarding", limit: 8))?.bytes.first == UInt8(ascii: "1")
            }
        }
    }

    /// The sources that are shown outside, of entries whose first tuple has another one. The second tuple of a line is
    /// that of the answers, which go to the translated source.
    static func translatedSources(_ bytes: [UInt8]) -> Set<SourceEndpoint> {
        var found = Set<SourceEndpoint>()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            var sources: [IPAddress] = []
            var destinations: [IPAddress] = []
            var sourcePorts: [UInt16] = []
            var destinationPorts: [UInt16] = []
            for field in line.split(separator: UInt8(ascii: " ")) {
                let text = String(decoding: field, as: UTF8.self)
                let parts = text.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                switch parts[0] {
                case "src": sources += address(parts[1]).map { [$0] } ?? []
                case "dst": destinations += address(parts[1]).map { [$0] } ?? []
                case "sport": sourcePorts += UInt16(parts[1]).map { [$0] } ?? []
                case "dport": destinationPorts += UInt16(parts[1]).map { [$0] } ?? []
                case "id":
                    sourcePorts += UInt16(parts[1]).map { [$0] } ?? []
                    destinationPorts += UInt16(parts[1]).map { [$0] } ?? []
                default: continue
                }
            }
            guard sources.count > 1, destinations.count > 1, sourcePorts.count > 1, destinationPorts.count > 1,
                sources[0] != destinations[1] || sourcePorts[0] != destinationPorts[1]
            else { continue }
            found.insert(SourceEndpoint(address: destinations[1], port: destinationPorts[1]))
        }
        return found
    }

    /// Dotted decimal, or eight groups of hexadecimal digits, as the kernel writes them there.
    private static func address(_ text: Substring) -> IPAddress? {
        let isSix = text.contains(":")
        let parts = text.split(separator: isSix ? ":" : ".", omittingEmptySubsequences: false)
        guard parts.count == (isSix ? 8 : 4) else { return nil }
        var numbers: [UInt64] = []
        for part in parts {
            guard let number = UInt64(part, radix: isSix ? 16 : 10), number < (isSix ? 65_536 : 256) else { return nil }
            numbers.append(number)
        }
        guard isSix else { return IPAddress(v4: UInt32(numbers.reduce(0) { $0 << 8 | $1 })) }
        return IPAddress(
            v6High: numbers[..<4].reduce(0) { $0 << 16 | $1 }, low: numbers[4...].reduce(0) { $0 << 16 | $1 })
    }
}
