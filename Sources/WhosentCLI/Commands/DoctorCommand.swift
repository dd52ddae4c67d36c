import ArgumentParser
import Probe
import TextEscaping

/// `whosent doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "List every requirement with its state, and how to mend what is missing.",
        discussion: """
            Says at the end which mode is possible: records of every send (live, record),
            socket tables only (live --socket-table), or file commands only. Exits with 0
            if live and record can work here, with 77 or 69 if not.

            Examples:
              whosent doctor                   what this machine has and lacks
              whosent doctor --format ndjson   the same for a program
            """)

    @Option(help: ArgumentHelp("How to print: text, ndjson or csv.", valueName: "format"))
    var format: FormatName = .text

    func run() throws {
        let requirements = Probe.requirements()
        let mode = OperatingMode(requirements)
        var output = StandardOutput()
        output.buffer = bytes(requirements, mode)
        try output.flush()
        let missing = requirements.filter { $0.isEssential && $0.state != .met }
        guard let first = missing.first else { return }
        let status =
            missing.contains { $0.name.hasPrefix("CAP_") } ? ExitStatus.notPermitted : ExitStatus.kernelLacksFeature
        throw CommandFailure(status, "live and record cannot work here: \(first.detail) \(mode.advice)")
    }

    private func bytes(_ requirements: [Requirement], _ mode: OperatingMode) -> [UInt8] {
        switch format {
        case .text: text(requirements, mode)
        case .ndjson: ndjson(requirements, mode)
        case .csv: csv(requirements, mode)
        }
    }

    private func text(_ requirements: [Requirement], _ mode: OperatingMode) -> [UInt8] {
        let width = requirements.map(\.name.count).max() ?? 0
        var lines: [String] = []
        for requirement in requirements {
            let state = requirement.state == .met ? "ok     " : requirement.isEssential ? "MISSING" : "note   "
            let name = requirement.name + String(repeating: " ", count: width - requirement.name.count)
            lines.append("\(state)  \(name)  \(requirement.detail)")
            if requirement.state != .met, let remedy = requirement.remedy {
                lines.append(String(repeating: " ", count: width + 11) + "to mend: \(remedy)")
            }
        }
        lines += ["", "mode: \(mode.title)", "      \(mode.detail)"]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private func ndjson(_ requirements: [Requirement], _ mode: OperatingMode) -> [UInt8] {
        var json = JSONWriter()
        for requirement in requirements {
            json.object { json in
                json.member("requirement", requirement.name)
                json.member("state", requirement.state.rawValue)
                json.key("essential")
                json.value(requirement.isEssential)
                json.member("detail", requirement.detail)
                json.member("remedy", requirement.remedy)
            }
            json.newline()
        }
        json.object { json in
            json.member("mode", mode.kind.rawValue)
            json.member("detail", mode.detail)
        }
        json.newline()
        return json.bytes
    }

    private func csv(_ requirements: [Requirement], _ mode: OperatingMode) -> [UInt8] {
        func field(_ text: String) -> String {
            "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
        var lines = ["requirement,state,essential,detail,remedy"]
        for item in requirements {
            lines.append(
                [item.name, item.state.rawValue, "\(item.isEssential)", item.detail, item.remedy ?? ""].map(field)
                    .joined(separator: ","))
        }
        lines.append(["mode", mode.kind.rawValue, "false", mode.detail, ""].map(field).joined(separator: ","))
        return Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }
}
