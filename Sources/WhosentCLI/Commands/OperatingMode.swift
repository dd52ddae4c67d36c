import Probe

/// What the tool can do on a machine, and why not more.
struct OperatingMode {
    /// The modes, from the most to the least.
    enum Kind: String {
        /// The kernel records every send.
        case records
        /// Who holds which socket can be seen, not who sends.
        case socketTables = "socket-table"
        /// Nothing of this machine can be watched.
        case files
    }

    let kind: Kind
    /// Why it is this mode: a sentence or two.
    let detail: String

    /// The mode that these requirements allow.
    init(_ requirements: [Requirement]) {
        func isMet(_ name: String) -> Bool { requirements.contains { $0.name == name && $0.state == .met } }
        let missing = requirements.filter { $0.isEssential && $0.state != .met }
        let names = missing.map(\.name).joined(separator: ", ")
        if !isMet("packet capture") {
            kind = missing.isEmpty ? .records : .files
            detail =
                missing.isEmpty
                ? "record works; live does not, since packets cannot be captured here."
                : "The kernel's records cannot be had (\(names)), and packets cannot be captured."
        } else if missing.isEmpty {
            kind = .records
            detail = "The kernel records every send, so that answers can be exact."
        } else {
            kind = .socketTables
            let sight =
                isMet("CAP_SYS_PTRACE")
                ? "Everybody's sockets can be seen."
                : "Without CAP_SYS_PTRACE only this user's processes are seen: nothing is better than possible."
            detail = "The kernel's records cannot be had (\(names)). \(sight)"
        }
    }

    /// The mode in a few words.
    var title: String {
        switch kind {
        case .records: "records of every send"
        case .socketTables: "socket tables only (live --socket-table), and file commands"
        case .files: "file commands only (join, classify, explain)"
        }
    }

    /// What to do where live and record do not work.
    var advice: String {
        switch kind {
        case .records: ""
        case .socketTables: "`whosent live --socket-table` can, with answers that are probable at most."
        case .files: "Only join, classify and explain can."
        }
    }
}
