/// The unit of an interface's time stamps (`if_tsresol`, draft-ietf-opsawg-pcapng, section 4.2).
public struct TimestampResolution: Hashable, Sendable {
    /// The option's byte: 10^-n for n up to 127; with the highest bit set 2^-n.
    public let code: UInt8
    private let multiplier: UInt64
    private let divisor: UInt64
    private let shift: UInt8

    /// What holds where the option is absent.
    public static let microseconds = TimestampResolution(code: 6)
    /// What is written here.
    public static let nanoseconds = TimestampResolution(code: 9)

    /// A resolution from the option's byte: every value has a meaning.
    public init(code: UInt8) {
        self.code = code
        let exponent = Int(code & 0x7F)
        if code & 0x80 != 0 {
            multiplier = 1_000_000_000
            divisor = 0
            shift = UInt8(exponent)
        } else {
            multiplier = exponent <= 9 ? Self.powerOfTen(9 - exponent) ?? 0 : 0
            divisor = exponent > 9 ? Self.powerOfTen(exponent - 9) ?? 0 : 0
            shift = 0
        }
    }

    /// Nanoseconds of a number of ticks, rounded down; saturates at the end of `Int64`.
    @inline(__always)
    public func nanoseconds(_ ticks: UInt64) -> Int64 {
        if code & 0x80 != 0 {
            return Int64(clamping: (UInt128(ticks) * UInt128(multiplier)) >> UInt128(shift))
        }
        if multiplier != 0 {
            let (product, overflow) = ticks.multipliedReportingOverflow(by: multiplier)
            return overflow ? .max : Int64(clamping: product)
        }
        return divisor == 0 ? 0 : Int64(clamping: ticks / divisor)
    }

    private static func powerOfTen(_ exponent: Int) -> UInt64? {
        guard exponent <= 19 else { return nil }
        return (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
}
