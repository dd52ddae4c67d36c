public import Records
import TextEscaping

extension HostInterface.Network {
    /// An address and its prefix length: `192.0.2.1/24`.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(text: parts[0]), let length = UInt8(parts[1]),
            length <= (address.version == .v4 ? 32 : 128)
        else { return nil }
        self.init(address: address, prefixLength: length)
    }
}

extension MACAddress {
    /// Six bytes with dashes: `00-53-00-12-34-56`.
    init?(text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var bits: UInt64 = 0
        for part in parts {
            guard part.utf8.count == 2, let byte = UInt8(part, radix: 16) else { return nil }
            bits = bits << 8 | UInt64(byte)
        }
        self.init(bits: bits)
    }
}

extension IPAddress {
    /// Dotted decimal, or IPv6 as RFC 4291, section 2.2, has it, without a zone.
    public init?(text: Substring) {
        if text.contains(":") {
            guard let value = Self.groups(text) else { return nil }
            self.init(
                v6High: value[0..<4].reduce(0) { $0 << 16 | UInt64($1) },
                low: value[4..<8].reduce(0) { $0 << 16 | UInt64($1) })
        } else {
            guard let bits = Self.dotted(text) else { return nil }
            self.init(v4: bits)
        }
    }

    private static func dotted(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let byte = UInt8(part)
            else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        return bits
    }

    /// The eight groups, a `::` filled with zeros.
    private static func groups(_ text: Substring) -> [UInt16]? {
        guard let gap = doubleColon(in: text) else {
            guard let all = sequence(text), all.count == 8 else { return nil }
            return all
        }
        guard let before = sequence(text[..<gap.lowerBound]), let after = sequence(text[gap.upperBound...]),
            before.count + after.count < 8
        else { return nil }
        return before + [UInt16](repeating: 0, count: 8 - before.count - after.count) + after
    }

    private static func doubleColon(in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// Groups with single colons between them; the last two may be a dotted address.
    private static func sequence(_ text: Substring) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (position, part) in parts.enumerated() {
            if position == parts.count - 1, part.contains("."), let bits = dotted(part) {
                groups += [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ hexValue($0) != nil }),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}
