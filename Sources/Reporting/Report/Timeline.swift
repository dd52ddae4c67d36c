public import Records

/// A span of time in equal steps, as fine as a bound on their number allows.
///
/// Steps lie on a grid of powers of two times a millisecond, so that making them coarser joins whole steps, and the
/// result does not depend on the order of packets.
public struct Timeline: Hashable, Sendable {
    /// The most steps.
    static let stepLimit = 96
    private static let finest: Int64 = 1_000_000

    /// The length of a step in nanoseconds.
    public private(set) var step = finest
    /// The number on the grid of the first and the last step; nil before the first packet.
    private var bounds: ClosedRange<Int64>?

    /// An empty line.
    public init() {}

    /// How many steps there are.
    public var count: Int { bounds.map { Int($0.upperBound - $0.lowerBound) + 1 } ?? 0 }

    /// When a step begins; `count` gives the end.
    public func time(of step: Int) -> Timestamp {
        let place = (bounds?.lowerBound ?? 0).addingReportingOverflow(Int64(step)).partialValue
        let (time, overflow) = place.multipliedReportingOverflow(by: self.step)
        return Timestamp(nanoseconds: overflow ? (place < 0 ? .min : .max) : time)
    }

    /// The place of a moment in steps from the begin, where 1.5 is the middle of the second.
    public func position(of time: Timestamp) -> Double {
        guard let bounds else { return 0 }
        return Double(time.nanoseconds) / Double(step) - Double(bounds.lowerBound)
    }

    /// Takes in a moment.
    ///
    /// - Returns: its place on the grid, and by how many doublings the grid became coarser.
    mutating func take(_ time: Timestamp) -> (place: Int64, doublings: Int) {
        var place = Self.floored(time.nanoseconds, step)
        guard var range = bounds else {
            bounds = place...place
            return (place, 0)
        }
        if range.contains(place) { return (place, 0) }
        range = min(range.lowerBound, place)...max(range.upperBound, place)
        var doublings = 0
        while range.upperBound - range.lowerBound >= Int64(Self.stepLimit) {
            range = Self.floored(range.lowerBound, 2)...Self.floored(range.upperBound, 2)
            place = Self.floored(place, 2)
            step *= 2
            doublings += 1
        }
        bounds = range
        return (place, doublings)
    }

    /// A place on the grid as the number of a step.
    func index(of place: Int64) -> Int { Int(place - (bounds?.lowerBound ?? 0)) }

    /// A place on the grid as it is after doublings.
    static func coarser(_ place: Int64, by doublings: Int) -> Int64 { place >> Int64(doublings) }

    private static func floored(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
