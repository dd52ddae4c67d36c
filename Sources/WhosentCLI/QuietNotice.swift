/// What a run that has reported nothing says after a while, once: what it waits for.
struct QuietNotice {
    /// Nanoseconds until it is said.
    private static let patience: UInt64 = 10_000_000_000

    private let interface: String
    private let expression: String
    private let isFiltered: Bool
    private var deadline: UInt64?

    /// - Parameters:
    ///   - interface: the captured interface or `any` (escaped).
    ///   - expression: the pcap-filter expression, empty for none (escaped).
    ///   - isFiltered: options choose what is printed.
    init(interface: String, expression: String, isFiltered: Bool) {
        self.interface = interface
        self.expression = expression
        self.isFiltered = isFiltered
    }

    /// The time runs from `now` on, in nanoseconds of a clock that never jumps.
    mutating func begin(at now: UInt64) { deadline = now + Self.patience }

    /// The sentence, when it is to be said.
    ///
    /// - Parameters:
    ///   - captured: packets so far.
    ///   - reported: those of them that passed the output filter.
    mutating func sentence(at now: UInt64, captured: UInt64, reported: Int) -> String? {
        guard let deadline else { return nil }
        if reported > 0 {
            self.deadline = nil
            return nil
        }
        guard now >= deadline else { return nil }
        self.deadline = nil
        let place = interface == "any" ? "any interface of this network namespace" : interface
        let passing = expression.isEmpty ? "" : " that passes \"\(expression)\""
        guard captured > 0 else {
            let hint = interface == "any" ? "--netns NAME looks into another" : "-i any looks everywhere"
            return "no packet in 10 s; still waiting for UDP or ICMP on \(place)\(passing) (\(hint), Ctrl-C ends it)"
        }
        let wanted = isFiltered ? "UDP or ICMP that the output options ask for" : "UDP or ICMP"
        return "\(captured) packet\(captured == 1 ? "" : "s") in 10 s, none of it \(wanted); still waiting"
    }
}
