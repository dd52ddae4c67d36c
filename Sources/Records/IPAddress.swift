import TextEscaping

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The protocol's version.
    public enum Version: UInt8, Sendable {
        /// IPv4.
        case v4 = 4
        /// IPv6.
        case v6 = 6
    }

    /// The first eight bytes of an IPv6 address, big-endian; 0 for IPv4.
    public let high: UInt64
    /// The last eight bytes of an IPv6 address, or the four of an IPv4 address, big-endian.
    public let low: UInt64
    /// Which of the two it is: `::192.0.2.1` and `192.0.2.1` differ.
    public let version: Version

    /// An IPv4 address from its 32 bits (`0xC0000201` is 192.0.2.1).
    public init(v4 bits: UInt32) {
        high = 0
        low = UInt64(bits)
        version = .v4
    }

    /// An IPv6 address from its halves, big-endian.
    public init(v6High high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        version = .v6
    }

    /// The unspecified address of a version.
    public static func unspecified(_ version: Version) -> IPAddress {
        version == .v4 ? IPAddress(v4: 0) : IPAddress(v6High: 0, low: 0)
    }

    /// IPv4 224.0.0.0/4 (RFC 5771), IPv6 ff00::/8 (RFC 4291).
    public var isMulticast: Bool {
        version == .v4 ? low >> 28 == 0xE : high >> 56 == 0xFF
    }

    /// The limited broadcast address 255.255.255.255 (RFC 919).
    public var isLimitedBroadcast: Bool { version == .v4 && low == 0xFFFF_FFFF }

    /// IPv4 127.0.0.0/8, IPv6 ::1.
    public var isLoopback: Bool {
        version == .v4 ? low >> 24 == 127 : high == 0 && low == 1
    }

    /// Dotted decimal, or RFC 5952 for IPv6.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(40)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends ``description`` without making a string.
    public func append(to bytes: inout [UInt8]) {
        switch version {
        case .v4: appendDotted(to: &bytes)
        case .v6 where high == 0 && low >> 32 == 0xFFFF:
            // RFC 5952, section 5: a well-known prefix shows the IPv4 address it holds.
            bytes.append(contentsOf: "::ffff:".utf8)
            appendDotted(to: &bytes)
        case .v6: appendGroups(to: &bytes)
        }
    }

    private func appendDotted(to bytes: inout [UInt8]) {
        for shift in stride(from: 24, through: 0, by: -8) {
            appendDecimal((low >> UInt64(shift)) & 0xFF, to: &bytes)
            if shift > 0 { bytes.append(UInt8(ascii: ".")) }
        }
    }

    private func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
    }

    /// RFC 5952, section 4: no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`.
    private func appendGroups(to bytes: inout [UInt8]) {
        var best = (start: 8, length: 1)
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > best.length { best = (index, end - index) }
            index = max(end, index + 1)
        }
        index = 0
        while index < 8 {
            if index == best.start {
                bytes.append(contentsOf: "::".utf8)
                index += best.length
                continue
            }
            if index > 0, index != best.start + best.length { bytes.append(UInt8(ascii: ":")) }
            let value = group(index)
            var started = false
            for shift in [12, 8, 4, 0] as [UInt16] {
                let digit = UInt8(truncatingIfNeeded: value >> shift) & 0xF
                if digit != 0 || started || shift == 0 {
                    bytes.append(hexDigit(digit))
                    started = true
                }
            }
            index += 1
        }
    }
}

/// An Ethernet address.
public struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    /// The six bytes in the low 48 bits, first byte highest.
    public let bits: UInt64

    /// An address from its 48 bits.
    public init(bits: UInt64) { self.bits = bits & 0xFFFF_FFFF_FFFF }

    /// All zero: what loopback and tunnels show.
    public var isZero: Bool { bits == 0 }

    /// ECS form: `00-53-00-12-34-56`, upper case.
    public var description: String {
        var bytes: [UInt8] = []
        for shift in stride(from: 40, through: 0, by: -8) {
            for nibble in [
                UInt8(truncatingIfNeeded: bits >> UInt64(shift + 4)), UInt8(truncatingIfNeeded: bits >> UInt64(shift)),
            ] {
                let digit = hexDigit(nibble)
                bytes.append(digit >= UInt8(ascii: "a") ? digit - 32 : digit)
            }
            if shift > 0 { bytes.append(UInt8(ascii: "-")) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
