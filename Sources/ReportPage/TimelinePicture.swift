internal import Correlation
internal import Records
internal import Reporting

/// Packets over time, a lane a group.
struct TimelinePicture {
    /// The most lanes; what is beyond shares one.
    private static let laneLimit = 8
    private static let left = 250.0
    private static let right = 880.0
    private static let top = 28.0
    private static let laneHeight = 46.0
    private static let barHeight = 30.0

    private let report: IncidentReport
    private let scale: Double

    init(_ report: IncidentReport) {
        self.report = report
        scale = (Self.right - Self.left) / Double(max(report.timeline.count, 1))
    }

    private struct Lane {
        var name: String
        var note: String
        var packets: UInt64
        var steps: [Int: UInt64]
    }

    /// The values of the template; nil without packets.
    var members: [String: Any]? {
        guard report.timeline.count > 0, !report.groups.isEmpty else { return nil }
        let lanes = lanes
        let bottom = Self.top + Double(lanes.count) * Self.laneHeight
        let coverage = coverage(below: bottom + 26)
        let height = bottom + 30 + Double(coverage.count) * 22
        return [
            "height": Shown.place(height), "lanes": lanes.enumerated().map { members($1, $0) },
            "ticks": ticks(bottom), "losses": losses(bottom), "coverage": coverage,
            "description": description(lanes), "caption": caption,
        ]
    }

    private var lanes: [Lane] {
        let sorted = report.groups.enumerated().sorted {
            ($1.element.packets, $0.offset) < ($0.element.packets, $1.offset)
        }.map(\.element)
        // A lane for the rest is worth it for two or more.
        let shown = sorted.count <= Self.laneLimit ? sorted.count : Self.laneLimit - 1
        var lanes = sorted.prefix(shown).map { group in
            Lane(
                name: Shown.label(group.senderText, 34),
                note: Shown.label(
                    [group.confidence == .none ? nil : group.confidence.name, group.tag].compactMap { $0 }.joined(
                        separator: ", "), 38),
                packets: group.packets, steps: group.steps)
        }
        let rest = sorted.dropFirst(shown)
        if !rest.isEmpty {
            var lane = Lane(
                name: "\(Shown.count(UInt64(rest.count))) other rows", note: "together", packets: 0, steps: [:])
            for group in rest {
                lane.packets += group.packets
                lane.steps.merge(group.steps) { $0 + $1 }
            }
            lanes.append(lane)
        }
        return lanes
    }

    private func members(_ lane: Lane, _ index: Int) -> [String: Any] {
        let base = Self.top + Double(index + 1) * Self.laneHeight - 6
        let peak = lane.steps.values.max() ?? 1
        let bars = lane.steps.sorted { $0.key < $1.key }.map { step, count in
            // What is there at all is seen.
            let height = max(2, Self.barHeight * Double(count) / Double(peak))
            return [
                "x": Shown.place(Self.left + Double(step) * scale), "y": Shown.place(base - height),
                "width": Shown.place(max(2, scale - 1)), "height": Shown.place(height),
                "text": "\(lane.name): \(count) in the step from \(report.timeline.time(of: step))",
            ]
        }
        return [
            "name": lane.name, "note": lane.note, "packets": Shown.count(lane.packets),
            "peak": "at most \(Shown.count(peak))", "bars": bars, "base": Shown.place(base),
            "left": Shown.place(Self.left), "right": Shown.place(Self.right), "nameY": Shown.place(base - 17),
            "noteY": Shown.place(base - 2),
        ]
    }

    /// Round times, at most six of them.
    private func ticks(_ bottom: Double) -> [[String: Any]] {
        let start = report.timeline.time(of: 0).nanoseconds
        let stop = report.timeline.time(of: report.timeline.count).nanoseconds
        let span = stop.subtractingReportingOverflow(start)
        guard !span.overflow, span.partialValue > 0,
            let interval = Self.intervals.first(where: { span.partialValue / $0 <= 5 })
        else { return [] }
        let hasDays = interval >= 43_200_000_000_000
        var ticks: [[String: Any]] = []
        var time = start / interval * interval
        while time <= stop {
            if time >= start {
                let moment = Timestamp(nanoseconds: time)
                let x = x(moment)
                ticks.append([
                    "x": Shown.place(x), "bottom": Shown.place(bottom), "labelY": Shown.place(bottom + 15),
                    "anchor": x < Self.left + 40 ? "start" : x > Self.right - 40 ? "end" : "middle",
                    "text": hasDays
                        ? moment.dateText : String(moment.clockText.prefix(interval < 1_000_000_000 ? 12 : 8)),
                ])
            }
            time += interval
        }
        return ticks
    }

    /// Round spans from a millisecond to four years, in nanoseconds.
    private static let intervals: [Int64] = {
        let seconds: [Int64] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800,
        ]
        let days: [Int64] = [7, 14, 30, 90, 180, 365, 1461, 7305]
        return [1, 2, 5, 10, 20, 50, 100, 200, 500].map { $0 * 1_000_000 } + seconds.map { $0 * 1_000_000_000 }
            + days.map { $0 * 86_400_000_000_000 }
    }()

    private func x(_ time: Timestamp) -> Double {
        let place = Self.left + report.timeline.position(of: time) * scale
        return min(max(place, Self.left), Self.right)
    }

    private func losses(_ bottom: Double) -> [[String: Any]] {
        report.figures.coverage.flatMap(\.losses).prefix(50).map { loss in
            let (from, to) = (x(loss.start), x(loss.stop))
            return [
                "x": Shown.place(from), "width": Shown.place(max(4, to - from)), "labelX": Shown.place((from + to) / 2),
                "height": Shown.place(bottom - 20),
                "text": "\(loss.count) \(loss.kind.rawValue) lost between \(loss.start) and \(loss.stop)",
            ]
        }
    }

    private func coverage(below top: Double) -> [[String: Any]] {
        report.figures.coverage.prefix(4).enumerated().map { index, part in
            let y = top + Double(index) * 22 + 8
            return [
                "x1": Shown.place(x(part.start)), "x2": Shown.place(x(part.stop)), "y": Shown.place(y),
                "top": Shown.place(y - 4), "bottom": Shown.place(y + 4), "labelY": Shown.place(y + 4),
                "text": Shown.label("evidence\(part.host.map { " of \($0)" } ?? "")", 40),
            ]
        }
    }

    private func description(_ lanes: [Lane]) -> String {
        let parts = lanes.map { lane -> String in
            let steps = lane.steps.keys
            guard let first = steps.min(), let last = steps.max() else { return lane.name }
            let (start, stop) = (report.timeline.time(of: first), report.timeline.time(of: last + 1))
            return "\(lane.name): \(lane.packets) from \(start.clockText) to \(stop.clockText)"
        }
        return parts.joined(separator: "; ")
    }

    private var caption: String {
        "Packets in steps of \(Self.span(report.timeline.step)); each lane has its own height, with the most packets of a step on the right."
            + (report.figures.coverage.isEmpty ? "" : " The line below is what the evidence covers.")
            + (report.figures.coverage.contains { !$0.losses.isEmpty } ? " Hatched: records were lost." : "")
    }

    /// `64 ms`, `2.0 s`, `4.4 min`
    private static func span(_ nanoseconds: Int64) -> String {
        let seconds = Double(nanoseconds) / 1e9
        if seconds < 1 { return "\(nanoseconds / 1_000_000) ms" }
        if seconds < 120 { return "\(Shown.place(seconds)) s" }
        return seconds < 7200 ? "\(Shown.place(seconds / 60)) min" : "\(Shown.place(seconds / 3600)) h"
    }
}
