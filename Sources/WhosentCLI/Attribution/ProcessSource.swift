import Correlation
import ProcessMetadata
import Records

/// Where a run takes processes from.
///
/// File commands hold only a table, which looks at nothing: the same files give the same output on any machine.
struct ProcessSource {
    /// The kernel's records, completed from procfs, in a live run.
    private var live: LiveProcesses?
    /// Asked for every record: looking at the optional itself would copy it.
    private let isLive: Bool
    /// What evidence files say.
    private var recorded: ProcessTable
    private var lastSender = LastSender()

    /// The evidence alone.
    init(limits: ProcessTable.Limits = .init()) {
        isLive = false
        recorded = ProcessTable(limits: limits)
    }

    /// This machine.
    init(live: LiveProcesses) {
        self.live = live
        isLive = true
        recorded = ProcessTable()
    }

    /// A table that records are added to, and nothing else.
    init(table: ProcessTable) {
        isLive = false
        recorded = table
    }

    mutating func add(_ record: ProcessRecord) {
        if live != nil { live?.add(record) } else { recorded.add(record) }
    }

    /// States that all of the kernel's records up to a moment were added.
    mutating func drained(until moment: Timestamp) { live?.drained(until: moment) }

    /// Has a sender looked at as early as can be: it may be gone in a moment.
    mutating func look(at record: SendRecord) {
        guard isLive, record.proof != .borrowed, lastSender.isAnother(record) else { return }
        live?.look(
            at: record.process, imageVersion: record.imageVersion, time: record.time, cgroup: record.cgroup)
    }

    /// When the look at a process that is under way was asked for; nil where none is.
    func lookBegun(_ process: ProcessKey) -> Timestamp? { live?.lookBegun(process) }

    /// Something about some process is still being read.
    var isLooking: Bool { live?.isLooking ?? false }

    mutating func add(_ loss: LossInterval, host: UInt16 = 0) {
        guard loss.kind == .process else { return }
        if live != nil {
            live?.noteLostRecords(from: loss.start, to: loss.stop)
        } else {
            recorded.noteLostRecords(host: host, from: loss.start, to: loss.stop)
        }
    }

    /// What the table of processes forgot since the last call.
    mutating func takeLetGo() -> [LossInterval] { live?.takeLetGo() ?? recorded.takeLetGo() }

    /// A sender sends on, though nothing is asked of it now: the table should not forget it before others.
    mutating func use(_ sender: Sender) {
        if !isLive { recorded.use(host: sender.host, process: sender.process, at: sender.time) }
    }

    /// What is known of a sender: at least its id.
    mutating func description(of sender: Sender) -> ProcessDescription {
        let known =
            if live != nil {
                live?.description(
                    process: sender.process, imageVersion: sender.imageVersion, at: sender.time, user: sender.user,
                    group: sender.group, cgroup: sender.cgroup)
            } else {
                recorded.description(
                    host: sender.host, process: sender.process, imageVersion: sender.imageVersion, at: sender.time,
                    user: sender.user, group: sender.group, cgroup: sender.cgroup)
            }
        return known ?? ProcessDescription(pid: sender.process.pid, name: ownName(sender))
    }

    /// The sending thread's name is the process's where it is the first thread.
    private func ownName(_ sender: Sender) -> String? {
        sender.thread == sender.process.pid && sender.threadName != .empty ? sender.threadName.description : nil
    }
}
